// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// A connection as charon is told of it by load-conn: with whom, how the ends prove who they are, and what goes across.
/// What each key means stands in swanctl.conf(5) under `connections.<conn>`; what is nil is left to charon's default.
///
/// It holds no secret: keys are loaded apart, and found by the identities.
public struct IPsecConnection: Hashable, Sendable {
    /// How one end proves who it is.
    public enum Proof: Hashable, Sendable {
        /// By a key that both ends have (`psk`), loaded by load-shared.
        case presharedKey
        /// By a certificate (`pubkey`). Each is PEM or DER, at most 65,535 octets.
        /// - certificates: those that this end sends, or the only ones taken from the other end.
        /// - authorities: whose certificates are taken. Empty: those of any loaded authority.
        case certificate(certificates: [[UInt8]], authorities: [[UInt8]])
    }

    /// One end.
    public struct Party: Hashable, Sendable {
        /// Who it is: a name, an address, a distinguished name. nil: the certificate's subject, or anybody.
        public var identity: String?
        /// How it proves that.
        public var proof: Proof

        /// Joins both.
        public init(identity: String?, proof: Proof) {
            self.identity = identity
            self.proof = proof
        }
    }

    /// What it takes to believe that the other end's certificate was not revoked (`revocation` of swanctl.conf(5)).
    public enum RevocationPolicy: String, Hashable, Sendable {
        /// Nothing that says so; one that is known to be is refused.
        case relaxed
        /// A list or an answer, where the certificate says where there is one.
        case whereNamed = "ifuri"
        /// A list or an answer that is valid now.
        case strict
    }

    /// IKE messages in pieces (RFC 7383).
    public enum Fragmentation: String, Hashable, Sendable {
        /// Sent in pieces where the other end takes them.
        case yes
        /// Taken, not sent.
        case accept
        /// Neither.
        case no
    }

    /// When this end sends its certificates.
    public enum CertificateSending: String, Hashable, Sendable {
        /// When the other end asks.
        case asked = "ifasked"
        /// Always.
        case always
        /// Never: the other end has them.
        case never
    }

    /// What becomes of another IKE_SA between the same two identities (`unique` of swanctl.conf(5)).
    public enum Uniqueness: String, Hashable, Sendable {
        /// It is taken for an earlier run's: the other end is told at the first contact that there is none
        /// (INITIAL_CONTACT), and one that it begins with us ends the one before.
        case replace
        /// It stays, unless the other end says that it knows of no other one.
        case duplicates = "no"
        /// It stays, and the other end is not told that there is none (RFC 7296 section 2.4).
        case never
    }

    /// A post-quantum preshared key that goes into the keys (RFC 8784), loaded by load-shared.
    public struct PostQuantumKey: Hashable, Sendable {
        /// Its identity: the owner it was loaded for.
        public var identity: String
        /// Whether there is no connection without it.
        public var isRequired: Bool

        /// Joins both.
        public init(identity: String, isRequired: Bool) {
            self.identity = identity
            self.isRequired = isRequired
        }
    }

