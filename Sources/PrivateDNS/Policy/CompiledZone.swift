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
    /// EDE 23 with the reason, for a zone that is blocked.
    let blockedOption: [UInt8]
    let networkLabel: Int
    /// Whether it is of no network: a special-use name's.
    let isLocal: Bool

    /// Who is asked for its names; nil where nobody is.
    var route: ForwardRoute? { if case .forward(let route) = treatment { route } else { nil } }

    init(_ zone: Policy.Zone, scope: UInt64, upstreams: [SocketEndpoint], label: Int, networkLabel: Int) {
        apex = zone.name.wire
        labelCount = zone.name.labels.count
        negative = NegativeAnswer(zone: zone.name)
        self.networkLabel = networkLabel
        isLocal = false
        var reason = ""
        switch (zone.realm, zone.content) {
        case (.private, .records(let records)):
            treatment = .records(records)
        case (.private(let interface), .forward(let servers)):
            treatment = .forward(
                ForwardRoute(
                    scope: scope,
                    servers: servers,
                    interface: interface,
                    label: label,
                    isPathBound: true,
                    apex: zone.name.wire,
                    filter: zone.filter
                )
            )
        case (.public, _) where upstreams.isEmpty:
            treatment = .nobodyToAsk
        case (.public, _):
            // Path-bound as well: these answers are wrong as soon as the path is back.
            treatment = .forward(
                ForwardRoute(scope: scope, servers: upstreams, interface: nil, label: label, isPathBound: true)
            )
        case (.blocked(let text), _):
            treatment = .blocked
            reason = text
        }
        blockedOption = OPT.option(.networkError, text: reason)
    }

    /// A zone of no network: it is never blocked, and its answers do not change.
    init(local zone: StaticZone) {
        apex = zone.apex.wire
        labelCount = zone.apex.labels.count
        treatment = .records(zone)
        negative = NegativeAnswer(zone: zone.apex)
        blockedOption = []
        networkLabel = 0
        isLocal = true
    }

    /// Names that would be answered by ourselves, and are asked of the upstreams.
    init(passing name: DomainName, to upstreams: ForwardRoute?) {
        apex = name.wire
        labelCount = name.labels.count
        treatment = upstreams.map { .forward($0) } ?? .nobodyToAsk
        negative = NegativeAnswer(zone: name)
        blockedOption = []
        networkLabel = 0
        isLocal = false
    }
}

/// Who is asked, by which interface, and under which scope the answers are kept.
final class ForwardRoute: Sendable {
    let scope: UInt64
    let servers: [SocketEndpoint]
    let interface: InterfaceName?
    /// The number of the zone's counters.
    let label: Int
    let isPathBound: Bool
    /// The zone; nil for what goes to the upstreams.
    let apex: [UInt8]?
    let filter: AnswerFilter

    init(
        scope: UInt64,
        servers: [SocketEndpoint],
        interface: InterfaceName?,
        label: Int,
        isPathBound: Bool,
        apex: [UInt8]? = nil,
        filter: AnswerFilter = AnswerFilter()
    ) {
        self.apex = apex
        self.filter = filter
        self.scope = scope
        self.servers = servers
        self.interface = interface
        self.label = label
        self.isPathBound = isPathBound
    }

    /// The longest that an answer is kept and that clients are told to keep it (RFC 8767 section 4 for the day).
    ///
    /// An answer that holds only while a path does is told for ten seconds, as long as the clouds' own private
    /// endpoint records: when names change with a decision, no client is wrong for longer.
    var longestTTL: UInt32 { isPathBound ? 10 : 86_400 }
    /// RFC 2308 section 5 recommends one to three hours.
    var longestNegativeTTL: UInt32 { isPathBound ? 10 : 3_600 }
}
