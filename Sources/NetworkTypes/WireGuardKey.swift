// SPDX-License-Identifier: Apache-2.0

/// A WireGuard public key: a Curve25519 point, 32 octets, written in base64.
public struct WireGuardPublicKey: Hashable, Sendable {
    // Two numbers, not an array: there are interfaces of thousands of peers, and each look at one goes by their keys.
    private let first: UInt128
    private let second: UInt128

    /// Takes exactly 32 octets.
    public init?(bytes: some Collection<UInt8>) {
        let octets = Array(bytes)
        guard octets.count == 32 else { return nil }
        first = octets[..<16].reduce(0) { $0 << 8 | UInt128($1) }
        second = octets[16...].reduce(0) { $0 << 8 | UInt128($1) }
    }

    /// The 32 octets.
    public var bytes: [UInt8] {
        [first, second].flatMap { half in (0..<16).map { UInt8(truncatingIfNeeded: half >> (120 - 8 * $0)) } }
    }
}

extension WireGuardPublicKey: TextValue, Comparable {
    /// 44 characters of base64.
    public var description: String { Base64.encode(bytes) }

    /// Parses 44 characters of base64.
    public init?(_ description: String) {
        guard description.utf8.count == 44, let bytes = Base64.decode(description.utf8) else { return nil }
        self.init(bytes: bytes)
    }

    /// By the octets.
    public static func < (left: Self, right: Self) -> Bool {
        (left.first, left.second) < (right.first, right.second)
    }
}

/// A WireGuard private or preshared key. It never prints itself and is compared without a data-dependent branch.
public struct WireGuardSecretKey: Sendable {
    /// The 32 octets, for the kernel and for nobody else.
    public let bytes: [UInt8]

    /// Takes exactly 32 octets.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 32 else { return nil }
        self.bytes = Array(bytes)
    }

    /// Parses 44 characters of base64, white space around them allowed, as a key file has them.
    public init?(base64: some Collection<UInt8>) {
        let isSpace: (UInt8) -> Bool = { $0 == 0x20 || (0x09...0x0d).contains($0) }
        var trimmed = Array(base64.drop(while: isSpace))
        while let last = trimmed.last, isSpace(last) { trimmed.removeLast() }
        guard trimmed.count == 44, let bytes = Base64.decode(trimmed) else { return nil }
        self.init(bytes: bytes)
    }

    /// The key as Curve25519 uses it (RFC 7748 section 5): every implementation stores a private key in this form.
    public var clamped: WireGuardSecretKey {
        var scalar = bytes
        scalar[0] &= 248
        scalar[31] = scalar[31] & 127 | 64
        return WireGuardSecretKey(bytes: scalar) ?? self
    }

    /// Whether every octet is zero, which the kernel takes for "no key".
    public var isZero: Bool { bytes.allSatisfy { $0 == 0 } }
}

extension WireGuardSecretKey: Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Never the secret.
    public var description: String { "(secret)" }
    /// Never the secret.
    public var debugDescription: String { "(secret)" }
    /// Never the secret: nothing to reflect on.
    public var customMirror: Mirror { Mirror(self, children: []) }

    /// Feeds nothing of the secret to the hasher.
    public func hash(into hasher: inout Hasher) {}

    /// Compares all octets, whatever the first ones say.
    public static func == (left: Self, right: Self) -> Bool {
        zip(left.bytes, right.bytes).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }
}

/// Base64 with padding (RFC 4648 section 4).
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encode(_ bytes: [UInt8]) -> String {
        var text = ""
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
            for digit in 0...group.count {
                text.unicodeScalars.append(UnicodeScalar(alphabet[bits >> (18 - 6 * digit) & 63]))
            }
            text += String(repeating: "=", count: 3 - group.count)
        }
        return text
    }

    /// Decodes canonical text only: right padding, no stray bits.
    static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        guard text.count % 4 == 0 else { return nil }
        let digits = text.prefix { $0 != UInt8(ascii: "=") }
        let padding = text.dropFirst(digits.count)
        guard padding.count <= 2, padding.allSatisfy({ $0 == UInt8(ascii: "=") }) else { return nil }
        var bytes: [UInt8] = []
        var bits = 0
        var count = 0
        for digit in digits {
            guard let value = alphabet.firstIndex(of: digit) else { return nil }
            bits = bits << 6 | value
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(bits >> count & 255))
                bits &= (1 << count) - 1
            }
        }
        return bits == 0 ? bytes : nil
    }
}
