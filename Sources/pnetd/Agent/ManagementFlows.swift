// SPDX-License-Identifier: Apache-2.0

import Configuration
import NetworkTypes
import SystemIO

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

    /// What a file reaches and owns, as far as connections depend on it.
    struct Reach: Hashable {
        let prefixes: [IPPrefix]
        let addresses: Set<IPAddress>

        init(prefixes: [IPPrefix], addresses: Set<IPAddress>) {
            self.prefixes = prefixes
            self.addresses = addresses
        }

        init(of site: SiteConfiguration) {
            prefixes = site.networks.flatMap(\.prefixes)
            addresses = Set(site.paths.flatMap { $0.addresses.map(\.address) })
        }
    }

    /// Why taking in a file would cut the connection; nil where it would not.
    func isCut(by new: Reach, after old: Reach) -> String? {
        let who = "the connection from \(remote) to port \(port)"
        let earlier = old.prefixes.first { $0.contains(remote) }
        let later = new.prefixes.first { $0.contains(remote) }
        switch (earlier, later) {
        case (nil, let taken?):
            return "\(who) would be cut: \(taken) becomes a protected prefix (leave \(remote) out of it)"
        case (let given?, nil):
            return "\(who) would be cut: \(given) would have no path any more"
        default: break
        }
        guard old.addresses.contains(local), !new.addresses.contains(local) else { return nil }
        return "\(who) would be cut: the address \(local) goes"
    }
}
