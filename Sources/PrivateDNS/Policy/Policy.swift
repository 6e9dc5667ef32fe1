// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// All that the workers answer by, compiled; immutable, and replaced as a whole between two batches.
public final class Policy: Sendable {
    /// What is answered for a name whose network is blocked.
    public enum BlockedAnswer: Sendable {
        case servfail
        case nxdomain
        case nodata
    }

    /// Where a network's names lead.
    public enum Realm: Hashable, Sendable {
        /// Private answers; questions to the zone's servers leave by these ways, the active path first, then the others
        /// that live. At least one.
        case `private`([ServerWay])
        /// No answer, for this reason.
        case blocked(String)
        /// Public answers, from the upstreams.
        case `public`
    }

    /// Where a zone's private answers come from.
    public enum Content: Hashable, Sendable {
        case records(StaticZone)
        case forward([SocketEndpoint])
        /// Nowhere, for this reason: what the zone is made of is not whole. Nor are there public ones.
        case unready(String)
    }

    /// One zone as it is to be answered.
    public struct Zone: Hashable, Sendable {
        /// The apex.
        public var name: DomainName
        /// The network that it belongs to.
        public var network: NetworkName
        /// Where private answers come from.
        public var content: Content
        /// Where the names lead now.
        public var realm: Realm
        /// The decision's number; what was learned under another one is not answered.
        public var generation: UInt64
        /// Where forwarded names may lead while they are private; nil for anywhere.
        public var addresses: AddressSet?
        /// Where no path leads just now: addresses there are left out of what its servers say; nil for nowhere.
        public var unrouted: AddressSet?
        /// The types that are asked of its servers (RFC 6895 section 3.1); nil for all.
        public var types: Set<UInt16>?
        /// When an answer of its servers that is over is given again; nil for never.
        public var lastKnownGood: LastKnownGood?
        /// Why the public is asked for its names while they are private; none by default.
        public var publicAfter: Set<PublicReason>
        /// Whether its servers' word that data is authentic is taken (RFC 6840 section 5.8).
        public var trustsAD: Bool
        /// What its questions are counted under; several zones may share one.
        public var label: String

        /// Makes a zone.
        /// - Parameter label: nil for the zone's name.
        public init(
            name: DomainName,
            network: NetworkName,
            content: Content,
            realm: Realm,
            generation: UInt64,
            addresses: AddressSet? = nil,
            types: Set<UInt16>? = nil,
            lastKnownGood: LastKnownGood? = nil,
            publicAfter: Set<PublicReason> = [],
            trustsAD: Bool = false,
            label: String? = nil,
            unrouted: AddressSet? = nil
        ) {
            self.unrouted = unrouted
            self.trustsAD = trustsAD
            self.lastKnownGood = lastKnownGood
            self.publicAfter = publicAfter
            self.addresses = addresses
            self.types = types
            self.name = name
            self.network = network
            self.content = content
            self.realm = realm
            self.generation = generation
            self.label = label ?? name.withoutRootDot
        }

        var filter: AnswerFilter {
            let types = types.map { Set($0.map { RecordType(rawValue: $0) }) }
            return AnswerFilter(addresses: addresses.map { .within($0) } ?? .any, types: types, unrouted: unrouted)
        }
    }

    /// To which addresses no name may lead that the upstreams answer for, besides those that are not of the public
    /// Internet anyway: a page of anybody's could reach the site's hosts by such a name (DNS rebinding).
    public struct Protection: Hashable, Sendable {
        /// What the networks hold.
        public var addresses: AddressSet
        /// The domains whose names may lead anywhere.
        public var trusted: [DomainName]

        /// Describes a protection.
        public init(of addresses: AddressSet, trusting trusted: [DomainName]) {
            (self.addresses, self.trusted) = (addresses, trusted)
        }

        var filter: AnswerFilter { AnswerFilter(addresses: .outside(addresses, trusted: trusted)) }
    }

    /// What some clients see otherwise.
    public struct View: Hashable, Sendable {
        /// The view's name.
        public var name: String
        /// Whose view it is; nil for anybody's.
        public var clients: AddressSet?
        /// The interfaces, by index, on which they ask; nil for all.
        public var interfaces: Set<UInt32>?
        /// What stands in place of the zones of the same name, and beside the others.
        public var zones: [Zone]
        /// Whether the upstreams are asked for what no zone holds.
        public var hasUpstreams: Bool

        /// Describes a view.
        public init(
            name: String,
            clients: AddressSet?,
            interfaces: Set<UInt32>?,
            zones: [Zone],
            hasUpstreams: Bool = true
        ) {
            self.name = name
            self.clients = clients
            self.interfaces = interfaces
            self.zones = zones
            self.hasUpstreams = hasUpstreams
        }
    }

