// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// Reads the lines of a file of wg-quick(8), as wg(8) and wg-quick do: keys in any case, `#` begins a comment, of a
/// value that is given twice the last one counts, lists add up.
struct WgQuickReading {
    private enum Section {
        case none
        case unknown
        case interface
        case peer
    }

    private(set) var file = WgQuickFile()
    private var section = Section.none
    private var interfaceLine: Int?
    private var line = 0

    mutating func take(_ text: Substring, number: Int) {
        line = number
        let content = Self.trimmed(text.prefix { $0 != "#" })
        guard !content.isEmpty else { return }
        if content.hasPrefix("[") { return begin(content.lowercased()) }
        guard let equals = content.firstIndex(of: "=") else {
            return error("this line is neither a section nor KEY = VALUE")
        }
        let key = Self.trimmed(content[..<equals])
        let value = Self.trimmed(content[content.index(after: equals)...])
        switch section {
        case .none: error("this line is before any section", "begin with [Interface]")
        case .unknown: break
        case .interface: takeInterface(key, value)
        case .peer: takePeer(key, value)
        }
    }

    private mutating func begin(_ name: String) {
        switch name {
        case "[interface]":
            section = .interface
            interfaceLine = interfaceLine ?? line
        case "[peer]":
            section = .peer
            file.peers.append(WgQuickFile.Peer(line: line))
        default:
            section = .unknown
            error("unknown section", "[Interface] or [Peer]")
        }
    }

    private mutating func takeInterface(_ key: Substring, _ value: Substring) {
        switch key.lowercased() {
        case "privatekey":
            guard let secret = secretKey(value, "PrivateKey", "wg genkey") else { return }
            file.privateKey = WgQuickFile.Placed(value: secret, line: line)
        case "address":
            for item in list(value, "Address") {
                guard let address = Self.address(item) else {
                    error("Address is not an address with or without a prefix length", "as in 10.99.0.2/30")
                    continue
                }
                if !file.addresses.contains(where: { $0.address == address.address }) { file.addresses.append(address) }
            }
        case "listenport":
            guard let port = UInt16(value) else { return error("ListenPort is not a port", "0 to 65535") }
            file.listenPort = port == 0 ? nil : port
        case "mtu":
            guard let mtu = Int(value), mtu > 0 else { return error("MTU is not a number") }
            file.mtu = (1280...9000).contains(mtu) ? mtu : nil
            if file.mtu == nil { note("MTU \(mtu)", "pnetd takes 1280 to 9000; without, it goes by the underlay's") }
        case "saveconfig" where value.lowercased() == "false": break
        case let known:
            if let (name, remedy) = Self.withoutPlace[known] { note(name, remedy) } else { unknown(key) }
        }
    }

    /// What pnetd has no place for, and what it has instead.
    private static let withoutPlace: [String: (name: String, remedy: String)] = {
        let command = "pnetd runs no commands for a path; a systemd unit with After=pnetd.service may"
        return [
            "dns": ("DNS", "pnetd's own resolver takes the place: resolver: and the zones of a network"),
            "table": (
                "Table", "pnetd routes the prefixes of networks by tables of its own; reserve: table: moves them"
            ),
            "fwmark": ("FwMark", "pnetd marks the packets of each path itself; reserve: mark-mask: says with what"),
            "saveconfig": ("SaveConfig", "pnetd never writes its file"),
            "preup": ("PreUp", command), "postup": ("PostUp", command), "predown": ("PreDown", command),
            "postdown": ("PostDown", command),
        ]
    }()

    private mutating func takePeer(_ key: Substring, _ value: Substring) {
        let last = file.peers.count - 1
        switch key.lowercased() {
        case "publickey":
            guard let key = WireGuardPublicKey(String(value)) else {
                return error("PublicKey is not a WireGuard key", "44 characters of base64, as `wg pubkey` prints")
            }
            file.peers[last].publicKey = WgQuickFile.Placed(value: key, line: line)
        case "presharedkey":
            guard let secret = secretKey(value, "PresharedKey", "wg genpsk") else { return }
            file.peers[last].presharedKey = WgQuickFile.Placed(value: secret, line: line)
        case "allowedips":
            // An empty list is none.
            for item in value.isEmpty ? [] : list(value, "AllowedIPs") {
                guard let prefix = Self.address(item)?.prefix else {
                    error("AllowedIPs holds what is no prefix", "as in 10.20.0.0/16, fd00:20::/48")
                    continue
                }
                file.peers[last].allowedIPs.append(WgQuickFile.Placed(value: prefix, line: line))
            }
        case "endpoint":
            guard let endpoint = HostEndpoint(String(value)) else {
                return error("Endpoint is not a host and a port", "as in 192.0.2.1:51820 or [2001:db8::1]:51820")
            }
            file.peers[last].endpoint = endpoint
        case "persistentkeepalive":
            guard let seconds = value.lowercased() == "off" ? 0 : UInt16(value) else {
                return error("PersistentKeepalive is not a number of seconds", "0 to 65535, or off")
            }
            file.peers[last].keepalive = Int(seconds)
        default: unknown(key)
        }
    }

