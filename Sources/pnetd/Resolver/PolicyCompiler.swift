// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PrivateDNS
import ProcessLink

/// Turns the agent's snapshots into policies. Zones that did not change are not parsed again.
struct PolicyCompiler {
    /// A zone of a snapshot that cannot be served.
    struct Failure: Error, CustomStringConvertible {
        let zone: String
        let error: ZoneRecordError

        var description: String { "zone \(zone), record \(error.index + 1): \(error)" }
    }

    private struct Key: Hashable {
        let zone: DomainName
        let lines: [String]
    }

    /// The last policy that was made.
    private(set) var policy: Policy?
    private var records: [Key: ZoneRecords] = [:]
    private var addresses: [[IPPrefix]: AddressSet] = [:]

    mutating func compile(_ snapshot: ResolverSnapshot) throws(Failure) -> Policy {
        var parsed: [Key: ZoneRecords] = [:]
        let known = addresses
        var sets: [[IPPrefix]: AddressSet] = [:]
        func set(of prefixes: [IPPrefix]) -> AddressSet {
            let set = sets[prefixes] ?? known[prefixes] ?? AddressSet(prefixes)
            sets[prefixes] = set
            return set
        }
        let networks = Dictionary(snapshot.networks.map { ($0.name, set(of: $0.prefixes)) }) { first, _ in first }
        var zones: [Policy.Zone] = []
        for zone in snapshot.zones {
            let content: Policy.Content
            switch zone.source {
            case .forward(let servers):
                content = .forward(servers)
            case .records(let lines):
                let checked = try check(lines, of: zone)
                parsed[Key(zone: zone.name, lines: lines)] = checked
                content = .records(checked)
            }
            zones.append(
                Policy.Zone(
                    name: zone.name,
                    network: zone.network,
                    content: content,
                    realm: Self.realm(zone.realm),
                    generation: zone.generation,
                    addresses: zone.prefixes.map(set) ?? networks[zone.network] ?? AddressSet([]),
                    types: zone.types
                )
            )
        }
        let next = Policy(
            serial: snapshot.serial,
            allow: snapshot.allow,
            whenBlocked: Self.answer(snapshot.whenBlocked),
            upstreams: snapshot.upstreams,
            protection: Policy.Protection(
                of: set(of: snapshot.networks.flatMap(\.prefixes)),
                trusting: snapshot.trusted
            ),
            zones: zones,
            after: policy
        )
        records = parsed
        addresses = sets
        policy = next
        return next
    }

    private func check(_ lines: [String], of zone: ResolverSnapshot.Zone) throws(Failure) -> ZoneRecords {
        if let known = records[Key(zone: zone.name, lines: lines)] { return known }
        do {
            return try ZoneRecords(zone: zone.name, records: lines)
        } catch {
            throw Failure(zone: zone.name.withoutRootDot, error: error)
        }
    }

    private static func realm(_ realm: ResolverSnapshot.Zone.Realm) -> Policy.Realm {
        switch realm {
        case .private(_, let interface): .private(interface)
        case .blocked(let reason): .blocked(reason)
        case .public: .public
        }
    }

    private static func answer(_ answer: ResolverSnapshot.BlockedAnswer) -> Policy.BlockedAnswer {
        switch answer {
        case .servfail: .servfail
        case .nxdomain: .nxdomain
        case .nodata: .nodata
        }
    }
}