    /// The snapshot's number.
    public let serial: UInt64
    let allow: AddressSet
    let whenBlocked: BlockedAnswer
    let clientLimits: ClientLimits
    let anchors: TrustAnchors?
    /// Nil where there are none.
    let nameSets: NameSets?
    /// What clients see; the first is that of all who have none of their own.
    let views: [PolicyView]
    // Numbers are never given anew, so that counters survive a change of policy.
    /// The zones' labels by number, for counters; the first is the root, for what goes to the upstreams.
    public let zoneLabels: [String]
    /// The networks' names by number.
    public let networkLabels: [String]
    /// Whether it matters on which interface somebody asks.
    let looksAtInterfaces: Bool

    private let selectors: [View]
    private let scopes: ScopeLedger
    private let routes: [UInt64: ForwardRoute]

    /// Whatever is asked goes to these servers by this interface.
    init(asking servers: [SocketEndpoint], through interface: InterfaceName) {
        serial = 0
        allow = AddressSet([])
        whenBlocked = .servfail
        clientLimits = .standard
        anchors = nil
        nameSets = nil
        let upstreams = ForwardRoute(
            scope: 0,
            lineage: 0,
            servers: servers.map { Upstream($0) },
            ways: [ServerWay(path: interface.text, interface: interface)],
            label: 0,
            pathBoundTTL: nil
        )
        let view = PolicyView(name: nil, zones: [], upstreams: upstreams)
        views = [view]
        selectors = []
        looksAtInterfaces = false
        zoneLabels = ["."]
        networkLabels = []
        scopes = ScopeLedger()
        routes = Self.routes(views)
    }

    private static func routes(_ views: [PolicyView]) -> [UInt64: ForwardRoute] {
        Dictionary(views.flatMap(\.routes).map { ($0.scope, $0) }) { first, _ in first }
    }

    /// Compiles a policy. What was learned under the previous one stays good where the zone's generation, realm and
    /// servers are the same.
    /// - Parameters:
    ///   - trustedUpstreams: those whose word that data is authentic is taken (RFC 6840 section 5.8).
    ///   - specialUseUpstream: special-use names that the upstreams are asked for, with all below them.
    ///   - designation: where clients are told to find this resolver over TLS; nil: nowhere.
    ///   - pathBoundTTL: how long clients are told to keep what holds only while a path does, in seconds.
    ///   - anchors: what the upstreams' answers are validated by; nil where they are not.
    ///   - nameSets: at most 64; see ``NameSet``.
    ///   - views: the first one that fits a client counts.
    public init(
        serial: UInt64,
        allow: [IPPrefix],
        whenBlocked: BlockedAnswer,
        clientLimits: ClientLimits = .standard,
        upstreams: [Upstream],
        trustedUpstreams: Set<SocketEndpoint> = [],
        specialUseUpstream: [DomainName] = [],
        designation: DesignatedResolver? = nil,
        protection: Protection? = nil,
        pathBoundTTL: UInt32 = 10,
        anchors: TrustAnchors? = nil,
        nameSets: [NameSet] = [],
        zones: [Zone],
        views: [View] = [],
        after previous: Policy?
    ) {
        self.serial = serial
        self.allow = AddressSet(allow)
        self.whenBlocked = whenBlocked
        self.clientLimits = clientLimits
        self.anchors = anchors
        self.nameSets = NameSets(nameSets)
        selectors = views
        looksAtInterfaces = views.contains { $0.interfaces != nil }
        var compiler = ViewCompiler(
            ZoneTerms(
                upstreams: upstreams,
                trustedUpstreams: trustedUpstreams,
                protection: protection,
                pathBoundTTL: pathBoundTTL
            ),
            specialUseUpstream: specialUseUpstream,
            designation: designation,
            anchors: anchors,
            zones: zones,
            views: views,
            after: previous.map { ($0.scopes, $0.zoneLabels, $0.networkLabels) }
        )
        let common = compiler.common()
        self.views = [common] + views.map { compiler.view($0, beside: common) }
        (scopes, zoneLabels, networkLabels) = compiler.finish()
        routes = Self.routes(self.views)
    }

    /// The number of the view of a client that asks on an interface; 0 where that is not known. A client of which nothing
    /// is known has none.
    func view(of client: IPAddress?, on interface: UInt32) -> Int {
        guard !selectors.isEmpty else { return 0 }
        let number = selectors.firstIndex { view in
            if let clients = view.clients {
                guard let client, clients.contains(client) else { return false }
            }
            return view.interfaces?.contains(interface) ?? true
        }
        return number.map { $0 + 1 } ?? 0
    }

    /// The number of a client's view.
    func view(of client: Client) -> Int {
        if case .explanation(_, let asker) = client, let name = asker.view {
            return views.firstIndex { $0.name == name } ?? 0
        }
        return view(of: client.address, on: client.interface)
    }

    /// All who are asked.
    var allRoutes: some Sequence<ForwardRoute> { routes.values }

    /// The ways to zones' own servers by whose word they are, of those of which something is remembered.
    var remembered: [AnswerOrigin: ForwardRoute] {
        let own = views.flatMap(\.zones).compactMap(\.own)
        return Dictionary(own.compactMap { way in way.origin.map { ($0, way) } }) { first, _ in first }
    }

    /// The route that a scope has now; nil where the scope is over.
    func route(ofScope scope: UInt64) -> ForwardRoute? { routes[scope] }
}
