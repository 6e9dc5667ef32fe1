// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// Turns the records of a zone into answers.
///
/// An answer of a wildcard stands behind questions of any length, and one that denies is shared by all names of the
/// zone. So these point to the question's name, which is at the same place always, and to nothing else.
struct ZoneCompiler {
    private let zone: DomainName
    private let sets: [DomainName: [ZoneRecords.RecordSet]]
    /// Every name that exists: owners, and the empty names between them and the apex (RFC 4592 section 2.2.2).
    let names: [DomainName]
    private let existing: Set<DomainName>
    /// Whether the records have the zone's SOA.
    let hasAuthority: Bool
    private let authority: ZoneRecords.RecordSet
    /// For names that do not exist.
    let absent: StaticZone.Answer
    private let noData: StaticZone.Answer

    /// A chain within the zone that is longer goes round in circles.
    static let aliasLimit = 16
    /// A pointer to the name of the question.
    static let questionPointer: [UInt8] = [0xc0, UInt8(MessageSize.header)]

    init(_ records: ZoneRecords) {
        zone = records.zone
        sets = Dictionary(grouping: records.sets, by: \.owner)
        var names: Set<DomainName> = [records.zone]
        for owner in sets.keys {
            var name: DomainName? = owner
            while let current = name, names.insert(current).inserted { name = current.parent }
        }
        existing = names
        self.names = names.sorted { $0.wire.count < $1.wire.count }
        let own = sets[zone]?.first { $0.type == .soa }
        hasAuthority = own != nil
        authority = own ?? NegativeAnswer.authority(zone, ttl: records.negativeTTL)
        absent = Self.denial(.nxDomain, authority)
        noData = Self.denial(.noError, authority)
    }

    /// An answer that says no and nothing else.
    static func denial(_ code: ResponseCode, _ authority: ZoneRecords.RecordSet) -> StaticZone.Answer {
        let head = ReplyHead(code: code, isAuthoritative: true, authority: 1)
        return StaticZone.Answer(head: head, body: authority.forNegativeAnswers.octets)
    }

    /// Makes the answers for one of the names.
    func compile(_ name: DomainName) -> StaticZone.Node {
        let (chain, end) = follow(name)
        var answers: [(type: RecordType, answer: StaticZone.Answer)] = []
        var otherwise: StaticZone.Answer?
        var exit: StaticZone.Exit?
        if let alias = chain.first { answers.append((.cname, answer(name, [alias]))) }
        switch end {
        case .sets(let sets):
            for set in sets {
                var own = set.data.isEmpty ? denial(name, .noError, after: chain) : answer(name, chain + [set])
                own.unrouted = set.unrouted
                answers.append((set.type, own))
            }
            if chain.isEmpty, name == zone, !hasAuthority { answers.append((.soa, answer(name, [authority]))) }
            otherwise = denial(name, .noError, after: chain)
        case .absent:
            otherwise = denial(name, .nxDomain, after: chain)
        case .loop:
            // It has no end to answer from: the chain alone is all there is to say.
            otherwise = denial(name, .noError, after: chain)
        case .overflow:
            otherwise = answer(name, chain, code: .yxDomain)
        case .outside(let target):
            exit = self.exit(of: name, chain, to: target)
        }
        return StaticZone.Node(
            name: name,
            answers: answers,
            otherwise: otherwise,
            exit: exit,
            redirection: sets[name]?.first { $0.type == .dname }.flatMap(Redirection.init)
        )
    }

    /// Octets of the answers of all names, uncompressed; no more is counted than is too much.
    var answerOctets: Int {
        var total = 0
        for name in names where total <= ZoneRecords.answerLimit {
            let (chain, end) = follow(name)
            let aliases = chain.reduce(0) { $0 + $1.size }
            guard case .sets(let sets) = end else {
                total += 2 * aliases
                continue
            }
            total += aliases + sets.reduce(0) { $0 + aliases + $1.size }
        }
        return total
    }

    /// Where aliases lead.
    private enum End {
        case sets([ZoneRecords.RecordSet])
        case absent
        case loop
        /// A DNAME made a name that is too long.
        case overflow
        case outside(DomainName)
    }

    private func follow(_ name: DomainName) -> (chain: [ZoneRecords.RecordSet], end: End) {
        var chain: [ZoneRecords.RecordSet] = []
        var current = name
        while chain.count < Self.aliasLimit {
            guard current.isWithin(zone) else { return (chain, .outside(current)) }
            switch place(of: current) {
            case .sets(let sets):
                guard let alias = sets.first(where: { $0.type == .cname }), let target = alias.target else {
                    return (chain, .sets(sets))
                }
                chain.append(alias)
                current = target
            case .below(let redirection):
                chain.append(redirection)
                guard let other = redirection.target, let target = current.moved(from: redirection.owner, to: other)
                else { return (chain, .overflow) }
                chain.append(
                    ZoneRecords.RecordSet(owner: current, type: .cname, ttl: redirection.ttl, data: [target.wire])
                )
                current = target
            case .absent: return (chain, .absent)
            }
        }
        return (chain, .loop)
    }