    /// Says what is missing and what contradicts itself.
    mutating func finish() {
        line = interfaceLine ?? 1
        if interfaceLine == nil {
            error("there is no [Interface]")
        } else if !file.hasErrors {
            if file.privateKey == nil {
                error("[Interface] has no PrivateKey", "`wg genkey` or `pnetctl keygen` makes one")
            }
            if file.addresses.isEmpty { error("[Interface] has no Address", "pnetd gives the interface its addresses") }
        }
        if file.peers.isEmpty, section != .unknown { error("there is no [Peer]") }
        var seen: [WireGuardPublicKey: Int] = [:]
        for peer in file.peers {
            line = peer.publicKey?.line ?? peer.line
            guard let key = peer.publicKey?.value else {
                if !peer.isBroken { error("[Peer] has no PublicKey") }
                continue
            }
            if let earlier = seen.updateValue(line, forKey: key) {
                error(
                    "this PublicKey is already that of another [Peer]",
                    "the first is on line \(earlier): make them one"
                )
            }
        }
        settleAllowedIPs()
    }

    /// A prefix is one peer's: as in the kernel, that of the last one who names it.
    private mutating func settleAllowedIPs() {
        var holders: [IPPrefix: (peer: Int, line: Int)] = [:]
        for (number, peer) in file.peers.enumerated() {
            for prefix in peer.allowedIPs { holders[prefix.value] = (number, prefix.line) }
        }
        for number in file.peers.indices {
            var own: Set<IPPrefix> = []
            file.peers[number].allowedIPs = file.peers[number].allowedIPs.filter { prefix in
                guard let holder = holders[prefix.value], holder.peer != number else {
                    return own.insert(prefix.value).inserted
                }
                line = prefix.line
                note("\(prefix.value) of AllowedIPs", "the peer on line \(holder.line) has it: the last one gets it")
                return false
            }
        }
    }

    private mutating func secretKey(_ value: Substring, _ name: String, _ maker: String) -> WireGuardSecretKey? {
        guard let key = WireGuardSecretKey(base64: Array(value.utf8)), !key.isZero else {
            error("\(name) is not a WireGuard key", "44 characters of base64, as `\(maker)` prints")
            return nil
        }
        return key
    }

    private mutating func list(_ value: Substring, _ name: String) -> [Substring] {
        let items = value.split(separator: ",", omittingEmptySubsequences: false).map(Self.trimmed)
        if items.contains(where: \.isEmpty) { error("\(name) has an empty item") }
        return items.filter { !$0.isEmpty }
    }

    /// An address with its prefix length; alone, it is one of a host.
    private static func address(_ text: Substring) -> InterfaceAddress? {
        guard let address = IPAddress(text) else { return InterfaceAddress(String(text)) }
        return InterfaceAddress(address: address, length: address.family.width)
    }

    private mutating func unknown(_ key: Substring) {
        // What is no word may be a key.
        let isWord = key.utf8.count <= 24 && key.utf8.allSatisfy { (0x61...0x7a).contains($0 | 0x20) }
        error(isWord ? "unknown key '\(key)'" : "unknown key", "wg(8) and wg-quick(8) list them all")
    }

    private mutating func error(_ message: String, _ remedy: String? = nil) {
        if section == .peer, !file.peers.isEmpty { file.peers[file.peers.count - 1].isBroken = true }
        file.notes.append(ImportNote(severity: .error, line: line, message: message, remedy: remedy))
    }

    private mutating func note(_ what: String, _ remedy: String) {
        file.notes.append(
            ImportNote(severity: .note, line: line, message: "\(what) is not carried over", remedy: remedy)
        )
    }

    private static func trimmed(_ text: some StringProtocol) -> Substring {
        let isSpace = { (octet: UInt8) in octet == 0x20 || (0x09...0x0d).contains(octet) }
        let octets = Substring(text).utf8.drop(while: isSpace)
        return Substring(octets.dropLast(octets.reversed().prefix(while: isSpace).count))
    }
}
