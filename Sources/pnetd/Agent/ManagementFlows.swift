// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import SystemIO
import Tunnel

/// A TCP connection by which somebody manages this host, as ssh; it is never cut by what he applies.
struct ManagementFlow: Hashable {
    let local: IPAddress
    let port: UInt16
    let remote: IPAddress

    /// Those that stand now, to these ports of this host.
    static func established(to ports: Set<UInt16>) -> Set<ManagementFlow> {
        let tables = ["/proc/self/net/tcp", "/proc/self/net/tcp6"].map { path in
            // A router may have a great many connections; each is 150 octets.
            (try? Files.read(path, limit: 64 << 20)) ?? []
        }
        return Set(tables.flatMap { parse(String(decoding: $0, as: UTF8.self)) }).filter { ports.contains($0.port) }
    }

    /// Reads the kernel's table of TCP sockets (proc(5), /proc/net/tcp): addresses as 32-bit words in host order,
    /// state 01 for established.
    static func parse(_ table: String) -> [ManagementFlow] {
        table.split(separator: "\n").dropFirst().compactMap { line in
            let words = line.split(separator: " ", omittingEmptySubsequences: true)
            guard words.count > 3, words[3] == "01", let local = endpoint(words[1]), let remote = endpoint(words[2])
            else { return nil }
            return ManagementFlow(local: local.address, port: local.port, remote: remote.address)
        }
    }

    private static func endpoint(_ text: Substring) -> (address: IPAddress, port: UInt16)? {
        let parts = text.split(separator: ":")
        guard parts.count == 2, let port = UInt16(parts[1], radix: 16), [8, 32].contains(parts[0].count) else {
            return nil
        }
        var octets: [UInt8] = []
        var rest = parts[0]
        while !rest.isEmpty {
            guard let word = UInt32(rest.prefix(8), radix: 16) else { return nil }
            octets += unsafe withUnsafeBytes(of: word) { unsafe Array($0) }
            rest = rest.dropFirst(8)
        }
        // ::ffff:0:0/96, an IPv4 connection of a socket that takes both (RFC 4291 section 2.5.5.2).
        let mapped: [UInt8] = Array(repeating: 0, count: 10) + [0xff, 0xff]
        let own = octets.starts(with: mapped) ? octets[12...] : octets[...]
        return IPAddress(bytes: own).map { ($0, port) }
    }

    /// What is protected, and by which path each of it is reached; and the interfaces' own addresses with what they take
    /// on-link.
    struct Reach: Hashable {
        var protected: [IPPrefix] = []
        var ways: [IPPrefix: Desired.Path] = [:]
        var addresses: [InterfaceAddress] = []

        /// The network's prefix that counts for an address: of several the longest.
        fileprivate func prefix(of address: IPAddress) -> IPPrefix? {
            protected.filter { $0.contains(address) }.max { $0.length < $1.length }
        }
    }

    /// Why a change would cut the connection; nil where it would not.
    func isCut(by new: Reach, after old: Reach) -> String? {
        let who = "the connection from \(remote) to port \(port)"
        switch (old.prefix(of: remote), new.prefix(of: remote)) {
        case (nil, let taken?):
            return "\(who) would be cut: \(taken) becomes a protected prefix (leave \(remote) out of it)"
        case (let given?, nil):
            return "\(who) would be cut: \(given) would have no path any more"
        case (let earlier?, let kept?):
            guard let before = old.ways[earlier] else { break }
            guard let after = new.ways[kept] else { return "\(who) would be cut: no path of \(kept) would be up" }
            if let reason = after.losesSession(with: remote, since: before) {
                return "\(who) would be cut: \(reason)"
            }
        default: break
        }
        if let own = old.addresses.first(where: { $0.address == local }), !new.addresses.contains(own) {
            return "\(who) would be cut: the address \(own) goes"
        }
        if let wide = new.addresses.first(where: { $0.prefix.contains(remote) }), !old.addresses.contains(wide) {
            return "\(who) would be cut: \(wide) takes \(remote) for a neighbour on a path"
        }
        return nil
    }
}

extension ManagementFlow.Reach {
    init(of desired: Desired) {
        protected = desired.networks.flatMap(\.prefixes)
        for network in desired.networks {
            guard let active = network.outcome.path, let path = desired.paths.first(where: { $0.name == active }) else {
                continue
            }
            for prefix in network.prefixes { ways[prefix] = path }
        }
        addresses = desired.paths.flatMap(\.addresses)
    }
}

extension Desired.Path {
    /// Why packets to an address, which went by the other path, would find no session here; nil where they would.
    fileprivate func losesSession(with address: IPAddress, since before: Desired.Path) -> String? {
        guard let wireGuard else {
            let isSame = interface != before.interface || line == before.line
            return isSame ? nil : "the gateways of \(name) change"
        }
        guard let holder = holder(of: address) else {
            return "no peer of \(name) has \(address) among its allowed IPs"
        }
        // Another path has sessions of its own: it was probed.
        guard interface == before.interface, let earlier = before.holder(of: address) else { return nil }
        if wireGuard.privateKey != before.wireGuard?.privateKey {
            return "the private key of \(name) changes (pnetctl rotate changes it under the cover of other paths)"
        }
        guard holder == earlier else { return "\(address) goes to another peer of \(name)" }
        // Whether the peer is there, nobody knows before.
        if underlay != before.underlay || endpoint(of: holder) != before.endpoint(of: holder) {
            return "the tunnel of \(name) would take another way"
        }
        return nil
    }

    private func endpoint(of key: WireGuardPublicKey) -> SocketEndpoint? {
        wireGuard?.peers.first { $0.publicKey == key }?.endpoint
    }

    /// The peer that packets to an address go to: that with the longest prefix.
    private func holder(of address: IPAddress) -> WireGuardPublicKey? {
        func length(_ peer: WireGuardSettings.Peer) -> Int? {
            peer.allowedIPs.filter { $0.contains(address) }.map(\.length).max()
        }
        return wireGuard?.peers.filter { length($0) != nil }.max { length($0) ?? 0 < length($1) ?? 0 }?.publicKey
    }
}
