// SPDX-License-Identifier: Apache-2.0

import CCrypto

/// A list of certificates that their authority revoked (RFC 5280 section 5), as far as it is needed to warn and to hand it
/// to charon. Its signature is not verified: charon does that.
public struct RevocationList: Hashable, Sendable {
    /// Who made it, in charon's way of writing, as ``CertificateFacts/issuer``.
    public let issuer: String
    /// When it was made, in seconds since 1970-01-01T00:00:00Z.
    public let thisUpdate: Int64
    /// When the next one is due at the latest, in seconds since 1970-01-01T00:00:00Z; nil: it does not say.
    public let nextUpdate: Int64?
    /// Whether it names the key that signed it (authorityKeyIdentifier). charon finds it by that alone.
    public let namesItsKey: Bool
    /// Its DER.
    public let octets: [UInt8]
    /// The serial numbers that are on it, as ``CertificateFacts/serial``.
    private let serials: Set<String>

    /// The longest DER in octets: a value of VICI, in which charon gets it.
    public static let limit = 65_535

    /// Reads the first list of a PEM, or the only one of DER.
    public init(_ octets: [UInt8]) throws(RevocationListError) {
        guard pn_crypto_begin() == 1 else { throw .libraryRefuses }
        guard let list = X509List(octets) else { throw .noList }
        guard let thisUpdate = list.thisUpdate else { throw .noTime }
        guard let issuer = list.issuer, let encoded = list.encoded else { throw .libraryRefuses }
        guard encoded.count <= Self.limit else { throw .tooLong(octets: encoded.count) }
        (self.issuer, self.thisUpdate, nextUpdate) = (issuer, thisUpdate, list.nextUpdate)
        (namesItsKey, self.octets, serials) = (list.namesItsKey, encoded, list.serials)
    }

    /// Whether a certificate is on it.
    public func revokes(_ certificate: CertificateFacts) -> Bool {
        certificate.issuer == issuer && serials.contains(certificate.serial)
    }

    /// Whether the next one should have come, at a time in seconds since 1970-01-01T00:00:00Z.
    public func isStale(at seconds: Int64) -> Bool { nextUpdate.map { $0 < seconds } ?? false }
}

/// Why octets tell nothing of revoked certificates.
public enum RevocationListError: Error, Hashable, Sendable, CustomStringConvertible {
    /// It is neither PEM with a list nor the DER of one.
    case noList
    /// A time in it is none.
    case noTime
    /// It has more octets than any that charon takes.
    case tooLong(octets: Int)
    /// The host's libcrypto refuses, as one may that is bound to a list of algorithms.
    case libraryRefuses

    /// What is wrong.
    public var description: String {
        switch self {
        case .noList: "it is no list of revoked certificates (X.509 CRL), neither PEM nor DER"
        case .noTime: "the list of revoked certificates does not say in a valid way when it was made"
        case .tooLong(let octets):
            "the list of revoked certificates has \(octets) octets of DER, more than the \(RevocationList.limit) that "
                + "charon takes"
        case .libraryRefuses: "the host's libcrypto refuses to read the list of revoked certificates"
        }
    }
}

/// libcrypto's list, as long as it is needed.
@safe private struct X509List: ~Copyable {
    private let pointer: OpaquePointer

    init?(_ octets: [UInt8]) {
        let isDER = octets.first == 0x30
        let made = unsafe octets.withUnsafeBytes { buffer in
            unsafe isDER
                ? pn_crl_from_der(buffer.baseAddress, buffer.count)
                : pn_crl_from_pem(buffer.baseAddress, Int32(clamping: buffer.count))
        }
        guard let made = unsafe made else { return nil }
        unsafe pointer = made
    }

    deinit { unsafe X509_CRL_free(pointer) }

    var issuer: String? { unsafe X509.text(X509_CRL_get_issuer(pointer)) }
    var thisUpdate: Int64? { unsafe X509.seconds(X509_CRL_get0_lastUpdate(pointer)) }
    var nextUpdate: Int64? { unsafe X509.seconds(X509_CRL_get0_nextUpdate(pointer)) }
    var namesItsKey: Bool { unsafe pn_crl_has_authority_key(pointer) == 1 }

    var serials: Set<String> {
        let count = unsafe max(0, pn_crl_count(pointer))
        return Set((0..<count).compactMap { unsafe X509.serial(pn_crl_serial(pointer, $0)) })
    }

    /// DER.
    var encoded: [UInt8]? {
        let length = unsafe i2d_X509_CRL(pointer, nil)
        guard length > 0 else { return nil }
        var octets = [UInt8](repeating: 0, count: Int(length))
        let written = unsafe octets.withUnsafeMutableBufferPointer { room in
            var place = room.baseAddress
            return unsafe i2d_X509_CRL(pointer, &place)
        }
        return written == length ? octets : nil
    }
}
