// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO

/// EDNS options that are the same in every answer that has them, made once.
enum FixedOptions {
    static let none: [UInt8] = []
    static let prohibited = OPT.option(.prohibited)
    static let notAuthoritative = OPT.option(.notAuthoritative)
    static let noReachableAuthority = OPT.option(.noReachableAuthority)
    static let networkError = OPT.option(.networkError)
    static let stale = OPT.option(.stale)
    static let tooManyQuestions = OPT.option(.other, text: "too many questions in flight")
    static let loop = OPT.option(.other, text: "the resolver's own question came back to it: an upstream leads here")
    static let aliasChain = OPT.option(.other, text: "the chain of aliases is too long")

    static let bogus = OPT.option(.bogus)
    static let signatureExpired = OPT.option(.signatureExpired)
    static let signatureNotYetValid = OPT.option(.signatureNotYetValid)
    static let keyMissing = OPT.option(.keyMissing)
    static let signatureMissing = OPT.option(.signatureMissing)
    static let denialMissing = OPT.option(.denialMissing)

    static let outsideOfNetwork = OPT.option(.blocked, text: "an address outside of the zone's network was left out")
    static let unrouted = OPT.option(.networkError, text: "an address that no path leads to just now was left out")
    static let rebinding = OPT.option(.blocked, text: "a public name led to a private address, which was left out")
}

/// The minimal answer to ANY for names that we do not hold (RFC 8482 section 4.2).
enum AnyAnswer {
    static let head = ReplyHead(code: .noError, answers: 1)
    static let body: [UInt8] =
        [0xc0, 0x0c, 0, 13, 0, 1, 0, 0, 0x0e, 0x10, 0, 9, 7] + Array("RFC8482".utf8) + [0]
}

extension Resolution {
    /// Answers a query whose client may ask.
    mutating func answer(
        _ message: Span<UInt8>,
        _ scan: QueryHead,
        _ policy: Policy,
        _ viewNumber: Int,
        _ address: IPAddress,
        _ limit: Int,
        _ now: Instant,
        _ room: inout MutableSpan<UInt8>
    ) -> Verdict {
        guard policy.allow.contains(address) else {
            tally.refused &+= 1
            return reply(.refused, FixedOptions.prohibited, message, scan, limit, &room)
        }
        if let edns = scan.edns, edns.version > 0 {
            return reply(.badVers, FixedOptions.none, message, scan, limit, &room)
        }
        guard scan.questionClass == internetClass, !scan.type.isMeta || scan.type == .any else {
            tally.refused &+= 1
            return reply(.refused, FixedOptions.none, message, scan, limit, &room)
        }
        asked.take(message, at: MessageSize.header, count: scan.nameLength)
        let view = policy.views[viewNumber]
        guard let zone = view.zone(holding: asked) else {
            guard let upstreams = view.upstreams else {
                tally.refused &+= 1
                return reply(.refused, FixedOptions.notAuthoritative, message, scan, limit, &room)
            }
            return fromCache(upstreams, policy, viewNumber, message, scan, limit, now, &room)
        }
        switch zone.treatment {
        case .records(let records):
            return fromRecords(zone, records, policy, message, scan, limit, now, &room)
        case .forward(let route):
            guard route.filter.asks(for: scan.type) else {
                return deny(zone, .noError, FixedOptions.none, isAuthoritative: false, message, scan, limit, &room)
            }
            return fromCache(route, policy, viewNumber, message, scan, limit, now, &room)
        case .blocked:
            return blocked(zone, policy, message, scan, limit, &room)
        case .unready:
            return reply(.servFail, zone.blockedOption, message, scan, limit, &room)
        case .nobodyToAsk:
            tally.refused &+= 1
            return reply(.refused, FixedOptions.notAuthoritative, message, scan, limit, &room)
        }
    }

    mutating func fault(
        _ code: ResponseCode,
        _ message: Span<UInt8>,
        _ room: inout MutableSpan<UInt8>
    ) -> Verdict {
        tally.count(code)
        return .answer(ReplyWriter.writeFault(code, to: message, into: &room))
    }

    /// An answer without records.
    mutating func reply(
        _ code: ResponseCode,
        _ options: [UInt8],
        _ message: Span<UInt8>,
        _ scan: QueryHead,
        _ limit: Int,
        _ room: inout MutableSpan<UInt8>
    ) -> Verdict {
        let head = ReplyHead(code: code)
        return reply(head, FixedOptions.none.span, options.span, message, scan, limit, &room)
    }