    /// What there is for a name.
    private enum Place {
        case sets([ZoneRecords.RecordSet])
        /// The name lies below the owner of this DNAME.
        case below(ZoneRecords.RecordSet)
        case absent
    }

    /// The same as ``StaticZone/find(_:_:)`` does for questions.
    private func place(of name: DomainName) -> Place {
        if existing.contains(name) { return .sets(sets[name] ?? []) }
        let encloser = name.closest(in: existing) ?? zone
        if let redirection = sets[encloser]?.first(where: { $0.type == .dname }) { return .below(redirection) }
        guard let wildcard = encloser.wildcard, existing.contains(wildcard) else { return .absent }
        return .sets(
            (sets[wildcard] ?? []).map { set in
                var set = set
                set.owner = name
                return set
            }
        )
    }

    private func exit(of name: DomainName, _ chain: [ZoneRecords.RecordSet], to target: DomainName) -> StaticZone.Exit {
        let records = chain.flatMap(\.octets)
        return StaticZone.Exit(
            records: name.isWildcard ? Array(records.dropFirst(name.wire.count)) : records,
            count: UInt16(chain.count),
            target: target.wire,
            isOfWildcard: name.isWildcard
        )
    }

    private func answer(
        _ name: DomainName,
        _ sets: [ZoneRecords.RecordSet],
        code: ResponseCode = .noError
    ) -> StaticZone.Answer {
        let count = sets.reduce(0) { $0 + $1.data.count }
        let head = ReplyHead(code: code, isAuthoritative: true, answers: UInt16(count))
        return StaticZone.Answer(head: head, body: body(name, sets))
    }

    private func denial(
        _ name: DomainName,
        _ code: ResponseCode,
        after chain: [ZoneRecords.RecordSet]
    ) -> StaticZone.Answer {
        guard !chain.isEmpty else { return code == .noError ? noData : absent }
        let head = ReplyHead(code: code, isAuthoritative: true, answers: UInt16(chain.count), authority: 1)
        return StaticZone.Answer(head: head, body: body(name, chain + [authority.forNegativeAnswers]))
    }

    private func body(_ name: DomainName, _ sets: [ZoneRecords.RecordSet]) -> [UInt8] {
        guard name.isWildcard else {
            var writer = RecordWriter(question: name.wire, type: .any)
            for set in sets { writer.append(set.octets) }
            return writer.body
        }
        return sets.enumerated().flatMap { position, set in
            set.octets(owner: position == 0 && set.owner == name ? Self.questionPointer : set.owner.wire)
        }
    }
}

extension ZoneRecords {
    /// Octets that the answers of one zone may take.
    static let answerLimit = 64 << 20

    /// Whether the answers of all names fit: each alias holds the whole chain that it begins, and where that leads.
    var fitsMemory: Bool {
        let own = sets.reduce(0) { $0 + $1.size }
        let aliases = sets.count { $0.type == .cname || $0.type == .dname }
        let largest = Dictionary(grouping: sets, by: \.owner).values.map { $0.reduce(0) { $0 + $1.size } }.max() ?? 0
        let longestChain = ZoneCompiler.aliasLimit * 2 * 255
        // Seldom is there so much that it has to be looked at.
        guard own + aliases * (largest + longestChain) > Self.answerLimit else { return true }
        return ZoneCompiler(self).answerOctets <= Self.answerLimit
    }
}

extension ZoneRecords.RecordSet {
    /// Octets of the records, about.
    fileprivate var size: Int { data.reduce(0) { $0 + owner.wire.count + 10 + $1.count } }

    /// Where an alias leads.
    var target: DomainName? { data.first.flatMap { DomainName(wire: $0) } }

    /// The records, uncompressed.
    var octets: [UInt8] { octets(owner: owner.wire) }

    func octets(owner: [UInt8]) -> [UInt8] {
        data.flatMap { data in
            var record = owner
            record.append(type.rawValue)
            record.append(internetClass)
            record.append(ttl)
            record.append(UInt16(data.count))
            return record + data
        }
    }

    /// An SOA with the TTL that negative answers have: its own or its MINIMUM, the smaller (RFC 2308 section 3).
    var forNegativeAnswers: Self {
        var set = self
        let minimum = data.first.map { $0.suffix(4).reduce(0) { $0 << 8 | UInt32($1) } }
        set.ttl = min(ttl, minimum ?? ttl)
        return set
    }
}
