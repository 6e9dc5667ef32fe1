// SPDX-License-Identifier: Apache-2.0
// What becomes of a question that no server has an answer of use to, one rung after another: what was good last, if its
// hosts take a connection now; what the public says, if the file allows it; that there is no answer, and why.

import NetworkTypes
import SystemIO

extension PublicReason {
    /// What an answer of this code would be a reason for.
    init?(_ code: ResponseCode) {
        switch code {
        case .nxDomain: self = .noSuchName
        case .servFail: self = .noAnswer
        default: return nil
        }
    }
}

extension Resolution {
    /// How long a failure is remembered (RFC 9520 section 3.2 asks for at least a second). Not longer: it would hide
    /// the return of a server.
    static var failureTTL: UInt32 { 1 }

    // MARK: - The last known good answer

    /// Looks for an answer of earlier, and gives it to all who wait for an exchange, or asks its hosts before that.
    ///
    /// Who is led on by an answer may need room that other exchanges have: this one may be gone afterwards.
    mutating func recollect(_ serial: UInt64, now: Instant) {
        guard var exchange = exchanges[serial] else { return }
        exchange.recollection = .none
        exchanges[serial] = exchange
        guard !exchange.waiters.isEmpty, let terms = exchange.route.lastKnownGood,
            let answer = lastAnswer(to: exchange, terms, now: now)
        else { return }
        guard let port = terms.port, !answer.leaves else { return give(answer, to: exchange, now: now) }
        let way = exchange.route.ways[0]
        var proof = Proof(answer: answer, pending: [:], deadline: now + Proof.patience)
        for address in answer.addresses.prefix(Proof.hostLimit) {
            guard let id = exchange.nextAttempt() else { break }
            proof.pending[id] = address
            actions.append(.prove(id, SocketEndpoint(address: address, port: port), way?.interface))
        }
        // Where nothing can be asked, nothing is proven: a text or a service record has no host.
        guard !proof.pending.isEmpty else { return }
        let age = UInt64(clamping: (now - answer.learned).nanoseconds / 1_000_000_000)
        note(exchange, .recalled(secondsOld: age, asking: Array(answer.addresses.prefix(Proof.hostLimit))))
        exchange.recollection = .proving(proof)
        exchanges[serial] = exchange
    }

    /// Remembers what the servers of a private zone said.
    mutating func remember(_ entry: AnswerCache.Entry, _ exchange: Exchange, now: Instant) {
        guard let key = exchange.memoryKey else { return }
        let isPositive = entry.head.code == .noError && entry.head.answers > 0
        memory.learn(
            isPositive ? LastAnswer(entry, of: exchange, learned: now) : nil,
            of: key
        )
    }

    private mutating func lastAnswer(
        to exchange: Exchange,
        _ terms: LastKnownGood,
        now: Instant
    ) -> LastAnswer? {
        let question = exchange.key.question
        if let key = exchange.memoryKey { return memory.recall(key, now: now, atMost: terms.age) }
        wanted.take(question.name.span, at: 0, count: question.name.count)
        let key = AnswerCache.Key(type: question.type, variant: question.variant, of: exchange.route)
        guard let number = cache.recall(wanted, key, now: now, atMost: terms.age) else { return nil }
        let (head, _, leaves) = cache.head(of: number)
        let entry = AnswerCache.Entry(
            head: head,
            body: [UInt8](cache.body(of: number)),
            ttlOffsets: [],
            leaves: leaves,
            lifetime: 0
        )
        return LastAnswer(entry, of: exchange, learned: cache.learned(number))
    }

    /// Takes that a host has taken a connection.
    mutating func proved(_ id: AttemptID, now: Instant) { conclude(id, isProven: true, now: now) }

    /// - Returns: whether the attempt was one of a proof.
    @discardableResult
    mutating func conclude(_ id: AttemptID, isProven: Bool, now: Instant) -> Bool {
        guard var exchange = exchanges[id.exchange], case .proving(var proof) = exchange.recollection,
            let host = proof.pending.removeValue(forKey: id)
        else { return false }
        actions.append(.close(id))
        note(exchange, .proven(host, isProven))
        if isProven { proof.proven.append(host) }
        exchange.recollection = .proving(proof)
        exchanges[exchange.serial] = exchange
        if proof.pending.isEmpty { conclude(exchange, now: now) }
        return true
    }

    /// Gives what is proven by now; where that is nothing, the next rung is taken once no server is waited for.
    mutating func conclude(_ exchange: Exchange, now: Instant) {
        guard case .proving(let proof) = exchange.recollection else { return }
        var exchange = exchange
        for id in proof.pending.keys.sorted(by: { $0.rawValue < $1.rawValue }) { actions.append(.close(id)) }
        exchange.recollection = .none
        exchanges[exchange.serial] = exchange
        if !proof.proven.isEmpty {
            var answer = proof.answer
            if answer.keep(proof.proven) { give(answer, to: exchange, now: now) }
        }
        if exchange.isOver, let exchange = exchanges[exchange.serial] { fail(exchange, now: now) }
    }

