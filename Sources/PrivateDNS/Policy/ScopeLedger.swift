// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// Gives each (zone, generation, servers, filter) a number of its own, under which answers are kept.
///
/// The agent's generation alone would not do: an agent that starts anew counts from one again, while the resolver,
/// which lived on, still holds answers of the old generation one. A number is never used twice.
struct ScopeLedger: Sendable {
    /// What answers are learned from. The interface is no part of it: between private paths addresses do not change, so
    /// answers stay.
    enum Scope: Hashable, Sendable {
        case upstreams([Upstream], trusted: Set<SocketEndpoint>, Policy.Protection?, TrustAnchors?)
        case forwarded(DomainName, servers: [SocketEndpoint], trustsAD: Bool, AnswerFilter)
        case published(DomainName, servers: [Upstream], trusted: Set<SocketEndpoint>, Policy.Protection?)
    }

    private struct Key: Hashable {
        let scope: Scope
        /// The decision's; nil for the number that outlives them.
        let generation: UInt64?
        let view: String?
    }

    /// For which view the next numbers are; nil for all who have none of their own.
    var view: String?

    private var previous: [Key: UInt64] = [:]
    private var current: [Key: UInt64] = [:]
    private var last: UInt64 = 0
    /// The names of the zones of each view.
    private var apexes: [String: Set<DomainName>] = [:]
    private var apexSum: UInt64 = 0

    /// - Parameter zones: an answer may hold a chain through what is a zone from now on: where they are others, all begins
    ///   anew.
    mutating func beginPolicy(of zones: [String: Set<DomainName>]) {
        previous = zones == apexes ? current : [:]
        apexes = zones
        apexSum = AnswerOrigin.sum(of: zones)
        current = [:]
    }

    /// The number of what is learned under one decision.
    mutating func scope(of scope: Scope, _ generation: UInt64) -> UInt64 {
        number(of: Key(scope: scope, generation: generation, view: view))
    }

    /// The number of what is learned under whatever decision.
    mutating func lineage(of scope: Scope) -> UInt64 { number(of: Key(scope: scope, generation: nil, view: view)) }

    /// The number of what a zone's own servers say under whatever decision and in whatever process.
    func origin(of zone: Policy.Zone, servers: [SocketEndpoint]) -> AnswerOrigin {
        AnswerOrigin(of: zone, servers: servers, view: view, beside: apexSum)
    }

    private mutating func number(of key: Key) -> UInt64 {
        if let known = previous[key] ?? current[key] {
            current[key] = known
            return known
        }
        last += 1
        current[key] = last
        return last
    }

    mutating func endPolicy() {
        previous = [:]
    }
}
