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

    /// A key that both ends have besides, and mix into those that they agree on: who breaks the key exchange, as a quantum
    /// computer may, has nothing without it (RFC 8784).
    public struct PostQuantumKey: Equatable, Sendable {
        /// What both ends call it; it is no secret.
        public let identity: String
        /// The key, 32 to 256 octets.
        public let key: Secret
        /// Whether there is no tunnel without it.
        public let isRequired: Bool
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
    /// What goes into the keys besides, where it does.
    public let postQuantumKey: PostQuantumKey?
    /// The cloud whose gateway is at the other end; nil: none whose terms are known.
    public let gateway: CloudGateway?
    /// What is asked of the other end: the file's word, else the gateway's, else ``IPsecTerms/standard``.
    public let terms: IPsecTerms
    /// What of our side goes across.
    public let localTraffic: [IPPrefix]
    /// What of the other side goes across.
    public let remoteTraffic: [IPPrefix]
    /// After so long both ends prove anew who they are, by another tunnel beside the one that stands; nil: never.
    public let reauthentication: Duration?
    /// Whether ESP goes in UDP even without NAT, where a network on the way loses plain ESP.
    public let forcesEncapsulation: Bool
}
