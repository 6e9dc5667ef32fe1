// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// The static records of a zone, checked: what a configuration checker accepts is what the resolver can serve.
public struct ZoneRecords: Hashable, Sendable {
    /// The zone's apex.
    public let zone: DomainName
    let sets: [RecordSet]
    /// The hosts with their addresses in the order of the records; names that stand for others are left out.
    let hosts: [Host]
    /// How long it holds that something is not there, in seconds, where the records have no SOA.
    var negativeTTL = NegativeAnswer.ttl

    /// Whether records are left out since no path leads where they lead.
    public var isCut: Bool { sets.contains { $0.unrouted > 0 } }

    /// The names of hosts with addresses, each once, in the order of the records.
    public var hostNames: [DomainName] {
        var known: Set<DomainName> = []
        return hosts.lazy.map(\.name).filter { known.insert($0).inserted }
    }

    /// The TTL of records that name none: short, since an address may move with the path.
    public static let defaultTTL: UInt32 = 60

    /// All records of one owner and type.
    struct RecordSet: Hashable, Sendable {
        var owner: DomainName
        let type: RecordType
        var ttl: UInt32
        /// The RDATA of each; none where all are left out.
        var data: [[UInt8]]
        /// How many are left out since no path leads where they lead.
        var unrouted = 0
    }

    /// A name and one of its addresses.
    struct Host: Hashable, Sendable {
        let name: DomainName
        let address: IPAddress
        let ttl: UInt32
    }

    /// Takes what was checked, or is made by ourselves.
    init(zone: DomainName, sets: [RecordSet], hosts: [Host] = []) {
        self.zone = zone
        self.sets = sets
        self.hosts = hosts
    }

    /// Reads records in presentation form, owners relative to the zone: `historian A 10.20.0.10`, `@ TXT "x"`.
    ///
    /// Throws the first mistake; ``mistakes(in:of:)`` has the others.
    public init(zone: DomainName, records: [String]) throws(ZoneRecordError) {
        let (records, mistakes) = Self.read(zone, records)
        if let first = mistakes.first { throw first }
        self = records
    }

    /// What is wrong with records, up to ``ZoneFileError/faultLimit`` mistakes.
    public static func mistakes(in records: [String], of zone: DomainName) -> [ZoneRecordError] {
        read(zone, records).mistakes
    }

    private static func read(
        _ zone: DomainName,
        _ records: [String]
    ) -> (records: ZoneRecords, mistakes: [ZoneRecordError]) {
        var builder = ZoneBuilder(zone: zone, hasAuthority: false)
        var mistakes: [ZoneRecordError] = []
        for (index, text) in records.enumerated() where mistakes.count < ZoneFileError.faultLimit {
            do {
                try builder.add(parse(text, zone))
            } catch {
                mistakes.append(ZoneRecordError(index: index, problem: error.problem, hint: error.hint))
            }
        }
        if mistakes.isEmpty, !builder.records.fitsMemory {
            let (problem, hint) = tooLarge
            mistakes.append(ZoneRecordError(index: records.count - 1, problem: problem, hint: hint))
        }
        return (builder.records, mistakes)
    }

    /// What is said of a zone that does not fit.
    static let tooLarge = (
        problem: "the zone's answers would take more than \(answerLimit >> 20) MiB: each alias holds what it leads to",
        hint: "fewer aliases to large sets of records"
    )

    /// The same with no TTL above a longest one.
    public func limited(to longest: UInt32) -> ZoneRecords {
        let short = sets.map { set in
            var set = set
            set.ttl = min(set.ttl, longest)
            return set
        }
        let hosts = hosts.map { Host(name: $0.name, address: $0.address, ttl: min($0.ttl, longest)) }
        var records = ZoneRecords(zone: zone, sets: short, hosts: hosts)
        records.negativeTTL = min(negativeTTL, longest)
        return records
    }

    /// The same without records that lead to some addresses, or give them as hints. Their names stay, and so do the names of
    /// the addresses.
    public func leavingOut(_ addresses: AddressSet) -> ZoneRecords {
        let left = sets.map { set in
            var rest = set
            rest.data = set.data.filter { data in
                !set.type.addresses(in: data.span, data.indices).contains { addresses.contains($0.translated) }
            }
            rest.unrouted = set.data.count - rest.data.count
            return rest
        }
        var records = ZoneRecords(zone: zone, sets: left, hosts: hosts)
        records.negativeTTL = negativeTTL
        return records
    }

    private static func parse(_ text: String, _ zone: DomainName) throws(ZoneBuilder.Fault) -> PresentationRecord {
        // libldns would give a line without an owner to the root.
        guard let first = text.utf8.first, first != UInt8(ascii: " "), first != UInt8(ascii: "\t") else {
            throw ZoneBuilder.Fault(problem: "no owner in '\(text)'", hint: "begin with a name, or @")
        }
        guard !text.utf8.contains(0), !text.utf8.contains(UInt8(ascii: "\n")), first != UInt8(ascii: "$") else {
            throw ZoneBuilder.Fault(problem: "'\(text)' is no record", hint: "one record a line")
        }
        do {
            return try PresentationRecord(text, origin: zone, defaultTTL: defaultTTL)
        } catch {
            let hint = "as in 'historian A 10.20.0.10' or 'historian 60 IN A 10.20.0.10'"
            throw ZoneBuilder.Fault(problem: "'\(text)': \(error.text)", hint: hint)
        }
    }
}
