// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

extension Desired.Path {
    /// Octets of the largest packet that the path takes: the file's word, else what the way to its peers lets through
    /// less what WireGuard adds to it. What is measured of that way belongs into ``Observed/outerMTUs`` as well.
    ///
    /// Never below what IPv6 asks for (RFC 8200 section 5): over an underlay with less room WireGuard's packets are cut
    /// into fragments, which is slow, while an interface below 1280 has no IPv6 at all.
    func mtu(_ observed: Observed) -> Int {
        mtu ?? max(outer(observed) - overhead(observed.tunnels[interface]), 1280)
    }

    /// Octets of the largest packet that the way to its peers lets through.
    fileprivate func outer(_ observed: Observed) -> Int {
        let link = observed.links[underlay]?.mtu ?? 1500
        return min(link, observed.outerMTUs[interface].map { Int($0) } ?? link)
    }

    /// What WireGuard adds: 20 octets of IPv4 or 40 of IPv6, 8 of UDP, 16 of its header and 16 of its tag
    /// (drivers/net/wireguard, MESSAGE_MINIMUM_LENGTH). It pads to 16 octets, but never beyond the MTU.
    ///
    /// The 20 octets less are counted on only where the file leaves no doubt of them. An MTU that went up and down with a
    /// name's answers would cost established connections more than those octets gain; wg-quick counts 80 always. A peer
    /// that roamed to IPv6 needs them as long as it is there.
    fileprivate func overhead(_ device: WireGuardDevice?) -> Int {
        let hasRoamed = device?.peers.contains { $0.endpoint?.address.family == .ipv6 } ?? false
        return callsOverIPv4Only && !hasRoamed ? 60 : 80
    }
}

extension Observed {
    /// Paths whose packets are larger than the way to their peers lets through, in words.
    func narrowWays(_ desired: Desired) -> [String] {
        desired.paths.compactMap { path in
            let (inner, outer) = (path.mtu(self), path.outer(self))
            let needed = inner + path.overhead(tunnels[path.interface])
            guard links[path.underlay] != nil, needed > outer else { return nil }
            return
                "\(path.name): its MTU of \(inner) needs \(needed) octets, and the way to its peers by \(path.underlay) "
                + "lets \(outer) through: large packets are sent in pieces, or lost"
        }
    }
}

extension RouteMessages {
    /// So many peers' ways are asked for: a site that thousands call has no one way that all of them share.
    private static let peerLimit = 16

    /// The questions for the ways to an interface's peers.
    ///
    /// By the mark of outer packets, as their senders look the way up; and by the underlay, where the kernel's WireGuard
    /// has it written down what a router said: its socket has no mark (`ipv4_sk_update_pmtu`, `ip6_sk_update_pmtu`), so
    /// that goes to the main table's route. There is no event for either. What a router said holds for ten minutes
    /// (RFC 1191 section 6.3), and so does the smaller MTU.
    static func questions(_ device: WireGuardDevice, _ mark: UInt32, _ underlay: Link) -> [NetlinkMessage] {
        Set(device.peers.compactMap(\.endpoint?.address)).sorted().prefix(peerLimit).flatMap { address in
            [get(address, by: .mark(mark)), get(address, by: .output(underlay.index))]
        }
    }
}
