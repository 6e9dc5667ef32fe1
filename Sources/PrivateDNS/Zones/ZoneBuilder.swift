// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// Gathers the records of a zone; each is checked by itself and against those before it, in a time that does not grow
/// with their number.
struct ZoneBuilder {
    /// Why a record cannot be served, and what to write instead.
    struct Fault: Error, Hashable, Sendable {
        let problem: String
        let hint: String
    }

    private struct Key: Hashable {
        let owner: DomainName
        let type: RecordType
    }

    private struct Datum: Hashable {
        let key: Key
        let data: [UInt8]
    }

    /// Octets of the longest RDATA.
    static let dataLimit = 4096
    /// Octets of the records of one owner and type: with the aliases that lead there they fit into one message.
    static let setLimit = 48 << 10

    private let zone: DomainName
    /// Whether SOA and NS may come with the records, as in a zone file.
    private let hasAuthority: Bool
    private var sets: [ZoneRecords.RecordSet] = []
    private var hosts: [ZoneRecords.Host] = []
    private var places: [Key: Int] = [:]
    private var sizes: [Int] = []
    private var known: Set<Datum> = []
    private var owners: Set<DomainName> = []
    /// The names that have others below them.
    private var parents: Set<DomainName> = []
    /// The names that have a CNAME, and those that have a DNAME.
    private var aliases: Set<DomainName> = []
    private var redirections: Set<DomainName> = []

    init(zone: DomainName, hasAuthority: Bool) {
        self.zone = zone
        self.hasAuthority = hasAuthority
    }

    /// All that was added.
    var records: ZoneRecords { ZoneRecords(zone: zone, sets: sets, hosts: hosts) }

    /// Adds a record, or throws and leaves things as they were.
    mutating func add(_ record: PresentationRecord) throws(Fault) {
        try check(record)
        let key = Key(owner: record.owner, type: record.type)
        let datum = Datum(key: key, data: record.data)
        guard !known.contains(datum) else { throw Fault(problem: "the record is there twice", hint: "remove one") }
        try checkSingle(record)
        try checkAlias(record)
        try checkRedirection(record)
        let size = record.owner.wire.count + 10 + record.data.count
        if let place = places[key] {
            guard sizes[place] + size <= Self.setLimit else {
                let problem = "the records of \(record.owner) of this type are longer than \(Self.setLimit) octets"
                throw Fault(problem: problem, hint: "spread them over several names")
            }
            // All records of a set have one TTL (RFC 2181 section 5.2).
            sets[place].ttl = min(sets[place].ttl, record.ttl)
            sets[place].data.append(record.data)
            sizes[place] += size
        } else {
            places[key] = sets.count
            sets.append(
                ZoneRecords.RecordSet(owner: record.owner, type: record.type, ttl: record.ttl, data: [record.data])
            )
            sizes.append(size)
        }
        known.insert(datum)
        note(record)
    }

    private mutating func note(_ record: PresentationRecord) {
        if record.type == .cname { aliases.insert(record.owner) }
        if record.type == .dname { redirections.insert(record.owner) }
        if record.type == .a || record.type == .aaaa, !record.owner.isWildcard,
            let address = IPAddress(bytes: record.data)
        {
            hosts.append(ZoneRecords.Host(name: record.owner, address: address, ttl: record.ttl))
        }
        guard owners.insert(record.owner).inserted else { return }
        var name = record.owner
        while name != zone, let parent = name.parent, parents.insert(parent).inserted { name = parent }
    }

    private func check(_ record: PresentationRecord) throws(Fault) {
        let owner = record.owner
        guard owner.isWithin(zone) else {
            let hint = "owners without a last dot are relative to the zone"
            throw Fault(problem: "\(owner) lies outside of zone \(zone)", hint: hint)
        }
        guard record.classNumber == internetClass else {
            throw Fault(problem: "only class IN is served", hint: "leave it out")
        }
        guard !record.type.isMeta else { throw Fault(problem: "this type is no data", hint: "remove it") }
        guard record.ttl <= UInt32(Int32.max) else {
            throw Fault(problem: "the TTL is too large", hint: "at most 2147483647")
        }
        guard record.data.count <= Self.dataLimit else {
            throw Fault(problem: "the record is too long", hint: "at most \(Self.dataLimit) octets")
        }
        switch record.type {
        case .soa where !hasAuthority: throw Fault(problem: "the zone's SOA is made by itself", hint: "remove it")
        case .soa where owner != zone:
            throw Fault(problem: "the SOA is not that of \(zone)", hint: "write it as '@ SOA ...'")
        case .ns where !hasAuthority || owner != zone:
            // RFC 1034 section 4.2.1: such NS records would be a delegation.
            let hint = "make it a zone of its own that is forwarded to its servers"
            throw Fault(problem: "a zone of records delegates nothing", hint: hint)
        case .dname where owner.isWildcard:
            // RFC 4592 section 4.4 leaves open what it would mean.
            throw Fault(problem: "a wildcard with a DNAME has no meaning", hint: "write the names out")
        default: break
        }
    }

    /// A zone has one SOA (RFC 1035 section 5.2), a name one DNAME (RFC 6672 section 2.4).
    private func checkSingle(_ record: PresentationRecord) throws(Fault) {
        guard places[Key(owner: record.owner, type: record.type)] != nil else { return }
        if record.type == .soa { throw Fault(problem: "a second SOA", hint: "remove one") }
        if record.type == .dname {
            throw Fault(problem: "a second DNAME of \(record.owner)", hint: "its names can go to one place only")
        }
    }

    /// A name with a CNAME has nothing else (RFC 2181 section 10.1).
    private func checkAlias(_ record: PresentationRecord) throws(Fault) {
        let isAlias = record.type == .cname
        guard isAlias ? owners.contains(record.owner) : aliases.contains(record.owner) else { return }
        throw Fault(
            problem: "\(record.owner) has a CNAME and other records",
            hint: "an alias has one CNAME and nothing else"
        )
    }

    /// Below a name with a DNAME there is nothing (RFC 6672 section 2.4).
    private func checkRedirection(_ record: PresentationRecord) throws(Fault) {
        let hint = "the DNAME leads all names below it elsewhere: move the records there, or remove it"
        if record.type == .dname, parents.contains(record.owner) {
            throw Fault(problem: "there are records below \(record.owner), which has a DNAME", hint: hint)
        }
        guard !redirections.isEmpty else { return }
        var name = record.owner
        while name != zone, let parent = name.parent {
            guard !redirections.contains(parent) else {
                throw Fault(problem: "\(record.owner) lies below \(parent), which has a DNAME", hint: hint)
            }
            name = parent
        }
    }
}
