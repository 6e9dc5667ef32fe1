// SPDX-License-Identifier: Apache-2.0

/// What both ends of an IPsec tunnel have to agree on, and what this end does that the other one has to bear.
public struct IPsecTerms: Hashable, Sendable {
    /// What is offered, best first, in strongSwan's words.
    public struct Proposals: Hashable, Sendable {
        /// For IKE.
        public var ike: [String]
        /// For ESP.
        public var esp: [String]

        /// What is modern and what most gateways have: AES-256-GCM with X25519 or a NIST curve, then what has no AEAD.
        public static let standard = Proposals(
            ike: [
                "aes256gcm16-prfsha384-x25519", "aes256gcm16-prfsha384-ecp384", "aes256gcm16-prfsha256-ecp256",
                "aes256-sha384-ecp384", "aes256-sha256-modp2048",
            ],
            esp: ["aes256gcm16-x25519", "aes256gcm16-ecp384", "aes256gcm16-ecp256", "aes256-sha256-modp2048"]
        )
    }

    /// After how long this end renews keys. Those that could not be renewed end when they are a tenth older, as charon has
    /// it (over_time, life_time of swanctl.conf(5)).
    public struct Lifetimes: Hashable, Sendable {
        /// Those of IKE.
        public var ike: Duration
        /// Those of ESP.
        public var child: Duration

        /// Short enough for what most gateways allow.
        public static let standard = Lifetimes(ike: .seconds(4 * 3_600), child: .seconds(3_600))
    }

    /// What is offered.
    public var proposals: Proposals
    /// Whether ML-KEM is offered for IKE as well, where charon has it: not to gateways that document none, nor where the file
    /// itself says what is offered.
    public var offersMLKEM: Bool
    /// When keys are renewed.
    public var lifetimes: Lifetimes
    /// How many packets may come out of order; nil: charon's own.
    public var replayWindow: UInt32?
    /// Octets of the largest packet that goes into the tunnel, however much the way would let through; nil: no limit.
    public var largestPacket: Int?
    /// Whether a second IKE_SA with the same end leaves the first one alone, instead of ending it.
    public var allowsDuplicates: Bool

    /// What is asked for where the file does not say.
    public static let standard = IPsecTerms(
        proposals: .standard,
        offersMLKEM: true,
        lifetimes: .standard,
        replayWindow: nil,
        largestPacket: nil,
        allowsDuplicates: false
    )

    /// What is offered for IKE: each proposal first with ML-KEM-768 as one more key exchange (RFC 9370), where it is offered.
    /// It protects ESP's keys as well: all of them are made from IKE's (RFC 7296 section 2.17).
    ///
    /// - Parameter charonHasMLKEM: a proposal that charon cannot read is refused with the whole connection.
    public func ikeProposals(charonHasMLKEM: Bool) -> [String] {
        guard offersMLKEM, charonHasMLKEM else { return proposals.ike }
        return proposals.ike.map { $0 + "-ke1_mlkem768" } + proposals.ike
    }
}
