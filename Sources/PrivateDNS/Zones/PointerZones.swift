// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// The PTR records that follow from the addresses of hosts: one an address, to the first host that has it.
public enum PointerZones {
    /// Makes zones of reverse names.
    /// - Parameters:
    ///   - apexes: the zones; an address outside of all of them gets no record.
    ///   - records: where the hosts are, in the order in which the first one counts.
    public static func make(_ apexes: [DomainName], of records: [ZoneRecords]) -> [DomainName: StaticZone] {
        let wanted = Set(apexes)
        var sets: [DomainName: [ZoneRecords.RecordSet]] = [:]
        var known: Set<IPAddress> = []
        for host in records.flatMap(\.hosts) where known.insert(host.address).inserted {
            let owner = host.address.reverseName
            guard let apex = owner.closest(in: wanted) else { continue }
            sets[apex, default: []].append(
                ZoneRecords.RecordSet(owner: owner, type: .ptr, ttl: host.ttl, data: [host.name.wire])
            )
        }
        let negativeTTL = records.map(\.negativeTTL).min() ?? NegativeAnswer.ttl
        let zones = wanted.map { apex in
            var own = ZoneRecords(zone: apex, sets: sets[apex] ?? [])
            own.negativeTTL = negativeTTL
            return (apex, StaticZone(own))
        }
        return Dictionary(zones) { first, _ in first }
    }
}
