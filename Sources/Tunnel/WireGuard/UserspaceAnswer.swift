// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// What a userspace implementation says of its interface: lines of `key=value`, a peer's after the one that names it.
///
/// It is read where it lies: an interface of a thousand peers has twenty thousand lines, and is asked each second.
enum UserspaceAnswer {
    /// Understands an answer; lines of other kinds are left out.
    static func parse(_ answer: [UInt8]) throws(WireGuardError) -> WireGuardDevice {
        var device = WireGuardDevice()
        let octets = answer.span
        var start = 0
        while start < octets.count {
            let end = octets.place(of: UInt8(ascii: "\n"), from: start)
            let line = octets.extracting(start..<end)
            start = end + 1
            let equals = line.place(of: UInt8(ascii: "="), from: 0)
            guard equals < line.count else { continue }
            let key = line.extracting(..<equals)
            let value = line.extracting((equals + 1)...)
            if key.reads("public_key") {
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

    private static func take(_ key: Span<UInt8>, _ value: Span<UInt8>, into device: inout WireGuardDevice) {
        if key.reads("private_key") {
            device.privateKey = secret(value)
        } else if key.reads("listen_port") {
            device.listenPort = UInt16(value.text) ?? 0
        } else if key.reads("fwmark") {
            device.mark = UInt32(value.text) ?? 0
        }
    }

    private static func take(_ key: Span<UInt8>, _ value: Span<UInt8>, into peer: inout WireGuardDevice.Peer) {
        // By far the most lines are these.
        if key.reads("allowed_ip") {
            if let prefix = IPPrefix(utf8: value) { peer.allowedIPs.insert(prefix) }
        } else if key.reads("rx_bytes") {
            peer.received = UInt64(value.text) ?? 0
        } else if key.reads("tx_bytes") {
            peer.sent = UInt64(value.text) ?? 0
        } else if key.reads("endpoint") {
            peer.endpoint = SocketEndpoint(value.text)
        } else if key.reads("preshared_key") {
            peer.presharedKey = secret(value)
        } else if key.reads("persistent_keepalive_interval") {
            peer.keepalive = UInt16(value.text) ?? 0
        } else if key.reads("last_handshake_time_sec") {
            peer.lastHandshake = WireGuardDevice.Peer.instant(seconds: Int64(value.text) ?? 0, nanoseconds: 0)
        } else if key.reads("last_handshake_time_nsec"), let whole = peer.lastHandshake {
            let seconds = whole / 1_000_000_000
            peer.lastHandshake = WireGuardDevice.Peer.instant(
                seconds: seconds,
                nanoseconds: Int64(value.text) ?? 0
            )
        }
    }

    private static func secret(_ value: Span<UInt8>) -> WireGuardSecretKey? {
        WireGuardSecretKey(bytes: Hexadecimal.decode(value)).flatMap { $0.isZero ? nil : $0 }
    }
}

extension Span<UInt8> {
    /// Where an octet comes next, the end where it does not.
    fileprivate func place(of octet: UInt8, from start: Int) -> Int {
        var place = start
        while place < count, self[place] != octet { place += 1 }
        return place
    }

    /// Whether it is this text.
    fileprivate func reads(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        return indices.allSatisfy { unsafe self[$0] == text.utf8Start[$0] }
    }

    /// The text; empty where it is none.
    fileprivate var text: String {
        guard let text = try? UTF8Span(validating: self) else { return "" }
        return String(copying: text)
    }
}

/// Hexadecimal in lower case, two digits an octet.
enum Hexadecimal {
    static func encode(_ bytes: [UInt8]) -> String {
        var digits: [UInt8] = []
        digits.reserveCapacity(2 * bytes.count)
        for octet in bytes {
            digits.append(digit(octet >> 4))
            digits.append(digit(octet & 15))
        }
        return String(decoding: digits, as: UTF8.self)
    }

    private static func digit(_ half: UInt8) -> UInt8 {
        half < 10 ? UInt8(ascii: "0") + half : UInt8(ascii: "a") + half - 10
    }

    /// No octets where the text is not hexadecimal.
    static func decode(_ digits: Span<UInt8>) -> [UInt8] {
        guard digits.count % 2 == 0 else { return [] }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 2)
        for place in stride(from: 0, to: digits.count, by: 2) {
            guard let high = value(digits[place]), let low = value(digits[place + 1]) else { return [] }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
