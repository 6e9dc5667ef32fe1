// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

extension Resolution {
    /// How long a failure is remembered (RFC 9520 section 3.2 asks for at least a second). Not longer: it would hide
    /// the return of a path.
    static var failureTTL: UInt32 { 1 }

    /// Lets a waiter wait for an exchange, a new one if nobody asks the same already.
    mutating func join(_ waiter: Waiter, _ route: ForwardRoute, _ variant: QuestionVariant, now: Instant) {
        let question = UpstreamAnswer.Question(name: waiter.name, type: waiter.scan.type, variant: variant)
        let key = Exchange.Key(scope: route.scope, question: question)
        guard beginsToWait(waiter, isNew: inFlight[key] == nil) else {
            return finish(waiter, .servFail, options: FixedOptions.tooManyQuestions)
        }
        if let serial = inFlight[key] {
            exchanges[serial]?.waiters.append(waiter)
            return
        }
        lastSerial += 1
        var exchange = Exchange(
            serial: lastSerial,
            key: key,
            route: route,
            nextTry: now + Exchange.patience,
            giveUp: now + Exchange.budget
        )
        exchange.waiters.append(waiter)
        inFlight[key] = lastSerial
        attempt(&exchange, now: now)
        exchanges[exchange.serial] = exchange
    }

    /// Asks the next server.
    func server(of exchange: Exchange) -> Int { exchange.nextServer % exchange.route.servers.count }

    private mutating func attempt(_ exchange: inout Exchange, now: Instant) {
        let server = server(of: exchange)
        exchange.nextServer += 1
        // Two rounds of short waits would only add to the load of servers that are slow.
        let patience = exchange.nextServer > exchange.route.servers.count ? Exchange.patience * 2 : Exchange.patience
        exchange.nextTry = now + patience
        ask(&exchange, server, .datagram)
    }

    private mutating func ask(_ exchange: inout Exchange, _ server: Int, _ transport: UpstreamTransport) {
        guard exchange.attemptsMade < .max else { return }
        exchange.attemptsMade += 1
        let attempt = Exchange.Attempt(
            id: AttemptID(exchange: exchange.serial, number: exchange.attemptsMade),
            messageID: UInt16.random(in: .min ... .max),
            server: server,
            transport: transport
        )
        exchange.attempts.append(attempt)
        tally.upstreamQueries[exchange.route.label] &+= 1
        actions.append(
            .ask(
                Asking(
                    attempt: attempt.id,
                    server: exchange.route.servers[server],
                    interface: exchange.route.interface,
                    transport: transport,
                    message: exchange.message(id: attempt.messageID)
                )
            )
        )
    }

    /// Takes what came for an attempt. A datagram that is not its answer is as if it had not come.
    mutating func received(_ message: Span<UInt8>, for id: AttemptID, now: Instant) {
        guard var exchange = exchanges[id.exchange],
            let index = exchange.attempts.firstIndex(where: { $0.id == id })
        else { return }
        let attempt = exchange.attempts[index]
        let answer: UpstreamAnswer
        do {
            answer = try UpstreamAnswer(
                message,
                id: attempt.messageID,
                question: exchange.key.question,
                route: exchange.route,
                isOurs: isAnswered(byScope: exchange.key.scope)
            )
        } catch {
            if attempt.transport == .stream { failed(id, now: now) }
            return
        }
        exchange.attempts.remove(at: index)
        actions.append(.close(id))
        if answer.isTruncated, attempt.transport == .datagram {
            ask(&exchange, attempt.server, .stream)
        } else if answer.code == .noError || answer.code == .nxDomain {
            exchanges[exchange.serial] = exchange
            return complete(exchange, answer, now: now)
        } else if answer.code == .formErr || answer.code == .notImp, !exchange.isPlain {
            exchange.isPlain = true
            ask(&exchange, attempt.server, attempt.transport)
        } else {
            exchange.refusals += 1
            guard exchange.refusals < exchange.route.servers.count else {
                exchanges[exchange.serial] = exchange
                return fail(exchange, now: now)
            }
            self.attempt(&exchange, now: now)
        }
        exchanges[exchange.serial] = exchange
    }

    private func isAnswered(byScope scope: UInt64) -> ([UInt8]) -> Bool {
        guard let policy else { return { _ in false } }
        return { name in
            guard let zone = policy.zone(holding: LookupName(name)) else { return policy.upstreams?.scope == scope }
            guard case .forward(let route) = zone.treatment else { return false }
            return route.scope == scope
        }
    }

    /// Takes that an attempt cannot succeed: nobody listens there, or there is no way. Another server is asked at
    /// once; when all have failed, the clock decides, for a path may come back while the client waits.
    mutating func failed(_ id: AttemptID, now: Instant) {
        guard var exchange = exchanges[id.exchange],
            let index = exchange.attempts.firstIndex(where: { $0.id == id })
        else { return }
        exchange.attempts.remove(at: index)
        actions.append(.close(id))
        if exchange.nextServer < exchange.route.servers.count { attempt(&exchange, now: now) }
        exchanges[exchange.serial] = exchange
    }

