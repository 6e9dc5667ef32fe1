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
        guard let bytes = Base64.decode(line: base64) else { return nil }
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
