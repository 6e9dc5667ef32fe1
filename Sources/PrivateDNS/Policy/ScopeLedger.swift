// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// Gives each (zone, generation, realm, servers, filter) a number of its own, under which answers are kept.
///
/// The agent's generation alone would not do: an agent that starts anew counts from one again, while the resolver,
/// which lived on, still holds answers of the old generation one. A number is never used twice.
struct ScopeLedger: Sendable {
    enum Scope: Hashable, Sendable {
        case upstreams([SocketEndpoint], Policy.Protection?)
        case forwarded(DomainName, generation: UInt64, servers: [SocketEndpoint], AnswerFilter)
        case published(DomainName, generation: UInt64, servers: [SocketEndpoint])
        case local(DomainName, generation: UInt64)

        /// The interface is no part of it: between private paths addresses do not change, so answers stay.
        static func zone(_ zone: Policy.Zone, upstreams: [SocketEndpoint]) -> Scope {
            switch (zone.realm, zone.content) {
            case (.private, .forward(let servers)):
                .forwarded(zone.name, generation: zone.generation, servers: servers, zone.filter)
            case (.public, _):
                .published(zone.name, generation: zone.generation, servers: upstreams)
            default:
                .local(zone.name, generation: zone.generation)
            }
        }
    }

    private var previous: [Scope: UInt64] = [:]
    private var current: [Scope: UInt64] = [:]
    private var last: UInt64 = 0
    private var apexes: Set<DomainName> = []

    /// - Parameter zones: an answer may hold a chain through what is a zone from now on: where they are others, all begins
    ///   anew.
    mutating func beginPolicy(of zones: Set<DomainName>) {
        previous = zones == apexes ? current : [:]
        apexes = zones
        current = [:]
    }

    mutating func scope(of key: Scope) -> UInt64 {
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
