// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// An end of an IKE_SA.
public struct IKEEnd: Hashable, Sendable {
    /// Its address and port; nil where none is known yet (`%any`).
    public var endpoint: SocketEndpoint?
    /// Who it says it is; `%any` before it said so.
    public var identity: String
}

/// What was agreed on to keep an SA's packets secret and whole, by charon's names: `AES_GCM_16`, `PRF_HMAC_SHA2_384`,
/// `ECP_384`.
public struct IPsecAlgorithms: Hashable, Sendable {
    /// encr-alg.
    public var encryption: String?
    /// encr-keysize, in bits.
    public var encryptionKeySize: Int?
    /// integ-alg; nil for an AEAD.
    public var integrity: String?
    /// prf-alg.
    public var pseudoRandomFunction: String?
    /// dh-group; nil for a CHILD_SA that came with its IKE_SA.
    public var keyExchange: String?
    /// ke1 to ke7: those beside it (RFC 9370); none before strongSwan 6.0.
    public var additionalKeyExchanges: [String]
    /// esn: extended sequence numbers.
    public var hasExtendedSequenceNumbers: Bool

    init(_ message: VICIMessage) {
        encryption = message.text("encr-alg")
        encryptionKeySize = message.number("encr-keysize")
        integrity = message.text("integ-alg")
        pseudoRandomFunction = message.text("prf-alg")
        keyExchange = message.text("dh-group")
        additionalKeyExchanges = (1...7).compactMap { message.text("ke\($0)") }
        hasExtendedSequenceNumbers = message.text("esn") == "1"
    }
}

/// An IKE_SA as list-sas and the events tell of it (vici_query.c: list_ike). Times are from when it was told.
public struct IKEAssociation: Hashable, Sendable {
    /// Where it is in its life, by charon's name.
    public struct State: RawRepresentable, Hashable, Sendable {
        /// charon's name.
        public let rawValue: String
        /// Takes charon's name.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// It was made, and nothing was sent.
        public static let created = State(rawValue: "CREATED")
        /// The other end is asked.
        public static let connecting = State(rawValue: "CONNECTING")
        /// Both ends know each other.
        public static let established = State(rawValue: "ESTABLISHED")
        /// Another node of a cluster has it.
        public static let passive = State(rawValue: "PASSIVE")
        /// It is about to be replaced.
        public static let rekeying = State(rawValue: "REKEYING")
        /// It was replaced.
        public static let rekeyed = State(rawValue: "REKEYED")
        /// The other end is told that it goes.
        public static let deleting = State(rawValue: "DELETING")
        /// It goes.
        public static let destroying = State(rawValue: "DESTROYING")
    }

    /// Which NAT was seen, or pretended to be (`encap`).
    public struct NAT: OptionSet, Hashable, Sendable {
        /// One bit each.
        public let rawValue: UInt8
        /// Takes the bits.
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        /// nat-local: this end is behind one.
        public static let local = NAT(rawValue: 1)
        /// nat-remote: the other end is behind one.
        public static let remote = NAT(rawValue: 2)
        /// nat-fake: this end pretends to be, so that ESP goes in UDP.
        public static let fake = NAT(rawValue: 4)
        /// nat-any.
        public static let any = NAT(rawValue: 8)
    }

    /// The connection's name.
    public var name: String
    /// charon's number for it, which no other one of this charon's run has.
    public var uniqueID: UInt32
    /// Its state.
    public var state: State
    /// This end.
    public var local: IKEEnd
    /// The other end.
    public var remote: IKEEnd
    /// Whether this end began.
    public var isInitiator: Bool
    /// The initiator's SPI.
    public var initiatorSPI: UInt64
    /// The responder's SPI; 0 before it answered.
    public var responderSPI: UInt64
    /// NAT between the ends.
    public var nat: NAT
    /// if-id-in, if-id-out: of what the connection's children inherit.
    public var interfaceIDs: IPsecInterfaceIDs?
    /// What was agreed on.
    public var algorithms: IPsecAlgorithms
    /// Whether a post-quantum preshared key went in (RFC 8784).
    public var hasPostQuantumKey: Bool
    /// How long it has been established; nil before.
    public var establishedSeconds: Int?
    /// When its keys are renewed, in so many seconds; nil where never, or before it is established.
    public var rekeySeconds: Int?
    /// When the ends prove themselves again, in so many seconds; nil where never, or before it is established.
    public var reauthenticationSeconds: Int?
    /// Exchanges that wait to begin, as `CHILD_CREATE`.
    public var tasksQueued: [String]
    /// Exchanges that this end began.
    public var tasksActive: [String]
    /// Exchanges that the other end began.
    public var tasksPassive: [String]
    /// Its CHILD_SAs; of an event only those that it is about.
    public var children: [ChildAssociation]

    /// Reads a section of a list-sa event, or of another one.
    init(name: String, _ message: VICIMessage) {
        self.name = name
        uniqueID = message.number("uniqueid") ?? 0
        state = State(rawValue: message.text("state") ?? "")
        local = Self.end(message, "local")
        remote = Self.end(message, "remote")
        isInitiator = message.flag("initiator")
        initiatorSPI = message.hexadecimal("initiator-spi") ?? 0
        responderSPI = message.hexadecimal("responder-spi") ?? 0
        let flags: [(String, NAT)] = [
            ("nat-local", .local), ("nat-remote", .remote), ("nat-fake", .fake), ("nat-any", .any),
        ]
        nat = NAT(flags.filter { message.flag($0.0) }.map(\.1))
        interfaceIDs = IPsecInterfaceIDs(message)
        algorithms = IPsecAlgorithms(message)
        hasPostQuantumKey = message.flag("ppk")
        establishedSeconds = message.number("established")
        rekeySeconds = message.number("rekey-time")
        reauthenticationSeconds = message.number("reauth-time")
        tasksQueued = message.texts("tasks-queued")
        tasksActive = message.texts("tasks-active")
        tasksPassive = message.texts("tasks-passive")
        children = message.section("child-sas").sections.map(ChildAssociation.init(key:_:))
    }

    static func end(_ message: VICIMessage, _ side: String) -> IKEEnd {
        let address = message.text("\(side)-host").flatMap { IPAddress($0) }
        let port: UInt16 = message.number("\(side)-port") ?? 0
        return IKEEnd(
            endpoint: address.map { SocketEndpoint(address: $0, port: port) },
            identity: message.text("\(side)-id") ?? "%any"
        )
    }
}

/// The ids of the xfrm interface that packets come in and go out by.
public struct IPsecInterfaceIDs: Hashable, Sendable {
    /// if_id_in; 0: none.
    public var inbound: UInt32
    /// if_id_out; 0: none.
    public var outbound: UInt32

    /// Takes both.
    public init(inbound: UInt32, outbound: UInt32) {
        self.inbound = inbound
        self.outbound = outbound
    }

    /// One id for both ways, as one interface has it.
    public init(_ both: UInt32) {
        self.init(inbound: both, outbound: both)
    }

    /// What list-sas tells, in hexadecimal; nil where it tells none.
    init?(_ message: VICIMessage) {
        let inbound = message.hexadecimal("if-id-in", as: UInt32.self)
        let outbound = message.hexadecimal("if-id-out", as: UInt32.self)
        guard inbound != nil || outbound != nil else { return nil }
        self.init(inbound: inbound ?? 0, outbound: outbound ?? 0)
    }
}
