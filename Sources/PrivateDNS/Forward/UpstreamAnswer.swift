// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// What an upstream said, checked and reduced to what answers the question.
struct UpstreamAnswer {
    /// A question as it is asked upstream.
    struct Question: Hashable {
        /// Uncompressed and lowered.
        let name: [UInt8]
        let type: RecordType
        let variant: QuestionVariant
    }

    let code: ResponseCode
    let isTruncated: Bool
    /// Whether it says that its data is authentic (RFC 4035 section 3.2.3), and is to be believed.
    var isAuthentic: Bool
    /// What its OPT record says of cookies; nil for nothing.
    let cookie: AnswerCookie?
    /// Answer records, then authority records, uncompressed, TTLs as they came.
    fileprivate(set) var records: [UInt8] = []
    private(set) var answers: UInt16 = 0
    private(set) var authority: UInt16 = 0
    /// The shortest TTL of the answer section.
    private(set) var answerTTL: UInt32 = .max
    /// How long the negative part holds (RFC 2308 section 5); nil without SOA.
    private(set) var negativeTTL: UInt32?
    /// Where the chain of aliases ends if nothing of the wanted type stands there; nil where it does.
    private(set) var lastAlias: [UInt8]?
    /// How many records were left out for where they lead.
    private(set) var leftOut = 0
    /// How many records were left out since no path leads there just now.
    private(set) var unrouted = 0

    /// The most records of a message; others take a hundred of one kind.
    static let recordLimit = 256
    /// The most octets that the names of a message may have when all of them are written out, with what makes as much work.
    static let nameLimit = 8 << 10
    /// The most aliases in a row.
    static let aliasLimit = 16

    /// Checks a message strictly and takes what belongs to the question.
    ///
    /// Of the answer section only the chain that begins at the name asked for is taken (RFC 5452 section 6), and only
    /// as long as its aliases stay where this upstream has a say; and of that, what the route's filter lets pass.
    /// - Parameters:
    ///   - isFiltered: whether what the route's filter does not let pass is left out.
    ///   - isOurs: whether a name, lowered, is answered by the route that was asked.
    init(
        _ message: Span<UInt8>,
        id: UInt16,
        question: Question,
        route: ForwardRoute,
        isFiltered: Bool = true,
        isOurs: ([UInt8]) -> Bool
    ) throws(FormatError) {
        guard message.count >= MessageSize.header else { throw .truncated }
        let flags = message.uint16(at: 2)
        guard message.uint16(at: 0) == id, flags & HeaderFlags.response != 0, flags & HeaderFlags.opcode == 0
        else { throw .notTheAnswer }
        guard message.uint16(at: 4) == 1 else { throw .questionCount }
        let nameEnd = try WireName.skip(message, at: MessageSize.header)
        guard nameEnd + 4 <= message.count else { throw .truncated }
        guard WireName.lowered(message, at: MessageSize.header) == question.name,
            message.uint16(at: nameEnd) == question.type.rawValue, message.uint16(at: nameEnd + 2) == internetClass
        else { throw .notTheAnswer }
        isTruncated = flags & HeaderFlags.truncated != 0
        isAuthentic = flags & HeaderFlags.authenticData != 0

        let sections = try Sections(message, from: nameEnd + 4)
        cookie = sections.cookie
        code = ResponseCode(rawValue: flags & HeaderFlags.responseCode | sections.extendedCode << 4)
        let filter = isFiltered ? route.filter : AnswerFilter()
        let end = takeAnswers(message, sections, question, filter, route.longestTTL, isOurs)
        if isEmptied {
            deny(route.apex ?? end)
        } else if lastAlias == nil || code == .nxDomain || answers == 0 || isOursAtTheEnd {
            takeAuthority(message, sections, question, route.longestTTL)
        }
    }

    /// Whether the last alias is ours, so that its absence is this upstream's to state.
    private var isOursAtTheEnd = true
    /// Whether the last alias leads to where another route has the say.
    var leaves: Bool { lastAlias != nil && !isOursAtTheEnd }

    /// The owners of the DNAME records that were taken.
    private var redirections: Set<[UInt8]> = []

    /// Whether nothing of what stands at the end of the chain may be answered.
    private(set) var isEmptied = false

