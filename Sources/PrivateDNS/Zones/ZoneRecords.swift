// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// The static records of a zone, checked: what a configuration checker accepts is what the resolver can serve.
public struct ZoneRecords: Hashable, Sendable {
    /// The zone's apex.
    public let zone: DomainName
    let sets: [RecordSet]

    /// The TTL of records that name none: short, since an address may move with the path.
    public static let defaultTTL: UInt32 = 60

    /// All records of one owner and type.
    struct RecordSet: Hashable, Sendable {
        let owner: DomainName
        let type: RecordType
        var ttl: UInt32
        var data: [[UInt8]]
    }

    /// Reads records in presentation form, owners relative to the zone: `historian A 10.20.0.10`, `@ TXT "x"`.
    ///
    /// Throws at the first record that cannot be served.
    public init(zone: DomainName, records: [String]) throws(ZoneRecordError) {
        self.zone = zone
        var sets: [RecordSet] = []
        var position: [Key: Int] = [:]
        for (index, text) in records.enumerated() {
            let record = try Self.parse(text, index, zone)
            try Self.check(record, index, zone)
            let key = Key(owner: record.owner, type: record.type)
            if let known = position[key] {
                guard !sets[known].data.contains(record.data) else {
                    throw ZoneRecordError(index: index, problem: "'\(text)' is there twice", hint: "remove one")
                }
                // All records of a set have one TTL (RFC 2181 section 5.2).
                sets[known].ttl = min(sets[known].ttl, record.ttl)
                sets[known].data.append(record.data)
            } else {
                position[key] = sets.count
                sets.append(RecordSet(owner: record.owner, type: record.type, ttl: record.ttl, data: [record.data]))
            }
            try Self.checkAlias(record, index, sets, position)
        }
        self.sets = sets
    }

    private struct Key: Hashable {
        let owner: DomainName
        let type: RecordType
    }

    private static func parse(
        _ text: String,
        _ index: Int,
        _ zone: DomainName
    ) throws(ZoneRecordError) -> PresentationRecord {
        // libldns would give a line without an owner to the root.
        guard let first = text.utf8.first, first != UInt8(ascii: " "), first != UInt8(ascii: "\t") else {
            throw ZoneRecordError(index: index, problem: "no owner in '\(text)'", hint: "begin with a name, or @")
        }
        guard !text.utf8.contains(0), !text.utf8.contains(UInt8(ascii: "\n")), first != UInt8(ascii: "$") else {
            throw ZoneRecordError(index: index, problem: "'\(text)' is no record", hint: "one record a line")
        }
        do {
            return try PresentationRecord(text, origin: zone, defaultTTL: defaultTTL)
        } catch {
            throw ZoneRecordError(
                index: index,
                problem: "'\(text)': \(error.text)",
                hint: "as in 'historian A 10.20.0.10' or 'historian 60 IN A 10.20.0.10'"
            )
        }
    }

    private static func check(
        _ record: PresentationRecord,
        _ index: Int,
        _ zone: DomainName
    ) throws(ZoneRecordError) {
        func refuse(_ problem: String, _ hint: String) -> ZoneRecordError {
            ZoneRecordError(index: index, problem: problem, hint: hint)
        }
        let owner = record.owner
        guard owner.isWithin(zone) else {
            throw refuse("\(owner) lies outside of zone \(zone)", "owners without a last dot are relative to the zone")
        }
        guard record.classNumber == internetClass else { throw refuse("only class IN is served", "leave it out") }
        guard !record.type.isMeta else { throw refuse("this type is no data", "remove it") }
        guard !owner.labels.contains(where: { $0 == [UInt8(ascii: "*")] }) else {
            throw refuse("wildcards are not implemented yet", "write the names out")
        }
        guard record.ttl <= UInt32(Int32.max) else { throw refuse("the TTL is too large", "at most 2147483647") }
        switch record.type {
        case .soa: throw refuse("the zone's SOA is made by itself", "remove it")
        case .ns: throw refuse("a zone of records delegates nothing", "forward the zone to its servers instead")
        case .dname: throw refuse("DNAME is not implemented yet", "use CNAME records")
        default: break
        }
        guard record.data.count <= 4096 else { throw refuse("the record is too long", "at most 4096 octets") }
    }

    /// A name with a CNAME has nothing else (RFC 2181 section 10.1).
    private static func checkAlias(
        _ record: PresentationRecord,
        _ index: Int,
        _ sets: [RecordSet],
        _ position: [Key: Int]
    ) throws(ZoneRecordError) {
        guard let alias = position[Key(owner: record.owner, type: .cname)] else { return }
        let others = sets.contains { $0.owner == record.owner && $0.type != .cname }
        guard others || sets[alias].data.count > 1 else { return }
        throw ZoneRecordError(
            index: index,
            problem: "\(record.owner) has a CNAME and other records",
            hint: "an alias has one CNAME and nothing else"
        )
    }
}
