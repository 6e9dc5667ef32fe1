// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// This resolver as clients find it that want to ask it over TLS (Discovery of Designated Resolvers, RFC 9462).
public struct DesignatedResolver: Hashable, Sendable {
    /// The name that its certificate is of.
    public var name: DomainName
    /// Its port.
    public var port: UInt16
    /// Its addresses.
    public var addresses: [IPAddress]

    /// Describes the resolver.
    public init(name: DomainName, port: UInt16, addresses: [IPAddress]) {
        (self.name, self.port, self.addresses) = (name, port, addresses)
    }

    /// The name that such clients ask for (RFC 9462 section 4).
    private static let owner = "_dns.resolver.arpa"
    /// A client that is told wrong once is not to believe it for long.
    private static let ttl: UInt32 = 300

    /// The zone that tells of it; nil where one of some names holds that already.
    func zone(besides names: Set<DomainName>) -> CompiledZone? {
        guard let apex = DomainName(Self.owner), apex.closest(in: names) == nil else { return nil }
        let record = ZoneRecords.RecordSet(owner: apex, type: .svcb, ttl: Self.ttl, data: [data])
        let authority = NegativeAnswer.authority(apex, ttl: Self.ttl)
        return CompiledZone(local: StaticZone(ZoneRecords(zone: apex, sets: [authority, record])))
    }

    /// The RDATA of an SVCB record (RFC 9460 section 2.2) of priority 1: its parameters are in rising order.
    private var data: [UInt8] {
        var data: [UInt8] = []
        data.append(1 as UInt16)
        data += name.wire
        func add(_ key: UInt16, _ value: [UInt8]) {
            data.append(key)
            data.append(UInt16(value.count))
            data += value
        }
        let alpn = Array("dot".utf8)
        add(1, [UInt8(alpn.count)] + alpn)
        add(3, [UInt8(port >> 8), UInt8(truncatingIfNeeded: port)])
        for (family, key) in [(AddressFamily.ipv4, 4 as UInt16), (.ipv6, 6)] {
            let hints = addresses.filter { $0.family == family }.flatMap(\.bytes)
            if !hints.isEmpty { add(key, hints) }
        }
        return data
    }
}