    /// Keeps an answer and gives it to all who wait.
    private mutating func complete(_ exchange: Exchange, _ answer: UpstreamAnswer, now: Instant) {
        remove(exchange)
        tally.leftOut[exchange.route.label] &+= UInt64(answer.leftOut)
        let entry = answer.entry(for: exchange.key.question, route: exchange.route)
        wanted.take(exchange.key.question.name.span, at: 0, count: exchange.key.question.name.count)
        keep(entry, exchange, now: now)
        for waiter in exchange.waiters {
            if entry.leaves {
                var waiter = waiter
                waiter.follow(answer.records, entry.head.answers, as: exchange.route)
                proceed(waiter, now: now)
            } else {
                finish(waiter, entry.head, body: entry.body, options: entry.remark?.option ?? FixedOptions.none)
            }
        }
    }

    private mutating func fail(_ exchange: Exchange, now: Instant) {
        remove(exchange)
        wanted.take(exchange.key.question.name.span, at: 0, count: exchange.key.question.name.count)
        let head = ReplyHead(code: .servFail)
        let remark = AnswerRemark.noReachableAuthority
        keep(
            AnswerCache.Entry(head: head, body: [], ttlOffsets: [], remark: remark, lifetime: Self.failureTTL),
            exchange,
            now: now
        )
        for waiter in exchange.waiters { finish(waiter, .servFail, options: remark.option) }
    }

    private mutating func keep(_ entry: AnswerCache.Entry, _ exchange: Exchange, now: Instant) {
        let question = exchange.key.question
        let key = AnswerCache.Key(type: question.type, variant: question.variant, scope: exchange.key.scope)
        cache.insert(wanted, key, entry, now: now)
        tally.cacheBytes = UInt64(cache.bytesInUse)
    }

    /// Ends an exchange and what it has open.
    mutating func remove(_ exchange: Exchange) {
        for attempt in exchange.attempts { actions.append(.close(attempt.id)) }
        endToWait(exchange.waiters)
        inFlight[exchange.key] = nil
        exchanges[exchange.serial] = nil
    }

    /// When ``expire(now:)`` has something to do next.
    var nextDeadline: Instant? { exchanges.values.lazy.map(\.deadline).min() }

    /// Does what is due: asks again, or gives up.
    mutating func expire(now: Instant) {
        for serial in exchanges.filter({ $0.value.deadline <= now }).keys.sorted() {
            guard var exchange = exchanges[serial] else { continue }
            tally.upstreamTimeouts[exchange.route.label] &+= 1
            if exchange.giveUp <= now {
                fail(exchange, now: now)
            } else {
                attempt(&exchange, now: now)
                exchanges[serial] = exchange
            }
        }
    }

    /// Takes another policy. Every question in flight is put anew, as if it came now: what is still asked the same
    /// way goes on, what is not is dropped with whatever answer it may get.
    mutating func adopt(_ next: Policy, now: Instant) {
        let previous = policy
        policy = next
        tally.grow(for: next)
        for zone in next.zones {
            guard case .forward(let route) = zone.treatment, let before = previous?.route(ofScope: route.scope),
                before.interface != route.interface
            else { continue }
            cache.forgetFailures(inScope: route.scope)
        }
        var waiting: [Waiter] = []
        for serial in exchanges.keys.sorted() {
            guard var exchange = exchanges[serial] else { continue }
            waiting += exchange.waiters
            exchange.waiters = []
            if let route = next.route(ofScope: exchange.key.scope) {
                let moved = route.interface != exchange.route.interface
                exchange.route = route
                if moved { askAnew(&exchange, now: now) }
            }
            exchanges[serial] = exchange
        }
        nobodyWaits()
        for var waiter in waiting {
            waiter.forgetChain()
            proceed(waiter, now: now)
        }
        for exchange in exchanges.values where exchange.waiters.isEmpty {
            tally.staleGenerationDrops &+= 1
            remove(exchange)
        }
    }

    /// The path changed under an exchange: what was sent into the dead one is sent into the living one, at once.
    private mutating func askAnew(_ exchange: inout Exchange, now: Instant) {
        for attempt in exchange.attempts { actions.append(.close(attempt.id)) }
        exchange.attempts = []
        exchange.nextServer = 0
        exchange.refusals = 0
        exchange.giveUp = max(exchange.giveUp, now + Exchange.budgetAfterSwitch)
        attempt(&exchange, now: now)
    }
}

extension UpstreamAnswer {
    /// The answer as it is kept and given.
    func entry(for question: Question, route: ForwardRoute) -> AnswerCache.Entry {
        var writer = RecordWriter(question: question.name, type: question.type)
        writer.append(records)
        let isNegative = code == .nxDomain || answers == 0 || lastAlias != nil || isEmptied
        var lifetime = min(answerTTL, route.longestTTL)
        // Without an SOA nobody said how long: it is not kept (RFC 2308 section 5).
        if isNegative, !leaves { lifetime = min(lifetime, negativeTTL ?? 0, route.longestNegativeTTL) }
        let head = ReplyHead(code: leaves ? .noError : code, answers: answers, authority: authority)
        return AnswerCache.Entry(
            head: head,
            body: writer.body,
            ttlOffsets: writer.ttlOffsets,
            remark: leftOut > 0 ? route.filter.remark : nil,
            leaves: leaves,
            lifetime: lifetime
        )
    }
}
