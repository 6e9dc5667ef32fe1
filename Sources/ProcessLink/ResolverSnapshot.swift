// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// All that the resolver answers by: the file's part and the decisions in force. It is replaced as a whole.
public struct ResolverSnapshot: Hashable, Sendable, Codable {
    /// What is answered for a name whose network is blocked.
    public enum BlockedAnswer: String, Hashable, Sendable, Codable {
        /// SERVFAIL with EDE 23 (RFC 8914).
        case servfail
        /// NXDOMAIN with EDE 23.
        case nxdomain
        /// NOERROR without answers, with EDE 23.
        case nodata
    }

    /// Rises with every snapshot; the resolver says it back when the snapshot is in force.
    public var serial: UInt64
    /// How many threads serve; as many sockets are in each SO_REUSEPORT set.
    public var workers: Int
    /// Who may ask; others get REFUSED with EDE 18.
    public var allow: [IPPrefix]
    /// What is answered for a name whose network is blocked.
    public var whenBlocked: BlockedAnswer
    /// How long clients are told to keep what holds only while a path does, in seconds.
    public var pathBoundTTL: UInt32
    /// What one client may cost.
    public var limits: Limits
    /// Who is asked for all that no zone holds.
    public var upstreams: [Upstream]
    /// Where clients that ask for it are told to find this resolver over TLS; nil: nowhere.
    public var designation: Designation?
    /// Those of them whose word that data is authentic is taken (RFC 6840 section 5.8).
    public var trustedUpstreams: Set<SocketEndpoint>
    /// How the upstreams' answers are validated (DNSSEC); nil where they are not.
    public var validation: Validation?
    /// Where the networks are: private names lead into their own, public ones into none.
    public var networks: [Network]
    /// The networks' prefixes that no path leads to just now, though their network has one.
    public var unrouted: [IPPrefix]
    /// The domains whose names may lead to private addresses though no zone holds them.
    public var trusted: [DomainName]
    /// Special-use names (RFC 6761) that the upstreams are asked for all the same, with all below them.
    public var specialUseUpstream: [DomainName]
    /// Names whose addresses the agent is told before clients are.
    public var nameSets: [NameSet]
    /// The zones; the longest match counts.
    public var zones: [Zone]
    /// What some clients see otherwise; the first one that fits counts.
    public var views: [View]

    /// Makes a snapshot.
    public init(
        serial: UInt64,
        workers: Int,
        allow: [IPPrefix],
        whenBlocked: BlockedAnswer,
        limits: Limits,
        upstreams: [Upstream],
        designation: Designation? = nil,
        trustedUpstreams: Set<SocketEndpoint> = [],
        validation: Validation? = nil,
        specialUseUpstream: [DomainName] = [],
        networks: [Network],
        trusted: [DomainName],
        nameSets: [NameSet] = [],
        zones: [Zone],
        views: [View] = [],
        pathBoundTTL: UInt32 = 10,
        unrouted: [IPPrefix] = []
    ) {
        self.unrouted = unrouted
        self.pathBoundTTL = pathBoundTTL
        self.views = views
        self.networks = networks
        self.nameSets = nameSets
        self.trusted = trusted
        self.serial = serial
        self.workers = workers
        self.allow = allow
        self.whenBlocked = whenBlocked
        self.limits = limits
        self.upstreams = upstreams
        self.designation = designation
        self.trustedUpstreams = trustedUpstreams
        self.validation = validation
        self.specialUseUpstream = specialUseUpstream
        self.zones = zones
    }

    /// A designated resolver (RFC 9462) that speaks DNS over TLS.
    public struct Designation: Hashable, Sendable, Codable {
        /// The name that its certificate is of.
        public var name: DomainName
        /// Its port.
        public var port: UInt16
        /// Its addresses.
        public var addresses: [IPAddress]

        /// Describes a resolver.
        public init(name: DomainName, port: UInt16, addresses: [IPAddress]) {
            (self.name, self.port, self.addresses) = (name, port, addresses)
        }
    }

    /// What one client may cost; each thread counts for itself.
    public struct Limits: Hashable, Sendable, Codable {
        /// Queries a second over UDP from one address, or one IPv6 prefix of 56 bits.
        public var queriesPerSecond: Int
        /// Its questions that wait for an upstream.
        public var inFlight: Int
        /// Answers of one kind a second over UDP to one IPv4 prefix of 24 bits, or one IPv6 prefix of 56.
        public var responsesPerSecond: Int
        /// Who is not limited.
        public var exempt: [IPPrefix]

        /// Describes limits.
        public init(queriesPerSecond: Int, inFlight: Int, responsesPerSecond: Int, exempt: [IPPrefix]) {
            self.queriesPerSecond = queriesPerSecond
            self.inFlight = inFlight
            self.responsesPerSecond = responsesPerSecond
            self.exempt = exempt
        }
    }

    /// How the upstreams' answers are validated.
    public struct Validation: Hashable, Sendable, Codable {
        /// A domain whose names are not validated until a time, in seconds since 1970 (RFC 7646).
        public struct NegativeTrustAnchor: Hashable, Sendable, Codable {
            /// The domain, with all below it.
            public var name: DomainName
            /// When it ends.
            public var until: Int64

            /// Describes a negative trust anchor.
            public init(name: DomainName, until: Int64) { (self.name, self.until) = (name, until) }
        }

        /// DS records of the root, as text; nil for those that IANA publishes.
        public var anchors: String?
        /// Domains whose names are not validated.
        public var negative: [NegativeTrustAnchor]

        /// Describes how.
        public init(anchors: String?, negative: [NegativeTrustAnchor]) {
            (self.anchors, self.negative) = (anchors, negative)
        }
    }

