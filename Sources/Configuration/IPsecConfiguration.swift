// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// An IPsec tunnel, as the file asks for it (IKEv2, RFC 7296).
public struct IPsecConfiguration: Equatable, Sendable {
    /// How both ends prove who they are.
    public enum Proof: Equatable, Sendable {
        /// By a key that both have.
        case presharedKey(Secret)
        /// By certificates.
        case certificates(CertificateProof)
    }

    /// Certificates of both ends.
    public struct CertificateProof: Equatable, Sendable {
        /// Our certificate, then those that lead to an authority; PEM, each by itself.
        public let own: [String]
        /// The private key of the first of them; PEM.
        public let privateKey: Secret
        /// The authorities whose certificates are taken from the other end; PEM, at least one.
        public let authorities: [String]
        /// Lists of what authorities revoked; each a PEM or DER.
        public let revocationLists: [[UInt8]]
        /// What it takes to believe that the other end's was not revoked.
        public let revocation: Revocation
    }

    /// What it takes to believe that a certificate was not revoked, in swanctl.conf's words.
    public enum Revocation: String, CaseIterable, Sendable {
        /// Nothing that says so; one that is known to be is refused.
        case relaxed
        /// A list or an answer, where the certificate says where there is one.
        case ifuri
        /// A list or an answer that is valid now.
        case strict
    }

    /// Where outer packets leave, those of IKE among them.
    public let underlay: UnderlayConfiguration
    /// Where the other end is; the port is that of IKE.
    public let remote: HostEndpoint
    /// Who we say we are; nil: our address, or our certificate's subject.
    public let localID: String?
    /// Who the other end has to be.
    public let remoteID: String
    /// How both prove it.
    public let proof: Proof
    /// What is offered; where the file does not say, ``Proposals/standard``.
    public let proposals: Proposals
    /// What of our side goes across.
    public let localTraffic: [IPPrefix]
    /// What of the other side goes across.
    public let remoteTraffic: [IPPrefix]
    /// After so long both ends prove anew who they are, by another tunnel beside the one that stands; nil: never.
    public let reauthentication: Duration?
    /// Whether ESP goes in UDP even without NAT, where a network on the way loses plain ESP.
    public let forcesEncapsulation: Bool

    /// What is offered, best first, in strongSwan's words.
    public struct Proposals: Hashable, Sendable {
        /// For IKE.
        public let ike: [String]
        /// For ESP.
        public let esp: [String]

        /// What is modern and what most gateways have: AES-256-GCM with X25519 or a NIST curve, then what has no AEAD.
        public static let standard = Proposals(
            ike: [
                "aes256gcm16-prfsha384-x25519", "aes256gcm16-prfsha384-ecp384", "aes256gcm16-prfsha256-ecp256",
                "aes256-sha384-ecp384", "aes256-sha256-modp2048",
            ],
            esp: ["aes256gcm16-x25519", "aes256gcm16-ecp384", "aes256gcm16-ecp256", "aes256-sha256-modp2048"]
        )
    }
}
