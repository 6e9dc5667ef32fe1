// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// A zone as a worker uses it: what to do with a name in it is settled beforehand.
final class CompiledZone: Sendable {
    /// What becomes of a question.
    enum Treatment: Sendable {
        case records(StaticZone)
        case forward(ForwardRoute)
        case blocked
        /// What the zone is made of is not whole: SERVFAIL, whatever is answered where a zone is blocked, since nobody can
        /// tell which names there are.
        case unready
        /// The file says public, but names no upstreams.
        case nobodyToAsk
    }

    let apex: [UInt8]
    let labelCount: Int
    let treatment: Treatment
    let negative: NegativeAnswer
    let blockedReason: String
    /// EDE 23 with the reason, for a zone that is blocked; EDE 24 for one that is not ready (RFC 8914 section 4.25).
    let blockedOption: [UInt8]
    let networkLabel: Int
    /// Its number in ``Policy/zoneLabels``, and the root's for one of ours.
    let label: Int
    /// Its network; nil for one of ours.
    let network: String?
    /// The number of its network's decision.
    let generation: UInt64
    /// Whether it is of no network: a special-use name's.
    let isLocal: Bool

    /// The way to its own servers, whatever its network's decision is; nil where it has none.
    let own: ForwardRoute?

    /// Who is asked for its names; nil where nobody is.
    var route: ForwardRoute? { if case .forward(let route) = treatment { route } else { nil } }

    /// The zone as a step towards an answer.
    var step: ResolutionStep.Event {
        let authority: ResolutionStep.Authority =
            switch treatment {
            case .records: .records
            case .forward(let route) where route.apex == nil: .published(route.servers)
            case .forward(let route): .servers(route.servers, paths: route.ways.compactMap { $0?.path })
            case .blocked: .blocked(blockedReason)
            case .unready: .unready(blockedReason)
            case .nobodyToAsk: .nobody
            }
        return .zone(DomainName(wire: apex) ?? .root, network: network, generation: generation, authority)
    }

    init(
        _ zone: Policy.Zone,
        _ common: ZoneTerms,
        scopes: inout ScopeLedger,
        label: Int,
        networkLabel: Int
    ) {
        apex = zone.name.wire
        labelCount = zone.name.labels.count
        negative = NegativeAnswer(zone: zone.name, ttl: min(NegativeAnswer.ttl, common.pathBoundTTL))
        self.networkLabel = networkLabel
        self.label = label
        network = zone.network.text
        generation = zone.generation
        isLocal = false
        // Both are there in every realm, so that each remembers its last known good while the other one answers.
        let upstreams = common.upstreams
        let published = ForwardRoute(published: zone, common, scopes: &scopes, label: label)
        own = ForwardRoute(
            privateOf: zone,
            common,
            scopes: &scopes,
            label: label,
            fallback: upstreams.isEmpty || zone.publicAfter.isEmpty
                ? nil : ForwardRoute.Fallback(route: published, reasons: zone.publicAfter)
        )
        var reason = ""
        var error = ExtendedError.networkError
        switch (zone.realm, zone.content) {
        case (_, .unready(let text)):
            treatment = .unready
            (reason, error) = (text, .invalidData)
        case (.private, .records(let records)): treatment = .records(records)
        case (.private(let ways), .forward):
            treatment = ways.isEmpty ? .blocked : own.map { .forward($0) } ?? .blocked
        case (.public, _): treatment = upstreams.isEmpty ? .nobodyToAsk : .forward(published)
        case (.blocked(let text), _):
            treatment = .blocked
            reason = text
        }
        blockedReason = reason
        blockedOption = OPT.option(error, text: reason)
    }

    /// A zone of no network: it is never blocked, and its answers do not change.
    init(local zone: StaticZone) {
        apex = zone.apex.wire
        labelCount = zone.apex.labels.count
        treatment = .records(zone)
        negative = NegativeAnswer(zone: zone.apex)
        blockedReason = ""
        blockedOption = []
        networkLabel = 0
        label = 0
        network = nil
        generation = 0
        isLocal = true
        own = nil
    }

    /// Names that would be answered by ourselves, and are asked of the upstreams.
    init(passing name: DomainName, to upstreams: ForwardRoute?) {
        apex = name.wire
        labelCount = name.labels.count
        treatment = upstreams.map { .forward($0) } ?? .nobodyToAsk
        negative = NegativeAnswer(zone: name)
        blockedReason = ""
        blockedOption = []
        networkLabel = 0
        label = 0
        network = nil
        generation = 0
        isLocal = false
        own = nil
    }
}

/// What holds of all zones of a view.
struct ZoneTerms {
    /// Who is asked where a zone is public.
    var upstreams: [Upstream]
    /// Those of them whose word that data is authentic is taken.
    var trustedUpstreams: Set<SocketEndpoint>
    /// Where no name may lead that the upstreams answer for.
    var protection: Policy.Protection?
    /// How long clients are told to keep what holds only while a path does, in seconds.
    var pathBoundTTL: UInt32
}

extension ForwardRoute {
    /// The way to a zone's own servers; nil where it has none.
    fileprivate convenience init?(
        privateOf zone: Policy.Zone,
        _ common: ZoneTerms,
        scopes: inout ScopeLedger,
        label: Int,
        fallback: Fallback?
    ) {
        guard case .forward(let servers) = zone.content, !servers.isEmpty else { return nil }
        var ways: [ServerWay] = []
        if case .private(let living) = zone.realm { ways = living }
        func key(_ filter: AnswerFilter) -> ScopeLedger.Scope {
            .forwarded(zone.name, servers: servers, trustsAD: zone.trustsAD, filter)
        }
        // What was good last is proven to be reachable before it is given, whatever the routes are.
        var lasting = zone.filter
        lasting.unrouted = nil
        self.init(
            scope: scopes.scope(of: key(zone.filter), zone.generation),
            lineage: scopes.lineage(of: key(lasting)),
            origin: zone.lastKnownGood?.port == nil ? nil : scopes.origin(of: zone, servers: servers),
            servers: servers.map { Upstream($0) },
            trusted: zone.trustsAD ? Set(servers) : [],
            ways: ways,
            label: label,
            pathBoundTTL: common.pathBoundTTL,
            apex: zone.name.wire,
            filter: zone.filter,
            lastKnownGood: zone.lastKnownGood,
            fallback: fallback
        )
    }

    /// The way to what the public says of a zone's names. It is bound to the path as well: these answers are wrong as soon
    /// as the path is back.
    fileprivate convenience init(
        published zone: Policy.Zone,
        _ common: ZoneTerms,
        scopes: inout ScopeLedger,
        label: Int
    ) {
        let key = ScopeLedger.Scope.published(
            zone.name,
            servers: common.upstreams,
            trusted: common.trustedUpstreams,
            common.protection
        )
        self.init(
            scope: scopes.scope(of: key, zone.generation),
            lineage: scopes.lineage(of: key),
            servers: common.upstreams,
            trusted: common.trustedUpstreams,
            label: label,
            pathBoundTTL: common.pathBoundTTL,
            filter: common.protection?.filter ?? AnswerFilter(),
            lastKnownGood: .ofUpstreams
        )
    }
}
