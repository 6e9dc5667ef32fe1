// SPDX-License-Identifier: Apache-2.0

/// A CHILD_SA as list-sas and the events tell of it (vici_query.c: list_child). Times are from when it was told.
public struct ChildAssociation: Hashable, Sendable {
    /// Where it is in its life, by charon's name.
    public struct State: RawRepresentable, Hashable, Sendable {
        /// charon's name.
        public let rawValue: String
        /// Takes charon's name.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// It was made.
        public static let created = State(rawValue: "CREATED")
        /// Its policies wait for a packet (a trap).
        public static let routed = State(rawValue: "ROUTED")
        /// Its SAs are being given to the kernel.
        public static let installing = State(rawValue: "INSTALLING")
        /// Its SAs carry packets.
        public static let installed = State(rawValue: "INSTALLED")
        /// Its addresses change.
        public static let updating = State(rawValue: "UPDATING")
        /// It is about to be replaced.
        public static let rekeying = State(rawValue: "REKEYING")
        /// It was replaced, and still takes what comes late.
        public static let rekeyed = State(rawValue: "REKEYED")
        /// It is asked for once more, with another key exchange.
        public static let retrying = State(rawValue: "RETRYING")
        /// The other end is told that it goes.
        public static let deleting = State(rawValue: "DELETING")
        /// It is gone at the other end.
        public static let deleted = State(rawValue: "DELETED")
        /// It goes.
        public static let destroying = State(rawValue: "DESTROYING")
    }

    /// What went one way.
    public struct Traffic: Hashable, Sendable {
        /// The SPI of that way's SA; 0 before it is installed.
        public var spi: UInt32
        /// Octets.
        public var octets: UInt64
        /// Packets.
        public var packets: UInt64
        /// Seconds since the last one; nil where there was none. A rising one beside a fresh one of the other way tells of
        /// a tunnel that is dead.
        public var secondsSinceLast: Int?
    }

    /// The child's name.
    public var name: String
    /// charon's number for it, which no other one of this charon's run has.
    public var uniqueID: UInt32
    /// What ties policies to SAs in the kernel.
    public var reqid: UInt32
    /// Its state.
    public var state: State
    /// `TUNNEL`, `TRANSPORT` or another of charon's names.
    public var mode: String
    /// `ESP` or `AH`; nil before it is installed.
    public var `protocol`: String?
    /// Whether ESP goes in UDP.
    public var isEncapsulated: Bool
    /// if-id-in, if-id-out; nil where there are none.
    public var interfaceIDs: IPsecInterfaceIDs?
    /// What was agreed on.
    public var algorithms: IPsecAlgorithms
    /// What came in.
    public var inbound: Traffic
    /// What went out.
    public var outbound: Traffic
    /// When its keys are renewed, in so many seconds; nil where never.
    public var rekeySeconds: Int?
    /// When it ends if they are not, in so many seconds; nil where never.
    public var lifeSeconds: Int?
    /// How long its SAs have been in the kernel.
    public var installedSeconds: Int?
    /// Traffic selectors of this end, as charon writes them: `10.1.0.0/16`, `10.1.0.1/32[tcp/https]`, `dynamic`.
    public var localSelectors: [String]
    /// Traffic selectors of the other end.
    public var remoteSelectors: [String]

    /// Reads a section of child-sas.
    /// - Parameter key: the section's name: the child's, and in newer charons (≥ 5.2.1) its number behind it.
    init(key: String, _ message: VICIMessage) {
        name = message.text("name") ?? key
        uniqueID = message.number("uniqueid") ?? 0
        reqid = message.number("reqid") ?? 0
        state = State(rawValue: message.text("state") ?? "")
        mode = message.text("mode") ?? ""
        `protocol` = message.text("protocol")
        isEncapsulated = message.flag("encap")
        interfaceIDs = IPsecInterfaceIDs(message)
        algorithms = IPsecAlgorithms(message)
        inbound = Self.traffic(message, "in")
        outbound = Self.traffic(message, "out")
        rekeySeconds = message.number("rekey-time")
        lifeSeconds = message.number("life-time")
        installedSeconds = message.number("install-time")
        localSelectors = message.texts("local-ts")
        remoteSelectors = message.texts("remote-ts")
    }

    private static func traffic(_ message: VICIMessage, _ way: String) -> Traffic {
        Traffic(
            spi: message.hexadecimal("spi-\(way)") ?? 0,
            octets: message.number("bytes-\(way)") ?? 0,
            packets: message.number("packets-\(way)") ?? 0,
            secondsSinceLast: message.number("use-\(way)")
        )
    }
}
