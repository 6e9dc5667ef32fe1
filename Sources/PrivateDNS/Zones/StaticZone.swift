// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// A zone of records as wire answers that are made once: a query costs a look-up and a copy.
final class StaticZone: Sendable {
    /// An answer without header, question and OPT.
    struct Answer: Sendable {
        let head: ReplyHead
        let body: [UInt8]
    }

    /// What a name leads to.
    enum Finding {
        case answer(Answer)
        /// An alias that leaves the zone: the records so far, uncompressed, and where they lead.
        case leaves(records: [UInt8], count: UInt16, target: [UInt8])
        /// Neither the name nor one below it exists.
        case noSuchName
    }

    private struct Node {
        let name: DomainName
        let answers: [(type: RecordType, answer: Answer)]
        /// For every other type; nil where an alias leaves the zone.
        let otherwise: Answer?
        let exit: (records: [UInt8], count: UInt16, target: [UInt8])?
    }

    private let nodes: [Node]
    private let index: NameIndex

    init(_ records: ZoneRecords) {
        let compiler = ZoneCompiler(records)
        nodes = compiler.names.map { name in
            let result = compiler.compile(name)
            return Node(name: name, answers: result.answers, otherwise: result.otherwise, exit: result.exit)
        }
        index = NameIndex(nodes.map(\.name.wire))
    }

    /// Looks a name of the zone up.
    func find(_ name: borrowing LookupName, _ type: RecordType) -> Finding {
        let hash = name.hash
        let labels = name.labelCount
        let found = index.find(hash) { number in
            let known = nodes[number].name.wire
            return name.last(labels, equals: known.span)
        }
        guard let found else { return .noSuchName }
        for (known, answer) in nodes[found].answers where known == type || type == .any { return .answer(answer) }
        if let otherwise = nodes[found].otherwise { return .answer(otherwise) }
        guard let exit = nodes[found].exit else { return .noSuchName }
        return .leaves(records: exit.records, count: exit.count, target: exit.target)
    }
}

/// Turns the records of a zone into answers.
struct ZoneCompiler {
    private let zone: DomainName
    private let sets: [DomainName: [ZoneRecords.RecordSet]]
    /// Every name that exists: owners, and the empty names between them and the apex (RFC 4592 section 2.2.2).
    let names: [DomainName]
    /// A chain within the zone that is longer goes round in circles.
    private static let aliasLimit = 16

    init(_ records: ZoneRecords) {
        zone = records.zone
        sets = Dictionary(grouping: records.sets, by: \.owner)
        var names: Set<DomainName> = [records.zone]
        for owner in sets.keys {
            var name: DomainName? = owner
            while let current = name, names.insert(current).inserted { name = current.parent }
        }
        self.names = names.sorted { $0.wire.count < $1.wire.count }
    }

    typealias Result = (
        answers: [(type: RecordType, answer: StaticZone.Answer)],
        otherwise: StaticZone.Answer?,
        exit: (records: [UInt8], count: UInt16, target: [UInt8])?
    )

    func compile(_ name: DomainName) -> Result {
        var chain: [ZoneRecords.RecordSet] = []
        var current = name
        while let alias = sets[current]?.first(where: { $0.type == .cname }), let data = alias.data.first,
            let target = DomainName(wire: data), chain.count < Self.aliasLimit
        {
            chain.append(alias)
            current = target
        }
        let aliases = chain.map { (RecordType.cname, answer(name, .cname, [$0])) }.prefix(1)
        if !current.isWithin(zone) {
            return (Array(aliases), nil, (chain.flatMap(records), UInt16(chain.count), current.wire))
        }
        var answers: [(RecordType, StaticZone.Answer)] = Array(aliases)
        // A loop of aliases has no end to answer from: the chain alone is all there is to say.
        if chain.count < Self.aliasLimit {
            for set in sets[current] ?? [] where set.type != .cname {
                answers.append((set.type, answer(name, set.type, chain + [set])))
            }
        }
        if current == zone, chain.isEmpty {
            answers.append((.soa, answer(name, .soa, [NegativeAnswer.authority(zone)])))
        }
        let code: ResponseCode = names.contains(current) ? .noError : .nxDomain
        return (answers, negative(name, chain, code), nil)
    }

    private func records(_ set: ZoneRecords.RecordSet) -> [UInt8] {
        set.data.flatMap { data in
            var record = set.owner.wire
            record.append(set.type.rawValue)
            record.append(internetClass)
            record.append(set.ttl)
            record.append(UInt16(data.count))
            return record + data
        }
    }

    private func answer(
        _ name: DomainName,
        _ type: RecordType,
        _ sets: [ZoneRecords.RecordSet]
    ) -> StaticZone.Answer {
        var writer = RecordWriter(question: name.wire, type: type)
        for set in sets { writer.append(records(set)) }
        let count = sets.reduce(0) { $0 + $1.data.count }
        let head = ReplyHead(code: .noError, isAuthoritative: true, answers: UInt16(count))
        return StaticZone.Answer(head: head, body: writer.body)
    }

    private func negative(
        _ name: DomainName,
        _ chain: [ZoneRecords.RecordSet],
        _ code: ResponseCode
    ) -> StaticZone.Answer {
        var writer = RecordWriter(question: name.wire, type: .any)
        for set in chain { writer.append(records(set)) }
        writer.append(records(NegativeAnswer.authority(zone)))
        let head = ReplyHead(code: code, isAuthoritative: true, answers: UInt16(chain.count), authority: 1)
        return StaticZone.Answer(head: head, body: writer.body)
    }
}
