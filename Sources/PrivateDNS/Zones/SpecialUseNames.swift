// SPDX-License-Identifier: Apache-2.0
// Names with a meaning of their own, which nobody upstream is to be asked for (RFC 6761, and IANA's registry of locally
// served zones, RFC 6303). Those of examples (RFC 6761 section 6.5) are none for a resolver.

public import NetworkTypes

/// The special-use names that are answered by ourselves.
public enum SpecialUseNames {
    /// What is answered.
    private enum Answer {
        /// The apex exists and has nothing but SOA and NS; there is nothing below (RFC 6303 section 3).
        case empty
        /// No such name, the apex neither.
        case absent
        /// No data, whatever the name.
        case noData
        /// These records.
        case records([String])
    }

    /// How long what never changes may be remembered (RFC 6303 section 3).
    private static let ttl: UInt32 = 10_800

    private static let privateAddresses =
        ["10", "168.192"].map { "\($0).in-addr.arpa" } + (16...31).map { "\($0).172.in-addr.arpa" }

    /// RFC 6303 sections 4.2 to 4.6.
    private static let otherReverse =
        ["0", "127", "254.169", "2.0.192", "100.51.198", "113.0.203", "255.255.255.255"].map { "\($0).in-addr.arpa" }
        + ["0." + zeros, "1." + zeros, "d.f", "8.e.f", "9.e.f", "a.e.f", "b.e.f", "8.b.d.0.1.0.0.2"].map {
            "\($0).ip6.arpa"
        }
    private static let zeros = Array(repeating: "0", count: 31).joined(separator: ".")

    private static let answers: [(names: [String], answer: Answer)] = [
        // RFC 6761 section 6.3: the loopback addresses, for all names below as well.
        (["localhost"], .records(["@ A 127.0.0.1", "@ AAAA ::1", "* A 127.0.0.1", "* AAAA ::1"])),
        // RFC 6761 sections 6.2 and 6.4, RFC 6762 section 22.1, RFC 7686 section 2, RFC 9476 section 2.
        (["test", "invalid", "local", "onion", "alt"], .absent),
        (privateAddresses + otherReverse, .empty),
        // RFC 7793: the shared addresses of 100.64.0.0/10.
        ((64...127).map { "\($0).100.in-addr.arpa" }, .empty),
        // RFC 8375 section 4.
        (["home.arpa"], .empty),
        // RFC 9462 sections 4 and 6.1: no encrypted resolver stands in for this one, and nobody else's may.
        (["resolver.arpa"], .noData),
        // By these a browser and a relay ask whether they may go past the network's resolver.
        (["use-application-dns.net", "mask.icloud.com", "mask-h2.icloud.com"], .absent),
    ]

    /// RFC 8880 section 7: a resolver that translates no addresses asks on, since one that does may be behind it. Where
    /// there is nobody to ask, what is known of it is answered.
    private static let withoutUpstreams: [(names: [String], answer: Answer)] = [
        (["ipv4only.arpa"], .records(["@ A 192.0.0.170", "@ A 192.0.0.171"]))
    ]

    private static let zones = make(answers)
    private static let zonesWithoutUpstreams = make(withoutUpstreams)

    /// The zones, less those that are or lie below one of some names.
    static func zones(besides names: Set<DomainName>, hasUpstreams: Bool) -> [CompiledZone] {
        (hasUpstreams ? zones : zones + zonesWithoutUpstreams).filter { zone in
            zone.name.closest(in: names) == nil
        }.map(\.zone)
    }

    /// The special-use name that a name is or lies below; nil where it is an ordinary one.
    public static func holder(of name: DomainName) -> DomainName? {
        name.closest(in: Set(zones.map(\.name)))
    }

    private static func make(
        _ answers: [(names: [String], answer: Answer)]
    ) -> [(name: DomainName, zone: CompiledZone)] {
        answers.flatMap { names, answer in
            names.compactMap { DomainName($0) }.compactMap { name in
                zone(name, answer).map { (name, CompiledZone(local: $0)) }
            }
        }
    }

    private static func zone(_ apex: DomainName, _ answer: Answer) -> StaticZone? {
        let authority = NegativeAnswer.authority(apex, ttl: ttl)
        switch answer {
        case .absent: return StaticZone(denying: apex, .nxDomain, authority: authority)
        case .noData: return StaticZone(denying: apex, .noError, authority: authority)
        case .empty: return StaticZone(ZoneRecords(zone: apex, sets: [authority, servers(of: apex)]))
        case .records(let lines):
            let texts = lines.map { line in line.replacing(" ", with: " \(ttl) ", maxReplacements: 1) }
            guard let records = try? ZoneRecords(zone: apex, records: texts) else { return nil }
            return StaticZone(ZoneRecords(zone: apex, sets: [authority, servers(of: apex)] + records.sets))
        }
    }

    /// The zone is its own server, which has no address (RFC 6303 section 3).
    private static func servers(of apex: DomainName) -> ZoneRecords.RecordSet {
        ZoneRecords.RecordSet(owner: apex, type: .ns, ttl: ttl, data: [apex.wire])
    }
}
