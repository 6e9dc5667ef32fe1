// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// What an ``AnswerMemory`` holds, as octets that outlive the process.
///
/// They begin with `pnam` and the version, 1. Behind that stand answers, the one that was learned last first: its origin
/// in eight octets, when a server gave it in eight (seconds since 1970), type in two, variant in one, 1 or 0 in one for
/// whether it leaves its zone, the number of its records in two, the octets of its name in one and of its records in two,
/// the name, and the records without compression. All numbers begin with their highest octet.
enum AnswerCopy {
    /// One answer.
    struct Entry: Hashable {
        var key: AnswerMemory.Key
        /// Seconds since 1970 when a server gave it.
        var learned: UInt64
        var answers: UInt16
        var leaves: Bool
        var records: [UInt8]

        fileprivate var size: Int { AnswerCopy.fixedSize + key.name.count + records.count }
    }

    /// The most octets of all, and of one answer's records: who has more has a list, and no host.
    static let limit = 256 << 10
    static let recordLimit = 4_096

    private static let mark = Array("pnam".utf8)
    private static let version: UInt8 = 1
    private static let fixedSize = 25

    /// As many of the answers as there is room for.
    static func octets(of entries: some Sequence<Entry>) -> [UInt8] {
        var octets = mark + [version]
        for entry in entries where entry.records.count <= recordLimit {
            guard octets.count + entry.size <= limit else { break }
            octets.append(entry.key.origin.rawValue)
            octets.append(entry.learned)
            octets.append(entry.key.type.rawValue)
            octets += [entry.key.variant.rawValue, entry.leaves ? 1 : 0]
            octets.append(entry.answers)
            octets.append(UInt8(entry.key.name.count))
            octets.append(UInt16(entry.records.count))
            octets += entry.key.name
            octets += entry.records
        }
        return octets
    }

    /// Reads them. What they say of names is not checked yet: see ``Entry/isSound``.
    static func entries(of octets: [UInt8]) throws(AnswerCopyFault) -> [Entry] {
        guard octets.count <= limit else { throw .tooLong }
        guard octets.starts(with: mark), octets.count > mark.count else { throw .foreign }
        guard octets[mark.count] == version else { throw .version(octets[mark.count]) }
        let span = octets.span
        var entries: [Entry] = []
        var offset = mark.count + 1
        while offset < octets.count {
            guard octets.count - offset >= fixedSize else { throw .malformed(offset) }
            let nameStart = offset + fixedSize
            let recordStart = nameStart + Int(octets[offset + 22])
            let end = recordStart + Int(span.uint16(at: offset + 23))
            guard octets[offset + 18] < 4, octets[offset + 19] < 2, end <= octets.count else {
                throw .malformed(offset)
            }
            let key = AnswerMemory.Key(
                name: Array(octets[nameStart..<recordStart]),
                type: RecordType(rawValue: span.uint16(at: offset + 16)),
                variant: QuestionVariant(rawValue: octets[offset + 18]),
                origin: AnswerOrigin(rawValue: span.uint64(at: offset))
            )
            entries.append(
                Entry(
                    key: key,
                    learned: span.uint64(at: offset + 8),
                    answers: span.uint16(at: offset + 20),
                    leaves: octets[offset + 19] == 1,
                    records: Array(octets[recordStart..<end])
                )
            )
            offset = end
        }
        return entries
    }
}

/// Why a copy of what was good last is of no use.
public enum AnswerCopyFault: Error, Hashable, CustomStringConvertible {
    /// It is no such copy.
    case foreign
    /// It is of a version that this one does not know.
    case version(UInt8)
    /// It is longer than any that is made.
    case tooLong
    /// What stands at an offset is no answer.
    case malformed(Int)

    /// The reason in words.
    public var description: String {
        switch self {
        case .foreign: "it is no copy of answers"
        case .version(let version): "its version, \(version), is not known here"
        case .tooLong: "it is longer than \(AnswerCopy.limit) octets"
        case .malformed(let offset): "there is no answer at octet \(offset)"
        }
    }
}

extension AnswerCopy.Entry {
    /// Whether name and records are such as a server's answer becomes: a copy may have been written by anybody.
    var isSound: Bool {
        guard DomainName(wire: key.name)?.wire == key.name, records.count <= AnswerCopy.recordLimit else {
            return false
        }
        let span = records.span
        var written: [UInt8] = []
        var count = 0
        var chain: [[UInt8]] = [key.name]
        var offset = 0
        while offset < records.count {
            guard let record = try? RecordView(span, at: offset), (try? record.checkData(span)) != nil,
                record.classNumber == internetClass, isAnswer(record.type)
            else { return false }
            // What leaves its zone is followed without a proof that its hosts are there: it may be aliases only.
            guard !leaves || record.addresses(in: span).isEmpty else { return false }
            guard isOf(chain, record, span) else { return false }
            if record.type == .cname { chain.append(WireName.lowered(span, at: record.data.lowerBound)) }
            record.appendExpanded(span, ttl: record.ttl, to: &written)
            count += 1
            offset = record.end
        }
        return count == Int(answers) && count > 0 && written == records && (chain.count > 1 || !leaves)
    }

    /// Whether a record is of a name of the chain of aliases so far, or of a DNAME that makes the last one an alias.
    private func isOf(_ chain: [[UInt8]], _ record: RecordView, _ span: Span<UInt8>) -> Bool {
        let owner = WireName.lowered(span, at: record.owner)
        let last = chain[chain.count - 1]
        guard record.type == .dname || record.type == .rrsig else { return owner == last }
        guard !chain.contains(owner) else { return true }
        guard let parent = DomainName(wire: owner), let name = DomainName(wire: last) else { return false }
        return name.isWithin(parent)
    }

    private func isAnswer(_ type: RecordType) -> Bool {
        [key.type, .cname, .dname, .rrsig].contains(type) && !type.isMeta
    }

    /// Whether it leads nowhere but where answers of a way may.
    func passes(_ filter: AnswerFilter) -> Bool {
        let span = records.span
        var offset = 0
        while offset < records.count, let record = try? RecordView(span, at: offset) {
            guard filter.passes(record, of: span, asking: key.name) else { return false }
            offset = record.end
        }
        return filter.asks(for: key.type)
    }
}
