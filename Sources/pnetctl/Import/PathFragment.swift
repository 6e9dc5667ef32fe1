// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// The parts of pnetd.yaml that a file of wg-quick(8) comes to, and the key files that they name.
struct PathFragment {
    struct KeyFile {
        let name: String
        let key: WireGuardSecretKey
        /// Where the key was.
        let line: Int
    }

    /// Of the path, its interface and its network.
    let name: String
    /// The folder of the key files, as the fragment names it.
    let folder: String
    /// Where outer packets leave; nil where nobody has said.
    let underlay: String?
    /// The name of the file that it is made of.
    let source: String
    let file: WgQuickFile

    private func fileName(_ suffix: String) -> String {
        folder.hasSuffix("/") ? folder + suffix : "\(folder)/\(suffix)"
    }

    private func presharedKeyName(_ number: Int) -> String {
        fileName(file.peers.count == 1 ? "\(name).psk" : "\(name)-\(number + 1).psk")
    }

    /// The key files to be written.
    var keyFiles: [KeyFile] {
        let own = file.privateKey.map { [KeyFile(name: fileName("\(name).key"), key: $0.value, line: $0.line)] } ?? []
        return own
            + carriedPeers.compactMap { number, peer in
                peer.presharedKey.map { KeyFile(name: presharedKeyName(number), key: $0.value, line: $0.line) }
            }
    }

    /// A peer without prefixes carries nothing. Where it is the only one, pnetd gives it those of the networks.
    private var carriedPeers: [(number: Int, peer: WgQuickFile.Peer)] {
        file.peers.enumerated().filter { !$0.element.allowedIPs.isEmpty || file.peers.count == 1 }
            .map { ($0.offset, $0.element) }
    }

    /// What of the file cannot be, or is not, as it was.
    var notes: [ImportNote] {
        let endpoints = file.peers.compactMap(\.endpoint?.address)
        let lost = file.peers.flatMap(\.allowedIPs).compactMap { prefix -> ImportNote? in
            guard let reason = objection(to: prefix.value, endpoints) else { return nil }
            return ImportNote(severity: .note, line: prefix.line, message: reason.message, remedy: reason.remedy)
        }
        let empty = file.peers.filter(\.allowedIPs.isEmpty).map { peer in
            file.peers.count == 1
                ? ImportNote(
                    severity: .note,
                    line: peer.line,
                    message: "this [Peer] has no AllowedIPs",
                    remedy: "it gets the prefixes of the networks that use the path"
                )
                : ImportNote(
                    severity: .note,
                    line: peer.line,
                    message: "this [Peer] has no AllowedIPs and is not carried over",
                    remedy: "it would carry nothing"
                )
        }
        return (file.notes + lost + empty).sorted { $0.line < $1.line }
    }

    /// Why a prefix cannot be that of a network.
    private func objection(to prefix: IPPrefix, _ endpoints: [IPAddress]) -> (message: String, remedy: String)? {
        if prefix.length == 0 {
            let remedy = "a network is what must be reached, not everything: list its prefixes under networks:"
            return ("\(prefix) stays in allowed-ips, but is no network's prefix", remedy)
        }
        guard endpoints.contains(where: prefix.contains) else { return nil }
        let remedy = "the guard would drop the tunnel's own packets: list prefixes that leave it out"
        return ("\(prefix) holds a peer's endpoint: it stays in allowed-ips, but is no network's prefix", remedy)
    }

    /// Prefixes for the network.
    private var prefixes: [IPPrefix] {
        let endpoints = file.peers.compactMap(\.endpoint?.address)
        return carriedPeers.flatMap(\.peer.allowedIPs).map(\.value).filter { objection(to: $0, endpoints) == nil }
            .sorted()
    }

    /// The fragment.
    var text: String {
        let earlier = shellWord(printable(source.hasSuffix(".conf") ? String(source.dropLast(5)) : source))
        var lines = [
            "# Made of \(printable(source)) by pnetctl import. The old interface must go before pnetd makes its own:",
            "# wg-quick down \(earlier); systemctl disable wg-quick@\(earlier)",
        ]
        let notes = notes
        if !notes.isEmpty { lines.append("#") }
        lines += notes.map { "# line \($0.line): \($0.messageAndRemedy)" }
        lines += pathLines + [""] + networkLines
        return lines.map { $0 + "\n" }.joined()
    }

    private var pathLines: [String] {
        var lines = [
            "paths:", "  \(quoted(name)):", "    kind: wireguard", "    interface: \(quoted(name))",
            "    addresses: \(list(file.addresses.map(\.description)))",
            "    private-key-file: \(quoted(fileName("\(name).key")))",
        ]
        if let port = file.listenPort { lines.append("    listen-port: \(port)") }
        if let mtu = file.mtu { lines.append("    mtu: \(mtu)") }
        lines += [
            "    underlay:",
            underlay.map { "      interface: \(quoted($0))" }
                ?? "      interface: eth0                   # TO DO: the interface that faces outwards",
            "    peers:",
        ]
        for (number, peer) in carriedPeers {
            guard let key = peer.publicKey?.value else { continue }
            lines.append("      - public-key: \(quoted(key.description))")
            if peer.presharedKey != nil {
                lines.append("        preshared-key-file: \(quoted(presharedKeyName(number)))")
            }
            if let endpoint = peer.endpoint { lines.append("        endpoint: \(quoted(endpoint.description))") }
            if peer.keepalive > 0 { lines.append("        persistent-keepalive: \(peer.keepalive)s") }
            if !peer.allowedIPs.isEmpty {
                lines.append("        allowed-ips: \(list(peer.allowedIPs.map(\.value.description)))")
            }
        }
        return lines
    }

    private var networkLines: [String] {
        let isBare = prefixes.isEmpty
        // An address that can be asked from an address of the same family.
        let families = Set(file.addresses.map(\.address.family))
        let asked = prefixes.first { families.contains($0.family) } ?? prefixes.first
        return [
            "networks:", "  \(quoted(name)):",
            "    prefixes: \(isBare ? "[]" : list(prefixes.map(\.description)))"
                + (isBare ? "                        # TO DO: what must be reached" : ""),
            "    paths: [\(quoted(name))]",
            "    targets:",
            "      list:                             # TO DO: an address there that answers ping",
            "        - icmp: \(quoted(asked.map(target)?.description ?? "192.0.2.1"))",
        ]
    }

    /// The first address of a prefix for a host, as long as it is not our own.
    private func target(in prefix: IPPrefix) -> IPAddress {
        let own = Set(file.addresses.map(\.address))
        let candidates = (1...2).map { IPAddress(family: prefix.family, bits: prefix.address.bits + UInt128($0)) }
        return candidates.first { prefix.contains($0) && !own.contains($0) } ?? prefix.address
    }

    /// As a comment may hold it.
    private func printable(_ text: String) -> String { text.filter { (" "..."~").contains($0) } }

    private func shellWord(_ text: String) -> String { text == quoted(text) ? text : "'\(text)'" }

    private func list(_ items: [String]) -> String { "[\(items.map(quoted).joined(separator: ", "))]" }

    /// A scalar of YAML: as it is, or in quotes where a character may mean something.
    private func quoted(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy { octet in
            switch octet {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "/"), UInt8(ascii: "_"),
                UInt8(ascii: "+"), UInt8(ascii: "="), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        let isSafe = isPlain && !["-", "=", "+"].contains(text.prefix(1)) && !text.isEmpty
        let escaped = text.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : "\($0)" }.joined()
        return isSafe ? text : "\"\(escaped)\""
    }
}