    /// - Returns: the name at the end of the chain.
    private mutating func takeAnswers(
        _ message: Span<UInt8>,
        _ sections: Sections,
        _ question: Question,
        _ filter: AnswerFilter,
        _ longestTTL: UInt32,
        _ isOurs: ([UInt8]) -> Bool
    ) -> [UInt8] {
        let owners = Owners(of: sections.answers, in: message)
        var current = question.name
        var visited: Set<[UInt8]> = []
        while visited.count <= Self.aliasLimit, visited.insert(current).inserted {
            let here = owners.records(of: current, among: sections.answers, in: message)
            if question.variant.contains(.wantsDNSSEC), here.contains(where: { $0.type == .cname }) {
                takeRedirection(of: current, sections, owners, message, longestTTL)
            }
            let (alias, isFound) = takeSets(here, message, question, filter, longestTTL)
            guard let alias, !isFound else {
                if isFound { lastAlias = nil }
                return current
            }
            lastAlias = alias
            current = alias
            guard isOurs(alias) else {
                isOursAtTheEnd = false
                return current
            }
        }
        return current
    }

    /// Takes the records of one name that answer the question.
    /// - Returns: where its alias leads, and whether there are records of the type that was asked for.
    private mutating func takeSets(
        _ here: [RecordView],
        _ message: Span<UInt8>,
        _ question: Question,
        _ filter: AnswerFilter,
        _ longestTTL: UInt32
    ) -> (alias: [UInt8]?, isFound: Bool) {
        let found = here.filter { $0.type == question.type }
        var barred: Set<Int> = []
        for record in found {
            if !filter.passes(record, of: message, asking: question.name) {
                leftOut += 1
            } else if filter.isUnrouted(record, of: message) {
                unrouted += 1
            } else {
                continue
            }
            barred.insert(record.owner)
        }
        isEmptied = !found.isEmpty && barred.count == found.count
        var alias: [UInt8]?
        for record in here {
            let isSignature = record.type == .rrsig && question.variant.contains(.wantsDNSSEC)
            guard record.type == question.type || record.type == .cname || isSignature else { continue }
            guard !barred.contains(record.owner) else { continue }
            // A set of which something is missing is not what was signed.
            guard barred.isEmpty || !record.signs(question.type, in: message) else { continue }
            take(record, of: message, ttl: min(record.soundTTL, longestTTL))
            if record.type == .cname { alias = WireName.lowered(message, at: record.data.lowerBound) }
        }
        return (alias, !found.isEmpty)
    }

    /// Takes the DNAME record that makes a name an alias, with its signatures: those are the only ones of the alias
    /// (RFC 6672 section 5.3.1).
    private mutating func takeRedirection(
        of name: [UInt8],
        _ sections: Sections,
        _ owners: Owners,
        _ message: Span<UInt8>,
        _ longestTTL: UInt32
    ) {
        guard sections.answers.contains(where: { $0.type == .dname }) else { return }
        var parent = name[...]
        while let length = parent.first, length > 0 {
            parent = parent.dropFirst(1 + Int(length))
            let here = owners.records(of: Array(parent), among: sections.answers, in: message)
            guard here.contains(where: { $0.type == .dname }) else { continue }
            guard redirections.insert(Array(parent)).inserted else { return }
            for record in here where record.type == .dname || record.signs(.dname, in: message) {
                take(record, of: message, ttl: min(record.soundTTL, longestTTL))
            }
            return
        }
    }

    /// Has the answer kept for no longer than so many seconds.
    mutating func shorten(to seconds: UInt32) {
        answerTTL = min(answerTTL, seconds)
        negativeTTL = negativeTTL.map { min($0, seconds) }
    }

    private mutating func take(_ record: RecordView, of message: Span<UInt8>, ttl: UInt32) {
        record.appendExpanded(message, ttl: ttl, to: &records)
        answers += 1
        answerTTL = min(answerTTL, ttl)
    }

    /// There is nothing that may be answered: for whoever asks again, that holds as long as any answer of ours.
    private mutating func deny(_ apex: [UInt8]) {
        records += NegativeAnswer.record(apex)
        authority = 1
        negativeTTL = NegativeAnswer.ttl
    }

