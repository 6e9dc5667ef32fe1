// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// What some clients see: zones, and who is asked for the rest.
final class PolicyView: Sendable {
    /// The view's name; nil for that of all who have none of their own.
    let name: String?
    let zones: [CompiledZone]
    /// Where names go that no zone holds; nil where nobody is to be asked.
    let upstreams: ForwardRoute?
    private let index: NameIndex
    /// Bit n: some zone has n labels.
    private let depths: UInt128

    init(name: String?, zones: [CompiledZone], upstreams: ForwardRoute?) {
        self.name = name
        self.zones = zones
        self.upstreams = upstreams
        index = NameIndex(zones.map(\.apex))
        depths = zones.reduce(0) { $0 | 1 << UInt128($1.labelCount) }
    }

    /// All who are asked.
    var routes: [ForwardRoute] {
        let own = zones.compactMap(\.route)
        return [upstreams].compactMap(\.self) + own + own.compactMap(\.fallback?.route)
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
}

/// Makes the views of one policy.
struct ViewCompiler {
    private let terms: ZoneTerms
    private let specialUseUpstream: [DomainName]
    private let designation: DesignatedResolver?
    private let anchors: TrustAnchors?
    private let zones: [Policy.Zone]
    private var scopes: ScopeLedger
    private var zoneLabels: [String]
    private var networkLabels: [String]

    init(
        _ terms: ZoneTerms,
        specialUseUpstream: [DomainName],
        designation: DesignatedResolver?,
        anchors: TrustAnchors?,
        zones: [Policy.Zone],
        views: [Policy.View],
        after previous: (scopes: ScopeLedger, zoneLabels: [String], networkLabels: [String])?
    ) {
        self.terms = terms
        self.specialUseUpstream = specialUseUpstream
        self.designation = designation
        self.anchors = anchors
        self.zones = zones
        scopes = previous?.scopes ?? ScopeLedger()
        zoneLabels = previous?.zoneLabels ?? ["."]
        networkLabels = previous?.networkLabels ?? []
        let own = views.map { ($0.name, Set($0.zones.map(\.name))) }
        scopes.beginPolicy(of: Dictionary([("", Set(zones.map(\.name)))] + own) { first, _ in first })
    }

    /// What all see who have no view of their own.
    mutating func common() -> PolicyView { compile(zones, view: nil, terms, sharing: [:]) }

    /// A view. Where it has the same names as zones, answers are learned for it and for all others together: a chain of
    /// aliases leaves a scope at the same places.
    mutating func view(_ view: Policy.View, beside common: PolicyView) -> PolicyView {
        let own = Set(view.zones.map(\.name))
        let others = zones.filter { !own.contains($0.name) }
        let isAlike = others.count + own.count == zones.count && view.hasUpstreams
        let shared = isAlike ? Dictionary(common.zones.map { ($0.apex, $0) }) { first, _ in first } : [:]
        let sharing = shared.filter { apex, _ in !own.contains { $0.wire == apex } }
        var terms = terms
        if !view.hasUpstreams { terms.upstreams = [] }
        return compile(
            others + view.zones,
            view: view.name,
            terms,
            sharing: sharing,
            common.upstreams.flatMap { isAlike ? $0 : nil }
        )
    }

    private mutating func compile(
        _ zones: [Policy.Zone],
        view: String?,
        _ terms: ZoneTerms,
        sharing shared: [[UInt8]: CompiledZone],
        _ sharedRoute: ForwardRoute? = nil
    ) -> PolicyView {
        scopes.view = view
        let route = sharedRoute ?? self.route(terms)
        let names = Set(zones.map(\.name))
        let passed = specialUseUpstream.filter { $0.closest(in: names) == nil }
        let own = zones.map { zone in
            shared[zone.name.wire]
                ?? CompiledZone(
                    zone,
                    terms,
                    scopes: &scopes,
                    label: Self.number(of: zone.label, in: &zoneLabels),
                    networkLabel: Self.number(of: zone.network.text, in: &networkLabels)
                )
        }
        return PolicyView(
            name: view,
            zones: own + passed.map { CompiledZone(passing: $0, to: route) }
                + SpecialUseNames.zones(besides: names.union(passed), hasUpstreams: route != nil)
                + (designation?.zone(besides: names.union(passed)).map { [$0] } ?? []),
            upstreams: route
        )
    }

    private mutating func route(_ terms: ZoneTerms) -> ForwardRoute? {
        guard !terms.upstreams.isEmpty else { return nil }
        let key = ScopeLedger.Scope.upstreams(
            terms.upstreams,
            trusted: terms.trustedUpstreams,
            terms.protection,
            anchors
        )
        return ForwardRoute(
            scope: scopes.scope(of: key, 0),
            lineage: scopes.lineage(of: key),
            servers: terms.upstreams,
            trusted: terms.trustedUpstreams,
            label: 0,
            pathBoundTTL: nil,
            filter: terms.protection?.filter ?? AnswerFilter(),
            anchors: anchors,
            lastKnownGood: .ofUpstreams
        )
    }

    /// What the next policy goes on from.
    mutating func finish() -> (ScopeLedger, zoneLabels: [String], networkLabels: [String]) {
        scopes.endPolicy()
        return (scopes, zoneLabels, networkLabels)
    }

    private static func number(of label: String, in labels: inout [String]) -> Int {
        if let known = labels.firstIndex(of: label) { return known }
        labels.append(label)
        return labels.count - 1
    }
}