    /// Gives an answer of earlier to all who wait. The servers are asked on, for whoever asks next.
    private mutating func give(_ answer: LastAnswer, to exchange: Exchange, now: Instant) {
        let question = exchange.key.question
        // What it was told for may have been longer than anything is now.
        let answer = answer.limited(to: exchange.route.lastKnownGoodTTL)
        var writer = RecordWriter(question: question.name, type: question.type)
        writer.append(answer.records)
        let entry = AnswerCache.Entry(
            head: ReplyHead(code: .noError, answers: answer.answers),
            body: writer.body,
            ttlOffsets: writer.ttlOffsets,
            remark: .stale,
            leaves: answer.leaves,
            lifetime: exchange.route.lastKnownGoodTTL,
            learned: answer.learned
        )
        wanted.take(question.name.span, at: 0, count: question.name.count)
        keep(entry, exchange, now: now)
        endToWait(exchange.waiters)
        exchanges[exchange.serial]?.recollection = .given
        exchanges[exchange.serial]?.waiters = []
        tally.staleAnswers[exchange.route.label] &+= UInt64(exchange.waiters.count)
        give(entry, answer.records, to: exchange.waiters, of: exchange.route, now: now)
    }

    /// Gives an entry to those who wait for it, or leads them on where it leads on.
    mutating func give(
        _ entry: AnswerCache.Entry,
        _ records: [UInt8],
        to waiters: [Waiter],
        of route: ForwardRoute,
        now: Instant
    ) {
        for waiter in waiters {
            // Whoever needs it to judge another answer wants no more than that it leads away.
            if entry.leaves, !waiter.client.isLink {
                proceed(following(records, entry.head, waiter, as: route), now: now)
            } else {
                finish(waiter, entry.head, body: entry.body, options: entry.remark?.option ?? FixedOptions.none)
            }
        }
    }

    // MARK: - The public, and nobody

    /// The waiter as one for whom the public is asked, if the file allows that for this reason.
    mutating func published(_ waiter: Waiter, _ route: ForwardRoute, _ reason: PublicReason) -> Waiter? {
        guard route.fallback(for: reason, waiter.scan.type) != nil else { return nil }
        tally.publicFallbacks[reason]?[route.label] &+= 1
        note(waiter, .published(reason))
        var waiter = waiter
        waiter.isPublished = true
        return waiter
    }

    /// No server has an answer of use: takes the next rung.
    mutating func fail(_ exchange: Exchange, now: Instant) {
        if case .untried = exchange.recollection {
            exchanges[exchange.serial] = exchange
            recollect(exchange.serial, now: now)
        }
        guard var exchange = exchanges[exchange.serial] else { return }
        if case .proving = exchange.recollection {
            noteSilence(exchange, now: now)
            for attempt in exchange.attempts { actions.append(.close(attempt.id)) }
            exchange.attempts = []
            exchange.isOver = true
            exchanges[exchange.serial] = exchange
            return
        }
        remove(exchange)
        noteSilence(exchange, now: now)
        for attempt in exchange.attempts {
            let route = exchange.route
            note(exchange, .silent(route.servers[attempt.server], path: route.path(attempt.way)))
        }
        let since = failing[exchange.route.lineage] ?? exchange.begun
        failing[exchange.route.lineage] = since
        let isSilent = exchange.route.apex != nil && exchange.refused.isEmpty
        let entry = AnswerCache.Entry(
            head: ReplyHead(code: .servFail),
            body: [],
            ttlOffsets: [],
            remark: isSilent ? .networkError : .noReachableAuthority,
            lifetime: Self.failureTTL
        )
        wanted.take(exchange.key.question.name.span, at: 0, count: exchange.key.question.name.count)
        keep(entry, exchange, now: now)
        let options = options(for: entry.remark, of: exchange.route, now: now)
        for waiter in exchange.waiters {
            if let waiter = published(waiter, exchange.route, .noAnswer) {
                proceed(waiter, now: now)
            } else {
                finish(waiter, .servFail, options: options)
            }
        }
    }

    /// What is said of an answer besides its records.
    func options(for remark: AnswerRemark?, of route: ForwardRoute, now: Instant) -> [UInt8] {
        guard let remark else { return FixedOptions.none }
        guard remark == .networkError else { return remark.option }
        let servers = route.servers.map { "\($0.address)" }.joined(separator: ", ")
        let paths = route.ways.compactMap { $0?.path }.joined(separator: ", ")
        let time = failing[route.lineage].map { (now - $0).nanoseconds / 1_000_000_000 } ?? 0
        return OPT.option(.networkError, text: "\(servers): no answer through \(paths) for \(time)s")
    }
}

extension Exchange {
    /// Nil where nothing is remembered.
    fileprivate var memoryKey: AnswerMemory.Key? {
        route.origin.map {
            AnswerMemory.Key(
                name: key.question.name,
                type: key.question.type,
                variant: key.question.variant,
                origin: $0
            )
        }
    }
}

extension LastAnswer {
    /// Takes the records that answer, with the TTL that they are given again with.
    fileprivate init(_ entry: AnswerCache.Entry, of exchange: Exchange, learned: Instant) {
        let question = exchange.key.question
        var head = entry.head
        head.authority = 0
        let ttl = exchange.route.lastKnownGoodTTL
        self.init(
            records: Answering.expand(entry.body, head, behind: question.name, question.type, ttl: ttl),
            answers: head.answers,
            learned: learned,
            leaves: entry.leaves
        )
    }
}