    private mutating func takeAuthority(
        _ message: Span<UInt8>,
        _ sections: Sections,
        _ question: Question,
        _ longestTTL: UInt32
    ) {
        guard isOursAtTheEnd else { return }
        let isNegative = code == .nxDomain || answers == 0 || lastAlias != nil
        let wantsDNSSEC = question.variant.contains(.wantsDNSSEC)
        for record in sections.authority {
            if isNegative, record.type == .soa {
                let minimum = message.uint32(at: record.data.upperBound - 4)
                let ttl = min(record.ttl, minimum, longestTTL)
                negativeTTL = min(negativeTTL ?? .max, ttl)
                record.appendExpanded(message, ttl: ttl, to: &records)
            } else if wantsDNSSEC, record.type.isOfProofs || record.type == .ns && isNegative {
                record.appendExpanded(message, ttl: min(record.ttl, longestTTL), to: &records)
            } else {
                continue
            }
            authority += 1
        }
    }
}

/// The records of a checked message by section.
private struct Sections {
    var answers: [RecordView] = []
    var authority: [RecordView] = []
    var extendedCode: UInt16 = 0
    var cookie: AnswerCookie?

    init(_ message: Span<UInt8>, from start: Int) throws(FormatError) {
        var offset = start
        var hasOPT = false
        var nameOctets = 0
        let count = Int(message.uint16(at: 6)) + Int(message.uint16(at: 8)) + Int(message.uint16(at: 10))
        guard count <= UpstreamAnswer.recordLimit else { throw .tooMuchWork }
        for section in 0..<3 {
            for _ in 0..<Int(message.uint16(at: 6 + 2 * section)) {
                let record = try RecordView(message, at: offset)
                nameOctets += try record.ownerLength + record.checkData(message)
                guard nameOctets <= UpstreamAnswer.nameLimit else { throw .tooMuchWork }
                offset = record.end
                if record.type == .opt {
                    guard section == 2, !hasOPT, message[record.owner] == 0 else { throw .malformedOPT }
                    hasOPT = true
                    extendedCode = UInt16(record.ttl >> 24)
                    cookie = try AnswerCookie.find(message, record.data)
                }
                guard record.classNumber == internetClass else { continue }
                if section == 0 { answers.append(record) }
                if section == 1 { authority.append(record) }
            }
        }
        guard offset == message.count else { throw .trailingOctets }
    }
}

/// The owners of records by their hashes: a name is read once, whatever the number of records that point to it.
private struct Owners {
    private var hashes: [UInt64] = []

    init(of records: [RecordView], in message: Span<UInt8>) {
        hashes.reserveCapacity(records.count)
        var last: (beginning: Int, hash: UInt64)?
        for record in records {
            let beginning = WireName.beginning(message, at: record.owner)
            if last?.beginning != beginning { last = (beginning, WireName.hash(message, at: beginning)) }
            hashes.append(last?.hash ?? 0)
        }
    }

    /// The records of a name, which is lowered.
    func records(of name: [UInt8], among records: [RecordView], in message: Span<UInt8>) -> [RecordView] {
        let hash = WireName.hash(name.span, at: 0)
        var found: [RecordView] = []
        var last: Int?
        for (record, other) in zip(records, hashes) where hash == other {
            let beginning = WireName.beginning(message, at: record.owner)
            guard beginning == last || WireName.equals(message, at: beginning, name.span) else { continue }
            last = beginning
            found.append(record)
        }
        return found
    }
}

extension RecordView {
    /// The TTL, where the highest bit says that it is none (RFC 2181 section 8).
    fileprivate var soundTTL: UInt32 { ttl > UInt32(Int32.max) ? 0 : ttl }
}

extension NegativeAnswer {
    /// The SOA of a zone of our own making, uncompressed.
    fileprivate static func record(_ apex: [UInt8]) -> [UInt8] {
        guard let zone = DomainName(wire: apex) else { return [] }
        let set = authority(zone)
        var record = apex
        record.append(set.type.rawValue)
        record.append(internetClass)
        record.append(set.ttl)
        record.append(UInt16(set.data[0].count))
        return record + set.data[0]
    }
}
