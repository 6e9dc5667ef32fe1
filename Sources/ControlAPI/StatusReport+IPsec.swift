// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

extension StatusReport.Path {
    /// An IPsec tunnel as charon has it (RFC 7296).
    public struct IPsec: Hashable, Sendable, Codable {
        /// Who keeps it, and the version; null before charon was seen.
        @ExplicitNull public var charon: String?
        /// The IKE_SA's state in charon's words, as ESTABLISHED; null where there is none.
        @ExplicitNull public var state: String?
        /// The CHILD_SA's, as INSTALLED.
        @ExplicitNull public var childState: String?
        /// Our address and port.
        @ExplicitNull public var local: SocketEndpoint?
        /// The other end's.
        @ExplicitNull public var remote: SocketEndpoint?
        /// Who the other end says that it is.
        @ExplicitNull public var remoteID: String?
        /// What IKE agreed on.
        @ExplicitNull public var algorithms: String?
        /// What ESP protects packets by.
        @ExplicitNull public var childAlgorithms: String?
        /// Whole seconds since both ends knew each other.
        @ExplicitNull public var establishedSeconds: Int?
        /// Whole seconds until ESP gets other keys.
        @ExplicitNull public var rekeySeconds: Int?
        /// Whether ESP goes in UDP, as behind NAT.
        public var isEncapsulated: Bool
        /// Why the last attempt failed, in words; null where it did not.
        @ExplicitNull public var failure: String?
        /// Days that our certificate is still valid; negative once it expired; null where there is none.
        @ExplicitNull public var certificateDaysLeft: Int?
        /// The same of the certificate that the other end showed; null where none is known.
        @ExplicitNull public var peerCertificateDaysLeft: Int?
        /// Whole seconds since both ends proved who they are, as far as this run knows; null where it does not.
        @ExplicitNull public var provenSeconds: Int?
        /// Why another tunnel is to take the place of the one that stands, and why none did yet, in words; null where none
        /// is to.
        @ExplicitNull public var replacement: String?
        /// What the kernel counted; null where it was not read yet.
        @ExplicitNull public var packets: Packets?
        /// Whether what is recorded of it today stays secret from a quantum computer; null where no IKE_SA stands.
        @ExplicitNull public var quantumProtection: QuantumProtection?

        /// Makes a tunnel's part of a report.
        public init(
            charon: String? = nil,
            state: String? = nil,
            childState: String? = nil,
            local: SocketEndpoint? = nil,
            remote: SocketEndpoint? = nil,
            remoteID: String? = nil,
            algorithms: String? = nil,
            childAlgorithms: String? = nil,
            establishedSeconds: Int? = nil,
            rekeySeconds: Int? = nil,
            isEncapsulated: Bool = false,
            failure: String? = nil,
            certificateDaysLeft: Int? = nil,
            peerCertificateDaysLeft: Int? = nil,
            provenSeconds: Int? = nil,
            replacement: String? = nil,
            packets: Packets? = nil,
            quantumProtection: QuantumProtection? = nil
        ) {
            self.charon = charon
            self.state = state
            self.childState = childState
            self.local = local
            self.remote = remote
            self.remoteID = remoteID
            self.algorithms = algorithms
            self.childAlgorithms = childAlgorithms
            self.establishedSeconds = establishedSeconds
            self.rekeySeconds = rekeySeconds
            self.isEncapsulated = isEncapsulated
            self.failure = failure
            self.certificateDaysLeft = certificateDaysLeft
            self.peerCertificateDaysLeft = peerCertificateDaysLeft
            self.provenSeconds = provenSeconds
            self.replacement = replacement
            self.packets = packets
            self.quantumProtection = quantumProtection
        }
    }
}

extension StatusReport.Path.IPsec {
    /// Whether breaking the classical key exchange would give a tunnel's keys away.
    public struct QuantumProtection: Hashable, Sendable, Codable {
        /// What else is in the keys.
        public enum Means: String, Hashable, Sendable, Codable {
            /// One more key exchange, by ML-KEM (RFC 9370, FIPS 203).
            case mlKEM = "ml-kem"
            /// A key that both ends have besides (RFC 8784).
            case ppk
        }

        /// What protects it; null: nothing does.
        @ExplicitNull public var by: Means?
        /// Why nothing does, and what would; null where something does.
        @ExplicitNull public var reason: String?

        /// Makes a tunnel's part of a report.
        public init(by means: Means? = nil, reason: String? = nil) {
            by = means
            self.reason = reason
        }

        /// For people: `quantum-safe by ML-KEM`, `not quantum-safe (…)`.
        public var text: String {
            switch by {
            case .mlKEM: "quantum-safe by ML-KEM"
            case .ppk: "quantum-safe by ppk"
            case nil: "not quantum-safe" + (reason.map { " (\($0))" } ?? "")
            }
        }
    }
}
