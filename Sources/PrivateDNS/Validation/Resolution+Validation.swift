// SPDX-License-Identifier: Apache-2.0
// Answers of upstreams are given when their signatures are found good, or found not to be needed (RFC 4035 section 5).
// What that takes is asked of the same upstreams, as any question is.

import NetworkTypes
import SystemIO

/// An answer that waits for what is needed to judge it.
struct Unproven {
    var answer: UpstreamAnswer
    let signed: SignedAnswer
    var links: [ChainOfTrust.Link: SignedAnswer] = [:]
    var awaited: ChainOfTrust.Link?

    /// How many questions one answer may need: two for each label of the longest names that anybody uses.
    static let linkLimit = 48
    /// How long the judgement may take at the most, beside what the answer took.
    static let budget = Duration.seconds(2)
}

extension Resolution {
    /// How long it is remembered that data is bogus, in seconds (RFC 4035 section 4.7).
    private static var bogusTTL: UInt32 { 10 }

    /// Seconds since 1970.
    private func wallSeconds(_ now: Instant) -> Int64 { epoch + now.nanoseconds / 1_000_000_000 }

    /// Whether the answer to a question is to be validated.
    func isValidated(_ question: UpstreamAnswer.Question, _ route: ForwardRoute, now: Instant) -> Bool {
        // Who checks signatures says so by CD; and signatures themselves are not signed.
        guard let anchors = route.anchors, !question.variant.contains(.checkingDisabled), question.type != .rrsig else {
            return false
        }
        return anchors.cover(CanonicalName(question.name), at: wallSeconds(now))
    }

    /// Takes an answer that is to be validated.
    mutating func validate(
        _ message: Span<UInt8>,
        _ answer: UpstreamAnswer,
        _ attempt: Exchange.Attempt,
        _ exchange: Exchange,
        now: Instant
    ) {
        var exchange = exchange
        let question = exchange.key.question
        let signed = UpstreamAnswer.Question(
            name: question.name,
            type: question.type,
            variant: question.variant.union(.wantsDNSSEC)
        )
        // What the filter leaves out was signed as well.
        guard
            let whole = try? UpstreamAnswer(
                message,
                id: attempt.messageID,
                question: signed,
                route: exchange.route,
                isFiltered: false,
                isOurs: isAnswered(byScope: exchange.key.scope, in: exchange.view)
            )
        else { return fail(exchange, now: now) }
        letGo(&exchange)
        exchange.unproven = Unproven(answer: answer, signed: SignedAnswer(whole, signed))
        exchange.giveUp = max(exchange.giveUp, now + Unproven.budget)
        exchanges[exchange.serial] = exchange
        judge(exchange.serial, now: now)
    }

    private mutating func judge(_ serial: UInt64, now: Instant) {
        guard var exchange = exchanges[serial], var unproven = exchange.unproven, let anchors = exchange.route.anchors
        else { return }
        let time = wallSeconds(now)
        switch chain.judge(unproven.signed, unproven.links, anchors, time: time, now: now) {
        case .needs(let link):
            guard unproven.links.count < Unproven.linkLimit else { return reject(exchange, .noKey, now: now) }
            unproven.awaited = link
            exchange.unproven = unproven
            exchanges[serial] = exchange
            ask(link, for: exchange, now: now)
        case .secure(let seconds):
            unproven.answer.isAuthentic = true
            unproven.answer.shorten(to: seconds)
            note(exchange, .validated("its signatures are good"))
            complete(exchange, unproven.answer, now: now)
        case .insecure:
            note(exchange, .validated("it is proven that it need not be signed"))
            complete(exchange, unproven.answer, now: now)
        case .bogus(let reason):
            reject(exchange, reason, now: now)
        }
    }