    private mutating func reply(
        _ head: ReplyHead,
        _ body: Span<UInt8>,
        _ options: Span<UInt8>,
        _ message: Span<UInt8>,
        _ scan: QueryHead,
        _ limit: Int,
        _ room: inout MutableSpan<UInt8>
    ) -> Verdict {
        tally.count(head.code)
        return .answer(
            ReplyWriter.write(head, body: body, options: options, to: message, scan, limit: limit, into: &room)
        )
    }

    private mutating func fromRecords(
        _ zone: CompiledZone,
        _ records: StaticZone,
        _ policy: Policy,
        _ message: Span<UInt8>,
        _ scan: QueryHead,
        _ limit: Int,
        _ now: Instant,
        _ room: inout MutableSpan<UInt8>
    ) -> Verdict {
        switch records.find(asked, scan.type) {
        case .answer(let answer):
            let none = FixedOptions.none
            let written = ReplyWriter.write(
                answer.head,
                body: answer.body.span,
                options: none.span,
                to: message,
                scan,
                limit: limit,
                into: &room
            )
            guard isHeld(room.span.extracting(first: written), policy, now: now) else { return .later(scan) }
            tally.count(answer.head.code)
            return .answer(written)
        case .noSuchName:
            let code = ResponseCode.nxDomain
            return deny(zone, code, FixedOptions.none, isAuthoritative: true, message, scan, limit, &room)
        case .leaves:
            return .later(scan)
        }
    }

    private mutating func blocked(
        _ zone: CompiledZone,
        _ policy: Policy,
        _ message: Span<UInt8>,
        _ scan: QueryHead,
        _ limit: Int,
        _ room: inout MutableSpan<UInt8>
    ) -> Verdict {
        tally.blockedAnswers[zone.networkLabel] &+= 1
        let options = zone.blockedOption
        switch policy.whenBlocked {
        case .servfail:
            return reply(.servFail, options, message, scan, limit, &room)
        case .nxdomain:
            return deny(zone, .nxDomain, options, isAuthoritative: false, message, scan, limit, &room)
        case .nodata:
            return deny(zone, .noError, options, isAuthoritative: false, message, scan, limit, &room)
        }
    }

    /// A negative answer with the zone's SOA.
    private mutating func deny(
        _ zone: CompiledZone,
        _ code: ResponseCode,
        _ options: [UInt8],
        isAuthoritative: Bool,
        _ message: Span<UInt8>,
        _ scan: QueryHead,
        _ limit: Int,
        _ room: inout MutableSpan<UInt8>
    ) -> Verdict {
        zone.negative.write(behind: asked, into: &negative)
        let head = ReplyHead(code: code, isAuthoritative: isAuthoritative, authority: 1)
        tally.count(code)
        return .answer(
            ReplyWriter.write(
                head,
                body: negative.span,
                options: options.span,
                to: message,
                scan,
                limit: limit,
                into: &room
            )
        )
    }

    private mutating func fromCache(
        _ route: ForwardRoute,
        _ policy: Policy,
        _ view: Int,
        _ message: Span<UInt8>,
        _ scan: QueryHead,
        _ limit: Int,
        _ now: Instant,
        _ room: inout MutableSpan<UInt8>
    ) -> Verdict {
        if scan.type == .any {
            let none = FixedOptions.none
            return reply(AnyAnswer.head, AnyAnswer.body.span, none.span, message, scan, limit, &room)
        }
        let key = AnswerCache.Key(type: scan.type, variant: QuestionVariant(scan), of: route)
        guard let number = cache.find(asked, key, now: now) else { return .later(scan) }
        let entry = cache.head(of: number)
        // What leads elsewhere, or has a reason to be told, is looked at again.
        guard !entry.leaves, entry.head.code != .servFail,
            entry.head.code != .nxDomain || route.fallback(for: .noSuchName, scan.type) == nil
        else { return .later(scan) }
        let options = entry.remark?.option ?? FixedOptions.none
        let written = ReplyWriter.write(
            entry.head,
            body: cache.body(of: number),
            options: options.span,
            to: message,
            scan,
            limit: limit,
            into: &room
        )
        let end = scan.bodyEnd(cache.body(of: number).count, in: written)
        cache.age(number, now: now, answer: &room, body: scan.questionEnd..<end)
        guard isHeld(room.span.extracting(first: written), policy, now: now) else { return .later(scan) }
        use(number, view: view, now: now)
        tally.cacheHits &+= 1
        tally.count(entry.head.code)
        return .answer(written)
    }
}
