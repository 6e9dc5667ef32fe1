// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// What an X.509 certificate (RFC 5280) says of itself. Nothing is verified: anybody can write one.
public struct CertificateFacts: Hashable, Sendable {
    /// A subjectAltName (RFC 5280 section 4.2.1.6) of a kind that IKE has too.
    public enum Name: Hashable, Sendable {
        /// dNSName.
        case host(String)
        /// rfc822Name.
        case mail(String)
        /// uniformResourceIdentifier.
        case uri(String)
        /// iPAddress: 4 or 16 octets, where it is what it must be.
        case address([UInt8])
    }

    /// Whose it is, in charon's way of writing: `C=CH, O=Plant 7, CN=a`. At most ``textLimit`` octets.
    public var subject: String
    /// Who signed it, written as the subject.
    public var issuer: String
    /// Its number in hexadecimal, lower-case, without leading zeros; negative ones with `-`.
    public var serial: String
    /// From when on it is valid, in seconds since 1970-01-01T00:00:00Z.
    public var notBefore: Int64
    /// Until when, inclusive, in seconds since 1970-01-01T00:00:00Z.
    public var notAfter: Int64
    /// SHA-256 over its DER: 32 octets.
    public var fingerprint: [UInt8]
    /// Other names, the first ``nameLimit`` of them.
    public var alternativeNames: [Name]

    /// The longest input in octets: a value of VICI, in which charon gets and tells them.
    public static let inputLimit = 65_535
    /// The longest text in octets; what is longer is cut.
    public static let textLimit = 1_024
    /// The most alternative names.
    public static let nameLimit = 64

    /// Whether it is one of an identity, in charon's way of writing.
    public func isKnown(as identity: String) -> Bool {
        if subject == identity { return true }
        return alternativeNames.contains { name in
            switch name {
            case .host(let text), .mail(let text), .uri(let text): text == identity
            case .address(let octets): IPAddress(identity)?.bytes == octets
            }
        }
    }

    /// Whether it is valid at a time, in seconds since 1970-01-01T00:00:00Z.
    public func isValid(at seconds: Int64) -> Bool {
        notBefore <= seconds && seconds <= notAfter
    }

    /// How many whole days it is valid from a time on, in seconds since 1970-01-01T00:00:00Z; negative once it expired.
    public func daysLeft(at seconds: Int64) -> Int {
        let (left, overflow) = notAfter.subtractingReportingOverflow(seconds)
        guard !overflow else { return notAfter < seconds ? .min : .max }
        return Int(left >= 0 ? left / 86_400 : -((86_399 - left) / 86_400))
    }
}

/// Why octets tell nothing of a certificate.
public enum CertificateError: Error, Hashable, Sendable, CustomStringConvertible {
    /// It has more octets than any that charon takes.
    case tooLong(octets: Int)
    /// It is neither PEM with a certificate nor the DER of one.
    case noCertificate
    /// A time in it is none.
    case noTime
    /// The host's libcrypto refuses, as one may that is bound to a list of algorithms.
    case libraryRefuses

    /// What is wrong.
    public var description: String {
        switch self {
        case .tooLong(let octets):
            "the certificate has \(octets) octets, more than the \(CertificateFacts.inputLimit) that charon takes"
        case .noCertificate: "it is no X.509 certificate, neither PEM nor DER"
        case .noTime: "the certificate does not say in a valid way until when it is valid"
        case .libraryRefuses: "the host's libcrypto refuses to read the certificate"
        }
    }
}
