// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// A zone as a worker uses it: what to do with a name in it is settled beforehand.
final class CompiledZone: Sendable {
    /// What becomes of a question.
    enum Treatment: Sendable {
        case records(StaticZone)
        case forward(ForwardRoute)
        case blocked
        /// The file says public, but names no upstreams.
        case nobodyToAsk
    }

    let apex: [UInt8]
    let labelCount: Int
    let treatment: Treatment
    let negative: NegativeAnswer
    let blockedReason: String
    /// EDE 23 with the reason, for a zone that is blocked.
    let blockedOption: [UInt8]
    let networkLabel: Int
    /// Its network; nil for one of ours.
    let network: String?
    /// The number of its network's decision.
    let generation: UInt64
    /// Whether it is of no network: a special-use name's.
    let isLocal: Bool

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
            case .nobodyToAsk: .nobody
            }
        return .zone(DomainName(wire: apex) ?? .root, network: network, generation: generation, authority)
    }

    /// - Parameter upstreams: who is asked where the zone is public; nil for nobody.
    init(
        _ zone: Policy.Zone,
        scopes: inout ScopeLedger,
        upstreams: [Upstream],
        trustedUpstreams: Set<SocketEndpoint>,
        label: Int,
        networkLabel: Int
    ) {
        apex = zone.name.wire
        labelCount = zone.name.labels.count
        negative = NegativeAnswer(zone: zone.name)
        self.networkLabel = networkLabel
        network = zone.network.text
        generation = zone.generation
        isLocal = false
        // Both are there in every realm, so that each remembers its last known good while the other one answers.
        let published = ForwardRoute(
            published: zone,
            scopes: &scopes,
            upstreams: upstreams,
            trusted: trustedUpstreams,
            label: label
        )
        let own = ForwardRoute(
            privateOf: zone,
            scopes: &scopes,
            label: label,
            fallback: upstreams.isEmpty || zone.publicAfter.isEmpty
                ? nil : ForwardRoute.Fallback(route: published, reasons: zone.publicAfter)
        )
        var reason = ""
        switch (zone.realm, zone.content) {
        case (.private, .records(let records)): treatment = .records(records)
        case (.private(let ways), .forward):
            treatment = ways.isEmpty ? .blocked : own.map { .forward($0) } ?? .blocked
        case (.public, _): treatment = upstreams.isEmpty ? .nobodyToAsk : .forward(published)
        case (.blocked(let text), _):
            treatment = .blocked
            reason = text
        }
        blockedReason = reason
        blockedOption = OPT.option(.networkError, text: reason)
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
        network = nil
        generation = 0
        isLocal = true
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
        network = nil
        generation = 0
        isLocal = false
    }
}

extension ForwardRoute {
    /// The way to a zone's own servers; nil where it has none.
    fileprivate convenience init?(
        privateOf zone: Policy.Zone,
        scopes: inout ScopeLedger,
        label: Int,
        fallback: Fallback?
    ) {
        guard case .forward(let servers) = zone.content, !servers.isEmpty else { return nil }
        var ways: [ServerWay] = []
        if case .private(let living) = zone.realm { ways = living }
        let key = ScopeLedger.Scope.forwarded(zone.name, servers: servers, trustsAD: zone.trustsAD, zone.filter)
        self.init(
            scope: scopes.scope(of: key, zone.generation),
            lineage: scopes.lineage(of: key),
            servers: servers.map { Upstream($0) },
            trusted: zone.trustsAD ? Set(servers) : [],
            ways: ways,
            label: label,
            pathBoundTTL: scopes.pathBoundTTL,
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
        scopes: inout ScopeLedger,
        upstreams: [Upstream],
        trusted: Set<SocketEndpoint>,
        label: Int
    ) {
        let key = ScopeLedger.Scope.published(zone.name, servers: upstreams, trusted: trusted)
        self.init(
            scope: scopes.scope(of: key, zone.generation),
            lineage: scopes.lineage(of: key),
            servers: upstreams,
            trusted: trusted,
            label: label,
            pathBoundTTL: scopes.pathBoundTTL,
            lastKnownGood: .ofUpstreams
        )
    }
}
