// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// One line of `watch`: the state of things, and the decision that made it so.
///
/// The first line has no event; after it comes one line whenever something changes:
/// `{"time":"2026-01-01T00:00:00Z","event":{…} or null,"report":{…}}`.
public struct WatchUpdate: Hashable, Sendable, Codable {
    /// When the report was true; RFC 3339 in UTC.
    public var time: String
    /// The decision; null where something else changed, such as the verdict on a spare path.
    @ExplicitNull public var event: WatchEvent?
    /// The state of things after it.
    public var report: StatusReport

    /// Makes an update.
    public init(time: String, event: WatchEvent?, report: StatusReport) {
        self.time = time
        self.event = event
        self.report = report
    }
}

/// A decision: what became of one network, and why.
///
/// `{"time":"2026-01-01T00:00:00Z","network":"azure","from":"up","to":"up","fromPath":"vpn-a","path":"vpn-b",
/// "reasons":["vpn-a: 9 probes unanswered for 0.8s"],"generation":12}`
public struct WatchEvent: Hashable, Sendable, Codable {
    /// When it was decided; RFC 3339 in UTC.
    public var time: String
    /// The network.
    public var network: NetworkName
    /// The state before.
    public var from: StatusReport.NetworkState
    /// The state after.
    public var to: StatusReport.NetworkState
    /// The active path before; null where there was none.
    @ExplicitNull public var fromPath: PathName?
    /// The active path after; null where there is none.
    @ExplicitNull public var path: PathName?
    /// All paths that carried its traffic before, the active one first.
    public var fromCarriers: [PathName]
    /// All paths that carry its traffic after.
    public var carriers: [PathName]
    /// Why, in words.
    public var reasons: [String]
    /// The decision's number.
    public var generation: UInt64

    /// Makes an event.
    public init(
        time: String,
        network: NetworkName,
        from: StatusReport.NetworkState,
        to: StatusReport.NetworkState,
        fromPath: PathName?,
        path: PathName?,
        fromCarriers: [PathName]? = nil,
        carriers: [PathName]? = nil,
        reasons: [String],
        generation: UInt64
    ) {
        self.time = time
        self.network = network
        self.from = from
        self.to = to
        self.fromPath = fromPath
        self.path = path
        self.fromCarriers = fromCarriers ?? [fromPath].compactMap(\.self)
        self.carriers = carriers ?? [path].compactMap(\.self)
        self.reasons = reasons
        self.generation = generation
    }
}

extension [PathName] {
    /// Paths that carry together, for people: `vpn-a + vpn-b`.
    public var together: String { isEmpty ? "none" : map(\.text).joined(separator: " + ") }
}
