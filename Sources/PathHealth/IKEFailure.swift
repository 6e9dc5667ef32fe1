// SPDX-License-Identifier: Apache-2.0

/// Why two ends did not agree on an IKE_SA or its CHILD_SA (RFC 7296), as the end that began it found. Nothing in it is secret.
///
/// An end that refuses the other one's proof tells it no more than that (RFC 7296 section 2.21.2): which of the reasons it
/// was stands in its own log alone.
public enum IKEFailure: Error, Hashable, Sendable, Codable, CustomStringConvertible {
    /// The peer did not take our proof, or knows no connection of these two identities: AUTHENTICATION_FAILED.
    case authenticationRefused
    /// The peer took our proof by a shared key, and gave one by another key.
    case presharedKeyMismatch
    /// There is no shared key for these two identities here.
    case noSharedKey
    /// There is no private key for our certificate here.
    case noPrivateKey
    /// No IKE proposal in common: NO_PROPOSAL_CHOSEN to IKE_SA_INIT.
    case proposalMismatch
    /// No ESP proposal in common: NO_PROPOSAL_CHOSEN to a CHILD_SA.
    case childProposalMismatch
    /// No traffic in common: TS_UNACCEPTABLE.
    case trafficSelectorMismatch
    /// The peer's certificate leads to none of our authorities (RFC 5280 section 6).
    case peerUntrusted
    /// The peer's certificate is not valid now (RFC 5280 section 4.1.2.5).
    case peerCertificateExpired
    /// The certificate of the peer's authority is not valid now.
    case authorityExpired
    /// The peer refused us, and our certificate is not valid now.
    case ownCertificateExpired
    /// The peer's certificate, or its authority's, is on a list of revoked ones (RFC 5280 section 5).
    case peerCertificateRevoked
    /// Whether the peer's certificate was revoked is not known, and the file asks for certainty.
    case peerRevocationUnknown
    /// The peer proved to be somebody, but not whom we want.
    case identityMismatch
    /// The peer showed no certificate of the identity that it says it has.
    case peerIdentityUnknown
    /// A post-quantum key is required, and there is none of its identity here (RFC 8784).
    case noPostQuantumKey
    /// A post-quantum key is required, and the peer has none, or not that one.
    case peerLacksPostQuantumKey
    /// The peer did not take our proof, and a post-quantum key is part of it.
    case postQuantumKeyRefused
    /// Nothing came from the peer, or nothing any more, in time.
    case noAnswer
    /// charon, which negotiates for us, went away or does not answer.
    case charonLost
    /// What charon said last and that is none of these: one line of at most ``lineLimit`` characters, without control
    /// characters. Names and identities of the peer may stand in it.
    case other(String)

    /// Whether it is we who do not believe the peer: a tunnel to it that stands is not to stay.
    public var isDistrust: Bool {
        switch self {
        case .peerUntrusted, .peerCertificateExpired, .authorityExpired, .peerCertificateRevoked, .identityMismatch,
            .peerIdentityUnknown:
            true
        // Whoever knows who was revoked may be away for a moment.
        case .peerRevocationUnknown, .authenticationRefused, .presharedKeyMismatch, .noSharedKey, .noPrivateKey,
            .proposalMismatch,
            .childProposalMismatch, .trafficSelectorMismatch, .ownCertificateExpired, .noPostQuantumKey,
            .peerLacksPostQuantumKey, .postQuantumKeyRefused, .noAnswer, .charonLost, .other:
            false
        }
    }

    /// How long the line of ``other(_:)`` is at the most, in Unicode scalars.
    public static let lineLimit = 200

    /// A line of a log as ``other(_:)``: cut, and with spaces for control and format characters.
    public static func saying(_ line: String) -> IKEFailure {
        var shown = String.UnicodeScalarView()
        for scalar in line.unicodeScalars.prefix(lineLimit) {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator: shown.append(" ")
            default: shown.append(scalar)
            }
        }
        return .other(String(shown))
    }

    /// The failure in words.
    public var description: String {
        switch self {
        case .authenticationRefused:
            "the peer refused our proof (are key or certificate and both identities the same at both ends? Its log knows)"
        case .presharedKeyMismatch: "the peer has another shared key (is it the same at both ends?)"
        case .noSharedKey:
            "there is no shared key for these two identities (a shared key, and for which identities it is)"
        case .noPrivateKey:
            "there is no private key for our certificate (do certificate and private key belong together?)"
        case .proposalMismatch:
            "no IKE proposal in common (proposals at both ends; or the peer has no connection for our address)"
        case .childProposalMismatch: "no ESP proposal in common (proposals and key exchange at both ends)"
        case .trafficSelectorMismatch:
            "the peer does not take these networks (are both ends' networks the same, the other way round?)"
        case .peerUntrusted: "the peer's certificate leads to none of our authorities (does it have another one?)"
        case .peerCertificateExpired:
            "the peer's certificate is not valid now (it expired, or this host's clock is wrong)"
        case .authorityExpired:
            "the certificate of the peer's authority is not valid now (it expired, or this host's clock is wrong)"
        case .ownCertificateExpired:
            "the peer refused our certificate, which is not valid now (it expired, or a clock is wrong)"
        case .peerCertificateRevoked: "the peer's certificate was revoked (it needs another one)"
        case .peerRevocationUnknown:
            "it is not known whether the peer's certificate was revoked (a list that is still valid in 'crls', or "
                + "'revocation: relaxed')"
        case .identityMismatch: "the peer is not whom we want (the peer's identity at both ends)"
        case .peerIdentityUnknown:
            "the peer showed no certificate of its identity (its certificate must name the identity that it is known by)"
        case .noPostQuantumKey:
            "there is no ppk of this id here, and it is required (the path's ppk: its id and its key)"
        case .peerLacksPostQuantumKey:
            "the peer has no such ppk, and it is required (the same ppk there; or 'required: false' here, for as long)"
        case .postQuantumKeyRefused:
            "the peer refused our proof, of which the ppk is part (are the ppk and its id the same at both ends? And key or "
                + "certificate, and both identities? Its log knows)"
        case .noAnswer: "no answer from the peer in time (its address, and UDP ports 500 and 4500 on the way)"
        case .charonLost: "charon went away or does not answer (is strongSwan running?)"
        case .other(let line): "charon says: \(line)"
        }
    }
}
