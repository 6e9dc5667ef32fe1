// SPDX-License-Identifier: Apache-2.0
// Reads certificates by the host's libcrypto, which is patched with the host.

import CCrypto
import Digests
public import NetworkTypes

extension CertificateFacts {
    /// Reads the first certificate of a PEM, or the only one of DER.
    public init(_ octets: [UInt8]) throws(CertificateError) {
        guard octets.count <= Self.inputLimit else { throw .tooLong(octets: octets.count) }
        guard pn_crypto_begin() == 1 else { throw .libraryRefuses }
        guard let certificate = X509Certificate(octets) else { throw .noCertificate }
        guard let notBefore = certificate.notBefore, let notAfter = certificate.notAfter else { throw .noTime }
        guard let subject = certificate.subject, let issuer = certificate.issuer, let serial = certificate.serial,
            let fingerprint = certificate.encoded.flatMap(Digest.sha256.of)
        else { throw .libraryRefuses }
        self.init(
            subject: subject,
            issuer: issuer,
            serial: serial,
            notBefore: notBefore,
            notAfter: notAfter,
            fingerprint: fingerprint,
            alternativeNames: certificate.alternativeNames
        )
    }
}

extension CertificateFacts {
    /// Whether a private key, PEM without a passphrase, is that of the first certificate of a PEM or the only one of DER.
    public static func fits(_ octets: [UInt8], privateKey: Secret) -> Bool {
        guard octets.count <= inputLimit, pn_crypto_begin() == 1, let certificate = X509Certificate(octets) else {
            return false
        }
        return certificate.fits(privateKey)
    }
}

/// libcrypto's certificate, as long as it is needed.
@safe private struct X509Certificate: ~Copyable {
    private let pointer: OpaquePointer

    init?(_ octets: [UInt8]) {
        let isDER = octets.first == 0x30
        let made = unsafe octets.withUnsafeBytes { buffer in
            unsafe isDER
                ? pn_certificate_from_der(buffer.baseAddress, buffer.count)
                : pn_certificate_from_pem(buffer.baseAddress, Int32(buffer.count))
        }
        guard let made = unsafe made else { return nil }
        unsafe pointer = made
    }

    deinit { unsafe X509_free(pointer) }

    func fits(_ key: Secret) -> Bool {
        let octets = key.bytes
        return unsafe octets.withUnsafeBytes { unsafe pn_key_fits(pointer, $0.baseAddress, Int32(clamping: $0.count)) }
            == 1
    }

    var subject: String? { unsafe X509.text(X509_get_subject_name(pointer)) }
    var issuer: String? { unsafe X509.text(X509_get_issuer_name(pointer)) }
    var notBefore: Int64? { unsafe X509.seconds(X509_get0_notBefore(pointer)) }
    var notAfter: Int64? { unsafe X509.seconds(X509_get0_notAfter(pointer)) }

    var serial: String? { unsafe X509.serial(X509_get0_serialNumber(pointer)) }

    /// DER.
    var encoded: [UInt8]? {
        let length = unsafe i2d_X509(pointer, nil)
        guard length > 0 else { return nil }
        var octets = [UInt8](repeating: 0, count: Int(length))
        let written = unsafe octets.withUnsafeMutableBufferPointer { room in
            var place = room.baseAddress
            return unsafe i2d_X509(pointer, &place)
        }
        return written == length ? octets : nil
    }

    var alternativeNames: [CertificateFacts.Name] {
        guard let names = unsafe pn_alternative_names(pointer) else { return [] }
        defer { unsafe pn_alternative_names_free(names) }
        var found: [CertificateFacts.Name] = []
        let count = unsafe pn_alternative_name_count(names)
        for index in 0..<count where found.count < CertificateFacts.nameLimit {
            var type: Int32 = 0
            var length: Int32 = 0
            guard let start = unsafe pn_alternative_name(names, index, &type, &length), length >= 0 else { continue }
            let octets = unsafe Array(UnsafeBufferPointer(start: start, count: Int(length)))
            let text = String(decoding: octets.prefix(CertificateFacts.textLimit), as: UTF8.self)
            switch type {
            case GEN_DNS: found.append(.host(text))
            case GEN_EMAIL: found.append(.mail(text))
            case GEN_URI: found.append(.uri(text))
            default: found.append(.address(Array(octets.prefix(16))))
            }
        }
        return found
    }
}
