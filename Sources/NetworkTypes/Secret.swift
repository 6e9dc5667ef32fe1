// SPDX-License-Identifier: Apache-2.0

/// What only those may have whom it is meant for: a private key, a shared one, a token. It never prints itself and is
/// compared without a data-dependent branch; whoever encodes it has it in the clear.
public struct Secret: Sendable {
    /// The octets, for those whom it is meant for and for nobody else.
    public let bytes: [UInt8]

    /// Keeps some octets.
    public init(_ bytes: some Collection<UInt8>) {
        self.bytes = Array(bytes)
    }

    /// Parses base64, white space around it allowed, as a key file has it; nil where it is none, or empty.
    public init?(base64: some Collection<UInt8>) {
        guard let bytes = Base64.decode(line: base64), !bytes.isEmpty else { return nil }
        self.bytes = bytes
    }
}

extension Secret: Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
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
        left.bytes.count == right.bytes.count && zip(left.bytes, right.bytes).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }
}

extension Secret: Codable {
    /// As base64.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(Base64.encode(bytes))
    }

    /// From base64.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let bytes = Base64.decode(try container.decode(String.self).utf8) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "no base64")
        }
        self.bytes = bytes
    }
}

/// Who a client is, as a TLS server asks for it (RFC 8446 section 4.3.2): X.509 certificates and the private key of the
/// first of them.
public struct ClientIdentity: Hashable, Sendable, Codable {
    /// Its certificate, and then those that lead to an authority, as PEM.
    public let certificates: String
    /// The certificate's key, as PEM: PKCS#8, or that of EC or RSA alone.
    public let privateKey: Secret

    /// Joins the two.
    public init(certificates: String, privateKey: Secret) {
        self.certificates = certificates
        self.privateKey = privateKey
    }
}