    /// Asks a question of our own, which any client's may be joined to.
    private mutating func ask(_ link: ChainOfTrust.Link, for exchange: Exchange, now: Instant) {
        let name = link.name.wire
        var query: [UInt8] = [0, 0]
        query.append(HeaderFlags.recursionDesired | HeaderFlags.checkingDisabled)
        query.append(1 as UInt16)
        query.append(0 as UInt32)
        query.append(1 as UInt16)
        query += name
        query.append(link.type.rawValue)
        query.append(internetClass)
        query += [0, 0, 41, 0x04, 0xd0, 0, 0, 0x80, 0, 0, 0]
        guard let scan = try? QueryHead(scanning: query.span) else { return reject(exchange, .noKey, now: now) }
        let question = Array(query[..<scan.questionEnd])
        let waiter = Waiter(client: .link(exchange.serial), query: question, scan: scan, view: exchange.view)
        wanted.take(name.span, at: 0, count: name.count)
        // Of what leads elsewhere no more is wanted than that it does.
        guard let other = takeFromCache(waiter, exchange.route, now: now) else { return }
        finish(other, .noError, options: FixedOptions.none)
    }

    /// Takes the answer to a question of our own; it is looked at when what is under way is done.
    mutating func linked(_ waiter: Waiter, _ serial: UInt64, _ head: ReplyHead, _ body: [UInt8]) {
        let name = waiter.name
        let records = Answering.expand(body, head, behind: name, waiter.scan.type)
        let link = ChainOfTrust.Link(name: CanonicalName(name), type: waiter.scan.type)
        links.append((serial, link, SignedAnswer(records, head, name, waiter.scan.type)))
    }

    /// Goes on with the answers that wait for others.
    mutating func settle(now: Instant) {
        while !links.isEmpty {
            let (serial, link, answer) = links.removeFirst()
            guard exchanges[serial]?.unproven?.awaited == link else { continue }
            exchanges[serial]?.unproven?.awaited = nil
            exchanges[serial]?.unproven?.links[link] = answer
            judge(serial, now: now)
        }
    }

    /// Gives no answer where there is one that is not to be believed.
    mutating func reject(_ exchange: Exchange, _ reason: Bogus, now: Instant) {
        remove(exchange)
        tally.bogus[exchange.route.label] &+= 1
        let remark = AnswerRemark(reason)
        note(exchange, .validated("it is bogus: \(remark.text)"))
        let entry = AnswerCache.Entry(
            head: ReplyHead(code: .servFail),
            body: [],
            ttlOffsets: [],
            remark: remark,
            lifetime: Self.bogusTTL
        )
        wanted.take(exchange.key.question.name.span, at: 0, count: exchange.key.question.name.count)
        keep(entry, exchange, now: now)
        for waiter in exchange.waiters { finish(waiter, .servFail, options: remark.option) }
    }
}

extension AnswerRemark {
    fileprivate init(_ reason: Bogus) {
        self =
            switch reason {
            case .signature: .bogus
            case .expired: .signatureExpired
            case .notYetValid: .signatureNotYetValid
            case .noKey: .keyMissing
            case .noSignature: .signatureMissing
            case .noDenial: .denialMissing
            }
    }
}

extension SignedAnswer {
    /// - Parameter whole: with DNSSEC records, and nothing left out.
    fileprivate init(_ whole: UpstreamAnswer, _ question: UpstreamAnswer.Question) {
        self.init(
            whole.records,
            ReplyHead(code: whole.code, answers: whole.answers, authority: whole.authority),
            whole.lastAlias ?? question.name,
            question.type,
            leaves: whole.leaves
        )
    }

    /// - Parameter leaves: whether its last alias leads to where somebody else has the say.
    fileprivate init(
        _ records: [UInt8],
        _ head: ReplyHead,
        _ end: [UInt8],
        _ type: RecordType,
        leaves: Bool = false
    ) {
        var offset = 0
        code = head.code
        self.type = type
        answers = SignedSet.sets(of: records, count: Int(head.answers), at: &offset)
        authority = SignedSet.sets(of: records, count: Int(head.authority), at: &offset)
        let isThere = answers.contains { $0.type == type }
        self.end = end
        isNegative = !leaves && (head.code == .nxDomain || !isThere)
    }
}
