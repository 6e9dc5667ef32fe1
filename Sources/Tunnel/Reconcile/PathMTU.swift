// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

extension Desired.Path {
    /// Octets of the largest packet that the path's interface takes: the file's word, else what the way to its peers lets
    /// through less what the tunnel adds to it, and no more than its other end takes; for a VLAN what its parent takes, and
    /// for an interface that is not ours what it was set to. What is measured of that way belongs into
    /// ``Observed/outerMTUs`` as well.
    ///
    /// Never below what IPv6 asks for (RFC 8200 section 5): over an underlay with less room WireGuard's packets are cut
    /// into fragments, which is slow, while an interface below 1280 has no IPv6 at all.
    ///
    /// While the underlay is gone, the MTU stays as it is: most often the same way comes back, and connections that found
    /// more room meanwhile would send too much.
    func mtu(_ observed: Observed) -> Int {
        guard let underlay else { return lineMTU(observed) }
        if let mtu { return mtu }
        if observed.links[underlay.interface] == nil, let link = usableLink(observed) {
            return max(link.mtu, 1280)
        }
        let room = outer(underlay, observed) - overhead(observed.tunnels[interface])
        return max(min(room, ipsec?.largestPacket ?? room), 1280)
    }

    private func lineMTU(_ observed: Observed) -> Int {
        guard let vlan = line?.vlan else { return observed.links[interface]?.mtu ?? 1500 }
        return mtu ?? observed.links[vlan.parent]?.mtu ?? observed.links[interface]?.mtu ?? 1500
    }

    /// Octets of the largest packet that a route by it allows, by the network's word and by what was measured; nil where
    /// that is all that the interface takes: a route's MTU would hold above that.
    ///
    /// What is measured is the routes' affair: only an interface that takes more can be asked whether more gets through.
    func routeMTU(for network: Int? = nil, _ observed: Observed) -> UInt32? {
        // What cannot be set on the interface is said by the routes.
        let file = ownsInterface ? nil : self.mtu
        guard let least = [network, carriedMTU, file].compactMap({ $0 }).min() else { return nil }
        return least < mtu(observed) ? UInt32(least) : nil
    }

    /// Octets of the largest packet that the way to its peers lets through.
    fileprivate func outer(_ underlay: Underlay, _ observed: Observed) -> Int {
        let link = observed.links[underlay.interface]?.mtu ?? 1500
        return min(link, observed.outerMTUs[interface].map { Int($0) } ?? link)
    }

    /// What WireGuard adds: 20 octets of IPv4 or 40 of IPv6, 8 of UDP, 16 of its header and 16 of its tag
    /// (drivers/net/wireguard, MESSAGE_MINIMUM_LENGTH). It pads to 16 octets, but never beyond the MTU.
    ///
    /// The 20 octets less are counted on only where the file leaves no doubt of them. An MTU that went up and down with a
    /// name's answers would cost established connections more than those octets gain; wg-quick counts 80 always. A peer
    /// that roamed to IPv6 needs them as long as it is there.
    fileprivate func overhead(_ device: WireGuardDevice?) -> Int {
        let tunnel: WireGuardTunnel
        switch kind {
        case .ipsec(let ipsec): return ipsec.remote?.family == .ipv4 ? Self.espOverhead : Self.espOverhead + 20
        case .routed: return 0
        case .wireGuard(let wireGuard): tunnel = wireGuard
        }
        guard tunnel.callsOverIPv4Only else { return 80 }
        let hasRoamed = device?.peers.contains { $0.endpoint?.address.family == .ipv6 } ?? false
        return hasRoamed ? 80 : 60
    }
}

extension Desired.Path {
    /// What ESP in tunnel mode adds over IPv4 at the most of what is common: 20 octets of the outer header, 8 of UDP where
    /// there is NAT, 8 of ESP's own (RFC 4303), 16 of an initialization vector, up to 15 of padding and 2 behind it, 16 of
    /// an integrity check, as with AES-CBC and HMAC-SHA256-128.
    private static let espOverhead = 85
}

extension Observed {
    /// Paths whose packets are larger than the way to their peers lets through, in words.
    func narrowWays(_ desired: Desired) -> [String] {
        desired.paths.compactMap { path in
            guard let underlay = path.underlay, links[underlay.interface] != nil else { return nil }
            let (inner, outer) = (path.mtu(self), path.outer(underlay, self))
            let needed = inner + path.overhead(tunnels[path.interface])
            guard needed > outer else { return nil }
            return
                "\(path.name): its MTU of \(inner) needs \(needed) octets, and the way to its peers by \(underlay.interface) "
                + "lets \(outer) through: large packets are sent in pieces, or lost"
        }
    }
}

extension RouteMessages {
    /// Of an interface with more peers than this nobody's way is asked for.
    private static let peerLimit = 16

    /// The questions for the ways to an interface's peers, one of which may narrow it for all of them.
    ///
    /// A hub that many call asks for none: its MTU is that of its underlay. Else the one peer with the worst way, or one
    /// forged word of a router about any of them, would have the packets of all the others be small.
    ///
    /// By the mark of outer packets, as their senders look the way up; by the underlay; and by neither, as the kernel looks
    /// up where to write down what a router said to its WireGuard, whose socket has no mark and no interface
    /// (`ip6_sk_update_pmtu`): that is the main table's best route, whichever underlay that leads out of. It cannot be told
    /// whose packet it was, so it holds for all paths to the same peer. Over IPv4 the kernel's WireGuard lets routers cut
    /// its packets into pieces, and none says anything.
    ///
    /// There is no event for any. What a router said holds for ten minutes (RFC 8201 section 4), and so does the smaller
    /// MTU.
    static func questions(_ device: WireGuardDevice, _ mark: UInt32, _ underlay: Link) -> [WayQuestion] {
        guard device.peers.count <= peerLimit else { return [] }
        return Set(device.peers.compactMap(\.endpoint?.address)).sorted().flatMap { address in
            let selectors: [Selector] = [.mark(mark), .output(underlay.index)]
            return (address.family == .ipv6 ? selectors + [.neither] : selectors).map {
                WayQuestion(address: address, selector: $0)
            }
        }
    }
}

/// A question for the way to a peer.
struct WayQuestion: Hashable {
    let address: IPAddress
    let selector: RouteMessages.Selector

    var message: NetlinkMessage { RouteMessages.get(address, by: selector) }

    /// What an answer says of the octets that the way lets through. Asked for by neither mark nor interface it may be
    /// another underlay's way: that route's own MTU is nobody's business here.
    func mtu(_ reply: NetlinkReply) -> UInt32? {
        selector == .neither && !RouteMessages.isLearned(reply) ? nil : RouteMessages.mtu(reply)
    }
}
