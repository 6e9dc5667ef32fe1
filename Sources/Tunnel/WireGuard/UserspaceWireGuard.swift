// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import SystemIO

/// The userspace implementation over its UAPI socket: text lines, keys in hexadecimal
/// (the cross-platform userspace interface of WireGuard, `get=1` and `set=1`).
struct UserspaceWireGuard: WireGuardControl {
    /// Where the sockets are, as wireguard-go and wg(8) have it.
    static let directory = "/var/run/wireguard"

    static func socketPath(_ interface: InterfaceName) -> String { "\(directory)/\(interface).sock" }

    func read(_ interface: InterfaceName) throws(WireGuardError) -> WireGuardDevice {
        try Self.parse(exchange("get=1\n\n", interface))
    }

    func apply(_ change: WireGuardChange, to interface: InterfaceName) throws(WireGuardError) {
        _ = try exchange(Self.text(of: change), interface)
    }

    /// Sends a request and reads lines to the empty one; `errno=0` must be among them.
    private func exchange(_ request: String, _ interface: InterfaceName) throws(WireGuardError) -> [Substring] {
        var answer: [UInt8] = []
        do throws(SystemError) {
            // The agent's one thread waits meanwhile: a process that lives answers within a millisecond.
            let socket = try UnixSocket.connect(path: Self.socketPath(interface), limit: .milliseconds(200))
            var rest = Array(request.utf8)[...]
            while !rest.isEmpty {
                let count = try socket.write(rest.span)
                guard count > 0 else { throw SystemError(operation: "write", code: ETIMEDOUT) }
                rest = rest.dropFirst(count)
            }
            while !answer.suffix(2).elementsEqual([10, 10]) {
                guard let part = try socket.read(upTo: 1 << 16) else {
                    throw SystemError(operation: "read", code: ETIMEDOUT)
                }
                guard !part.isEmpty, answer.count < 64 << 20 else { break }
                answer += part
            }
        } catch {
            guard ![ETIMEDOUT, EAGAIN].contains(error.code) else { throw .unresponsive(interface) }
            throw .userspace("userspace WireGuard of \(interface): \(error)")
        }
        let lines = String(decoding: answer, as: UTF8.self).split(separator: "\n")
        guard let verdict = lines.last(where: { $0.hasPrefix("errno=") }) else {
            throw .userspace("userspace WireGuard of \(interface) broke its answer off")
        }
        guard verdict == "errno=0" else {
            throw .userspace("userspace WireGuard of \(interface) refused the change (\(verdict))")
        }
        return lines
    }

    static func parse(_ lines: [Substring]) throws(WireGuardError) -> WireGuardDevice {
        var device = WireGuardDevice()
        for line in lines {
            guard let equals = line.firstIndex(of: "=") else { continue }
            let (key, value) = (line[..<equals], String(line[line.index(after: equals)...]))
            if key == "public_key" {
                guard let publicKey = WireGuardPublicKey(bytes: Hexadecimal.decode(value)) else {
                    throw .userspace("userspace WireGuard names a peer by what is no key")
                }
                device.peers.append(WireGuardDevice.Peer(publicKey: publicKey))
            } else if device.peers.isEmpty {
                take(key, value, into: &device)
            } else {
                take(key, value, into: &device.peers[device.peers.count - 1])
            }
        }
        return device
    }

    private static func take(_ key: Substring, _ value: String, into device: inout WireGuardDevice) {
        switch key {
        case "private_key": device.privateKey = secret(value)
        case "listen_port": device.listenPort = UInt16(value) ?? 0
        case "fwmark": device.mark = UInt32(value) ?? 0
        default: break
        }
    }

    private static func take(_ key: Substring, _ value: String, into peer: inout WireGuardDevice.Peer) {
        switch key {
        case "preshared_key": peer.presharedKey = secret(value)
        case "endpoint": peer.endpoint = SocketEndpoint(value)
        case "persistent_keepalive_interval": peer.keepalive = UInt16(value) ?? 0
        case "allowed_ip": if let prefix = IPPrefix(value) { peer.allowedIPs.insert(prefix) }
        case "rx_bytes": peer.received = UInt64(value) ?? 0
        case "tx_bytes": peer.sent = UInt64(value) ?? 0
        case "last_handshake_time_sec":
            peer.lastHandshake = WireGuardDevice.Peer.instant(seconds: Int64(value) ?? 0, nanoseconds: 0)
        case "last_handshake_time_nsec":
            if let whole = peer.lastHandshake {
                let seconds = whole / 1_000_000_000
                peer.lastHandshake = WireGuardDevice.Peer.instant(seconds: seconds, nanoseconds: Int64(value) ?? 0)
            }
        default: break
        }
    }

    private static func secret(_ value: String) -> WireGuardSecretKey? {
        WireGuardSecretKey(bytes: Hexadecimal.decode(value)).flatMap { $0.isZero ? nil : $0 }
    }

    static func text(of change: WireGuardChange) -> String {
        var lines = ["set=1"]
        if let key = change.privateKey { lines.append("private_key=\(Hexadecimal.encode(key.bytes))") }
        if let port = change.listenPort { lines.append("listen_port=\(port)") }
        if let mark = change.mark { lines.append("fwmark=\(mark)") }
        for peer in change.peers {
            lines.append("public_key=\(Hexadecimal.encode(peer.publicKey.bytes))")
            if peer.remove {
                lines.append("remove=true")
                continue
            }
            if let key = peer.presharedKey { lines.append("preshared_key=\(Hexadecimal.encode(key.bytes))") }
            if let endpoint = peer.endpoint { lines.append("endpoint=\(endpoint)") }
            if let keepalive = peer.keepalive { lines.append("persistent_keepalive_interval=\(keepalive)") }
            if let prefixes = peer.allowedIPs {
                if !peer.keepsAllowedIPs { lines.append("replace_allowed_ips=true") }
                lines += prefixes.sorted().map { "allowed_ip=\($0)" }
            }
        }
        return lines.joined(separator: "\n") + "\n\n"
    }
}

/// Hexadecimal in lower case, two digits an octet.
enum Hexadecimal {
    static func encode(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// No octets where the text is not hexadecimal.
    static func decode(_ text: String) -> [UInt8] {
        let digits = text.utf8.map(digit)
        guard digits.count % 2 == 0, !digits.contains(nil) else { return [] }
        let values = digits.compactMap { $0 }
        return stride(from: 0, to: values.count, by: 2).map { values[$0] << 4 | values[$0 + 1] }
    }

    private static func digit(_ octet: UInt8) -> UInt8? {
        switch octet {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): octet - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): octet - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