    /// Names that the firewall knows the addresses of.
    public struct NameSet: Hashable, Sendable, Codable {
        /// The set's name.
        public var name: NameSetName
        /// What is in it, with all below it.
        public var domains: [DomainName]

        /// Describes a set.
        public init(name: NameSetName, domains: [DomainName]) {
            (self.name, self.domains) = (name, domains)
        }
    }

    /// A network and what it holds.
    public struct Network: Hashable, Sendable, Codable {
        /// Its name.
        public var name: NetworkName
        /// Its addresses.
        public var prefixes: [IPPrefix]

        /// Describes a network.
        public init(name: NetworkName, prefixes: [IPPrefix]) {
            (self.name, self.prefixes) = (name, prefixes)
        }
    }

    /// What some clients see otherwise.
    public struct View: Hashable, Sendable, Codable {
        /// The view's name.
        public var name: String
        /// Whose view it is; nil for anybody's.
        public var clients: [IPPrefix]?
        /// The indexes of the interfaces on which they ask; nil for all.
        public var interfaces: Set<UInt32>?
        /// What stands in place of the zones of the same name, and beside the others.
        public var zones: [Zone]
        /// Whether the upstreams are asked for what no zone holds.
        public var hasUpstreams: Bool

        /// Describes a view.
        public init(
            name: String,
            clients: [IPPrefix]?,
            interfaces: Set<UInt32>?,
            zones: [Zone],
            hasUpstreams: Bool
        ) {
            self.name = name
            self.clients = clients
            self.interfaces = interfaces
            self.zones = zones
            self.hasUpstreams = hasUpstreams
        }
    }

    /// A zone of a network.
    public struct Zone: Hashable, Sendable, Codable {
        /// Where the zone's answers come from.
        public enum Source: Hashable, Sendable, Codable {
            /// Resource records in presentation form, owners relative to the zone: `historian A 10.20.0.10`.
            case records([String])
            /// A zone file that was sent before, by its number: see ``MessageFromAgent/zoneFile(number:text:)``.
            case file(UInt64)
            /// Nothing, for this reason: its zone file is not whole.
            case unready(String)
            /// PTR records for the addresses in those of the network's zones that have them.
            case pointers
            /// Servers that are asked through the active path.
            case forward([SocketEndpoint])
        }

        /// Where the network's names lead now.
        public enum Realm: Hashable, Sendable, Codable {
            /// Private answers; questions to the zone's servers leave by these ways: the active path, then the others that
            /// live.
            case `private`([Way])
            /// No answer; the text says which path and since when.
            case blocked(String)
            /// Public answers, because the file says so.
            case `public`
        }

        /// A path and its interface.
        public struct Way: Hashable, Sendable, Codable {
            /// The path.
            public var path: PathName
            /// Its interface.
            public var interface: InterfaceName
            /// The largest packet that the path carries whole, in octets; nil where that is not known.
            public var mtu: Int?

            /// Names a way.
            public init(path: PathName, interface: InterfaceName, mtu: Int? = nil) {
                (self.path, self.interface, self.mtu) = (path, interface, mtu)
            }
        }

        /// When an answer of its servers that is over is given again.
        public struct LastKnownGood: Hashable, Sendable, Codable {
            /// The TCP port that its address must take a connection on.
            public var port: UInt16
            /// How many seconds after it came, at the most.
            public var age: UInt32

            /// States when.
            public init(port: UInt16, age: UInt32) {
                (self.port, self.age) = (port, age)
            }
        }

        /// Why the public is asked for a name that ought to be private.
        public enum PublicReason: String, Hashable, Sendable, Codable, CaseIterable {
            /// The zone's servers say that there is no such name.
            case noSuchName
            /// None of them answers.
            case noAnswer
        }

        /// The zone's apex.
        public var name: DomainName
        /// The network that it belongs to.
        public var network: NetworkName
        /// Where its answers come from.
        public var source: Source
        /// Where the network's names lead now.
        public var realm: Realm
        /// The decision's number: answers that were learned under another one are dropped.
        public var generation: UInt64
        /// Where forwarded names may lead while they are private; nil for their network.
        public var prefixes: [IPPrefix]?
        /// The numbers of the types that its servers are asked for; nil for all.
        public var types: Set<UInt16>?
        /// When an answer of its servers that is over is given again; nil for never.
        public var lastKnownGood: LastKnownGood?
        /// Why the public is asked for its names while they are private.
        public var publicAfter: Set<PublicReason>
        /// Whether its servers' word that data is authentic is taken (RFC 6840 section 5.8).
        public var trustsAD: Bool
        /// Whether the addresses in its records get PTR records.
        public var hasPointers: Bool
        /// What its questions are counted under, where that is not its name.
        public var label: String?

        /// Makes a zone.
        public init(
            name: DomainName,
            network: NetworkName,
            source: Source,
            realm: Realm,
            generation: UInt64,
            hasPointers: Bool = true,
            label: String? = nil,
            prefixes: [IPPrefix]? = nil,
            types: Set<UInt16>? = nil,
            lastKnownGood: LastKnownGood? = nil,
            publicAfter: Set<PublicReason> = [],
            trustsAD: Bool = false
        ) {
            self.trustsAD = trustsAD
            self.lastKnownGood = lastKnownGood
            self.publicAfter = publicAfter
            self.prefixes = prefixes
            self.types = types
            self.name = name
            self.network = network
            self.source = source
            self.realm = realm
            self.generation = generation
            self.hasPointers = hasPointers
            self.label = label
        }
    }
}
