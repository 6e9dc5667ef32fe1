// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes
import SystemIO

/// A zone of records as wire answers that are made once: a query costs a look-up and a copy.
public final class StaticZone: Sendable {
    /// An answer without header, question and OPT.
    struct Answer: Sendable {
        let head: ReplyHead
        let body: [UInt8]
        /// How many records are left out since no path leads where they lead.
        var unrouted = 0
    }

    /// What a name leads to.
    enum Finding {
        case answer(Answer)
        /// An alias that leaves the zone or is made for the name: the records so far, uncompressed, and where they lead.
        case leaves(records: [UInt8], count: UInt16, target: [UInt8])
        /// Neither the name nor one below it exists, in a zone whose SOA is made by ourselves.
        case noSuchName
    }

    /// A name that exists: one with records, or an empty one above such.
    struct Node: Sendable {
        let name: DomainName
        /// Those of a wildcard fit behind a question for any name: see ``ZoneCompiler``.
        let answers: [(type: RecordType, answer: Answer)]
        /// For every other type; nil where an alias leaves the zone.
        let otherwise: Answer?
        let exit: Exit?
        /// What becomes of the names below it, where it has a DNAME.
        let redirection: Redirection?
        /// The number of the wildcard right below it.
        var wildcard: Int?
    }

    /// Where an alias leaves the zone.
    struct Exit: Sendable {
        /// The aliases up to there, uncompressed; those of a wildcard without the first owner.
        let records: [UInt8]
        let count: UInt16
        let target: [UInt8]
        let isOfWildcard: Bool

        func finding(for name: borrowing LookupName) -> Finding {
            .leaves(records: isOfWildcard ? Array(name.wire) + records : records, count: count, target: target)
        }
    }

    /// The zone's apex.
    public let apex: DomainName
    private let apexLabels: Int
    private let nodes: [Node]
    private let index: NameIndex
    /// For names that do not exist; nil where the zone's SOA is made by ourselves.
    private let absent: Answer?

    /// Makes the answers of a zone.
    public init(_ records: ZoneRecords) {
        let compiler = ZoneCompiler(records)
        var nodes = compiler.names.map(compiler.compile)
        let numbers = Dictionary(nodes.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
        for (name, number) in numbers where name.isWildcard {
            if let parent = name.parent, let place = numbers[parent] { nodes[place].wildcard = number }
        }
        apex = records.zone
        apexLabels = records.zone.labels.count
        self.nodes = nodes
        index = NameIndex(nodes.map(\.name.wire))
        absent = compiler.hasAuthority ? compiler.absent : nil
    }

    /// A zone that answers one and the same for all its names, its apex as well.
    init(denying apex: DomainName, _ code: ResponseCode, authority: ZoneRecords.RecordSet) {
        self.apex = apex
        apexLabels = apex.labels.count
        nodes = []
        index = NameIndex([])
        absent = ZoneCompiler.denial(code, authority)
    }

    /// Looks a name of the zone up.
    ///
    /// A name that does not exist is answered by its closest encloser, the longest of its parents that exists: by a
    /// DNAME of that (RFC 6672 section 3.2), or by the wildcard right below (RFC 4592 section 3.3.1).
    func find(_ name: borrowing LookupName, _ type: RecordType) -> Finding {
        var labels = name.labelCount
        while labels >= apexLabels {
            if let found = number(of: name, ofLast: labels) {
                guard labels < name.labelCount else { return finding(nodes[found], name, type) }
                if let redirection = nodes[found].redirection { return redirection.finding(for: name, type) }
                guard let wildcard = nodes[found].wildcard else { break }
                return finding(nodes[wildcard], name, type)
            }
            labels -= 1
        }
        return absent.map { .answer($0) } ?? .noSuchName
    }

    @inline(__always)
    private func number(of name: borrowing LookupName, ofLast labels: Int) -> Int? {
        index.find(name.hash(ofLast: labels)) { number in
            let known = nodes[number].name.wire
            return name.last(labels, equals: known.span)
        }
    }

    private func finding(_ node: Node, _ name: borrowing LookupName, _ type: RecordType) -> Finding {
        for (known, answer) in node.answers where known == type || type == .any { return .answer(answer) }
        if let otherwise = node.otherwise { return .answer(otherwise) }
        return node.exit?.finding(for: name) ?? .noSuchName
    }
}

extension StaticZone: Hashable {
    /// Whether it is the same object: each holds what was read once.
    public static func == (left: StaticZone, right: StaticZone) -> Bool { left === right }

    /// Hashes which object it is.
    public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