    /// Its name, with the prefix of ours.
    public var name: String
    /// Where this end sends from; empty: wherever the route says.
    public var localAddresses: [IPAddress]
    /// Where the other end is; empty: anywhere, so that only it can begin.
    public var remoteAddresses: [IPAddress]
    /// This end's port; nil: charon's own, which 4500 follows where there is NAT. charon does not tell it.
    public var localPort: UInt16?
    /// The other end's port; nil: 500. charon does not tell it.
    public var remotePort: UInt16?
    /// This end.
    public var local: Party
    /// The other end.
    public var remote: Party
    /// IKE proposals, best first, as `aes256gcm16-prfsha384-ecp384`; empty: charon's own.
    public var proposals: [String] = []
    /// Ask an end that was silent for so long whether it lives; zero: never. How long the answer may take is the same for
    /// all IKE messages, in strongswan.conf.
    public var deadPeerDelay: Duration = .zero
    /// Pretend that there is NAT, so that ESP goes in UDP.
    public var forcesEncapsulation = false
    /// IKE messages in pieces.
    public var fragmentation = Fragmentation.yes
    /// Renew the IKE_SA's keys after so long.
    public var rekeyTime: Duration?
    /// Prove it all again after so long, by another IKE_SA; nil: never.
    public var reauthenticationTime: Duration?
    /// How much longer than both the IKE_SA lives.
    public var overTime: Duration?
    /// At most so much earlier than both they are begun, at random.
    public var randomTime: Duration?
    /// When certificates are sent.
    public var certificateSending = CertificateSending.asked
    /// What it takes to believe in the other end's certificate; nil: charon's default, relaxed.
    public var revocation: RevocationPolicy?
    /// Which loading of the connection this is. For one that is the same as that of an established IKE_SA charon takes this
    /// up again (`ike_sa_manager.c: checkout_by_config`); for another edition it builds another beside it. It is added to
    /// ``overTime`` in seconds, and is no part of ``digest``.
    public var edition: UInt8 = 0
    /// What becomes of another IKE_SA between the same two identities. Nothing that stands depends on it: it is no part of
    /// ``digest``.
    public var uniqueness = Uniqueness.replace
    /// A post-quantum key.
    public var postQuantumKey: PostQuantumKey?
    /// The xfrm interface of all children that name none of their own.
    public var interfaceIDs: IPsecInterfaceIDs?
    /// What goes across.
    public var children: [Child]

    /// Takes what each connection must have; the rest has defaults.
    public init(
        name: String,
        from localAddresses: [IPAddress],
        to remoteAddresses: [IPAddress],
        local: Party,
        remote: Party,
        children: [Child]
    ) {
        self.name = name
        self.localAddresses = localAddresses
        self.remoteAddresses = remoteAddresses
        self.local = local
        self.remote = remote
        self.children = children
    }
}

extension IPsecConnection {
    /// What charon does for a child by itself.
    public enum Action: String, Hashable, Sendable {
        /// Nothing.
        case none
        /// Ask for it when the first packet comes.
        case trap
        /// Ask for it at once.
        case start
    }

    /// A mark that is given to packets.
    public struct Mark: Hashable, Sendable {
        /// Its bits.
        public var value: UInt32
        /// Which bits of a packet's mark it replaces.
        public var mask: UInt32

        /// Joins both.
        public init(value: UInt32, mask: UInt32 = .max) {
            self.value = value
            self.mask = mask
        }
    }

    /// A CHILD_SA in tunnel mode, with policies: `connections.<conn>.children.<child>` of swanctl.conf(5).
    public struct Child: Hashable, Sendable {
        /// Its name, with the prefix of ours: initiate finds it by this.
        public var name: String
        /// ESP proposals, best first, as `aes256gcm16-ecp384`; empty: charon's own.
        public var proposals: [String] = []
        /// What of this end goes across; empty: the address of this end itself.
        public var localSelectors: [IPPrefix]
        /// What of the other end goes across; empty: its address itself.
        public var remoteSelectors: [IPPrefix]
        /// The xfrm interface; nil: the connection's.
        public var interfaceIDs: IPsecInterfaceIDs?
        /// Ties policies to SAs in the kernel, for this child alone; nil: a number of charon's.
        public var requestID: UInt32?
        /// The mark of the outer packets, so that they take their underlay.
        public var outboundMark: Mark?
        /// Renew the keys after so long.
        public var rekeyTime: Duration?
        /// End after so long where that failed.
        public var lifeTime: Duration?
        /// At most so much earlier than rekeyTime it is begun, at random.
        public var randomTime: Duration?
        /// Once it is loaded. A connection that is replaced or unloaded ends only children that were started by this.
        public var startAction = Action.none
        /// Once the other end closed it.
        public var closeAction = Action.none
        /// Once the other end was found dead.
        public var deadPeerAction = Action.none
        /// How many packets may come out of order; nil: charon's own, 0: any, and again and again.
        public var replayWindow: UInt32?

        /// Takes what each child must have; the rest has defaults.
        public init(name: String, from localSelectors: [IPPrefix], to remoteSelectors: [IPPrefix]) {
            self.name = name
            self.localSelectors = localSelectors
            self.remoteSelectors = remoteSelectors
        }
    }
}
