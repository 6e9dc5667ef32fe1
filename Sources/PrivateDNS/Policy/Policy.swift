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
        /// The types that are asked of its servers (RFC 6895 section 3.1); nil for all.
        public var types: Set<UInt16>?
        /// When an answer of its servers that is over is given again; nil for never.
        public var lastKnownGood: LastKnownGood?
        /// Why the public is asked for its names while they are private; none by default.
        public var publicAfter: Set<PublicReason>
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
            label: String? = nil
        ) {
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
            return AnswerFilter(addresses: addresses.map { .within($0) } ?? .any, types: types)
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

    /// The snapshot's number.
    public let serial: UInt64
    let allow: AddressSet
    let whenBlocked: BlockedAnswer
    let clientLimits: ClientLimits
    let zones: [CompiledZone]
    /// Where names go that no zone holds; nil where nobody is to be asked.
    let upstreams: ForwardRoute?
    // Numbers are never given anew, so that counters survive a change of policy.
    /// The zones' labels by number, for counters; the first is the root, for what goes to the upstreams.
    public let zoneLabels: [String]
    /// The networks' names by number.
    public let networkLabels: [String]

    private let index: NameIndex
    /// Bit n: some zone has n labels.
    private let depths: UInt128
    private let scopes: ScopeLedger
    private let routes: [UInt64: ForwardRoute]

    /// Whatever is asked goes to these servers by this interface.
    init(asking servers: [SocketEndpoint], through interface: InterfaceName) {
        serial = 0
        allow = AddressSet([])
        whenBlocked = .servfail
        clientLimits = .standard
        zones = []
        upstreams = ForwardRoute(
            scope: 0,
            lineage: 0,
            servers: servers.map { Upstream($0) },
            ways: [ServerWay(path: interface.text, interface: interface)],
            label: 0,
            isPathBound: false
        )
        zoneLabels = ["."]
        networkLabels = []
        index = NameIndex([])
        depths = 0
        scopes = ScopeLedger()
        routes = Self.routes(upstreams, [])
    }

    private static func routes(_ upstreams: ForwardRoute?, _ zones: [CompiledZone]) -> [UInt64: ForwardRoute] {
        let own = zones.compactMap(\.route)
        let all = [upstreams].compactMap(\.self) + own + own.compactMap(\.fallback?.route)
        return Dictionary(all.map { ($0.scope, $0) }) { first, _ in first }
    }

    /// Compiles a policy. What was learned under the previous one stays good where the zone's generation, realm and
    /// servers are the same.
    /// - Parameters:
    ///   - specialUseUpstream: special-use names that the upstreams are asked for, with all below them.
    ///   - designation: where clients are told to find this resolver over TLS; nil: nowhere.
    public init(
        serial: UInt64,
        allow: [IPPrefix],
        whenBlocked: BlockedAnswer,
        clientLimits: ClientLimits = .standard,
        upstreams: [Upstream],
        specialUseUpstream: [DomainName] = [],
        designation: DesignatedResolver? = nil,
        protection: Protection? = nil,
        zones: [Zone],
        after previous: Policy?
    ) {
        self.serial = serial
        self.allow = AddressSet(allow)
        self.whenBlocked = whenBlocked
        self.clientLimits = clientLimits
        var scopes = previous?.scopes ?? ScopeLedger()
        let names = Set(zones.map(\.name))
        scopes.beginPolicy(of: names)
        var zoneLabels = previous?.zoneLabels ?? ["."]
        var networkLabels = previous?.networkLabels ?? []
        let route =
            upstreams.isEmpty
            ? nil
            : ForwardRoute(
                scope: scopes.scope(of: .upstreams(upstreams, protection), 0),
                lineage: scopes.lineage(of: .upstreams(upstreams, protection)),
                servers: upstreams,
                label: 0,
                isPathBound: false,
                filter: protection?.filter ?? AnswerFilter(),
                lastKnownGood: .ofUpstreams
            )
        self.upstreams = route
        let passed = specialUseUpstream.filter { $0.closest(in: names) == nil }
        let own = zones.map { zone in
            CompiledZone(
                zone,
                scopes: &scopes,
                upstreams: upstreams,
                label: Self.number(of: zone.label, in: &zoneLabels),
                networkLabel: Self.number(of: zone.network.text, in: &networkLabels)
            )
        }
        self.zones =
            own + passed.map { CompiledZone(passing: $0, to: route) }
            + SpecialUseNames.zones(besides: names.union(passed), hasUpstreams: route != nil)
            + (designation?.zone(besides: names.union(passed)).map { [$0] } ?? [])
        scopes.endPolicy()
        self.scopes = scopes
        self.zoneLabels = zoneLabels
        self.networkLabels = networkLabels
        routes = Self.routes(route, self.zones)
        index = NameIndex(self.zones.map(\.apex))
        depths = self.zones.reduce(0) { $0 | 1 << UInt128($1.labelCount) }
    }

    private static func number(of label: String, in labels: inout [String]) -> Int {
        if let known = labels.firstIndex(of: label) { return known }
        labels.append(label)
        return labels.count - 1
    }

    /// The zone with the longest name that the name is in.
    func zone(holding name: borrowing LookupName) -> CompiledZone? {
        var labels = name.labelCount
        while labels >= 0 {
            if depths & (1 << UInt128(labels)) != 0 {
                let found = index.find(name.hash(ofLast: labels)) { number in
                    let zone = zones[number]
                    guard zone.labelCount == labels else { return false }
                    let apex = zone.apex
                    return name.last(labels, equals: apex.span)
                }
                if let found { return zones[found] }
            }
            labels -= 1
        }
        return nil
    }

    /// All who are asked.
    var allRoutes: some Sequence<ForwardRoute> { routes.values }

    /// The route that a scope has now; nil where the scope is over.
    func route(ofScope scope: UInt64) -> ForwardRoute? { routes[scope] }
}
