// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

extension Resolution {
    /// Lets a waiter wait for an exchange, a new one if nobody asks the same already.
    mutating func join(_ waiter: Waiter, _ route: ForwardRoute, _ variant: QuestionVariant, now: Instant) {
        let question = UpstreamAnswer.Question(name: waiter.name, type: waiter.scan.type, variant: variant)
        let key = Exchange.Key(scope: route.scope, question: question)
        if let serial = inFlight[key], exchanges[serial]?.asked(waiter) == true {
            tally.loops &+= 1
            note(waiter, .looped)
            return finish(waiter, .servFail, options: FixedOptions.loop)
        }
        guard beginsToWait(waiter, isNew: inFlight[key] == nil) else {
            return finish(waiter, .servFail, options: FixedOptions.tooManyQuestions)
        }
        if let serial = inFlight[key] {
            note(waiter, .joined)
            // What is asked for before anybody waits looks for nothing that was good last.
            if exchanges[serial]?.waiters.isEmpty == true, case .none? = exchanges[serial]?.recollection {
                exchanges[serial]?.recollection = .untried
            }
            exchanges[serial]?.waiters.append(waiter)
            exchanges[serial]?.view = waiter.view
            return
        }
        begin(key, route, view: waiter.view, waiter: waiter, now: now)
    }

    /// Begins to ask.
    /// - Parameter waiter: who waits; nil for nobody yet.
    mutating func begin(_ key: Exchange.Key, _ route: ForwardRoute, view: Int, waiter: Waiter?, now: Instant) {
        lastSerial += 1
        var exchange = Exchange(
            serial: lastSerial,
            key: key,
            view: view,
            route: route,
            order: health.order(of: route.servers, through: route.ways[0]?.interface, now: now),
            begun: now,
            nextTry: now,
            giveUp: now + Exchange.budget
        )
        exchange.isValidated = isValidated(key.question, route, now: now)
        if let waiter { exchange.waiters.append(waiter) }
        inFlight[key] = lastSerial
        attempt(&exchange, now: now)
        exchanges[exchange.serial] = exchange
    }

    /// Asks the next server in turn, and settles how long it is waited for alone: until it has taken longer than it nearly
    /// ever does, if there is another one to ask the same way.
    private mutating func attempt(_ exchange: inout Exchange, now: Instant) {
        let count = exchange.route.servers.count
        // Who cannot answer is not asked a second time; that not all are such is looked at before.
        while exchange.refused.count < count, exchange.refused.contains(exchange.order[exchange.turns % count]) {
            exchange.turns += 1
        }
        let server = exchange.order[exchange.turns % count]
        let way = exchange.turns / count % exchange.route.ways.count
        exchange.turns += 1
        let hedge = health.hedge(healthKey(exchange.route, server, way))
        // Nobody is asked in the clear only because a handshake takes its time.
        let isLaidOpen =
            exchange.turns < count && exchange.route.transports[server] != .datagram
            && exchange.route.transports[exchange.order[exchange.turns]] == .datagram
        let isHedged = exchange.turns < count && !isLaidOpen
        // Two rounds of short waits would only add to the load of servers that are slow.
        let patience = exchange.turns > exchange.firstTurns ? Exchange.patience * 2 : Exchange.patience
        exchange.nextTry = now + (isHedged ? hedge : max(patience, hedge))
        ask(&exchange, server, way, exchange.route.transports[server], now: now)
    }

    func healthKey(_ route: ForwardRoute, _ server: Int, _ way: Int) -> ServerHealth.Key {
        ServerHealth.Key(server: route.servers[server], interface: route.ways[way]?.interface)
    }

    private mutating func ask(
        _ exchange: inout Exchange,
        _ server: Int,
        _ way: Int,
        _ transport: UpstreamTransport,
        now: Instant
    ) {
        guard let id = exchange.nextAttempt() else { return }
        let attempt = Exchange.Attempt(
            id: id,
            messageID: UInt16.random(in: .min ... .max),
            server: server,
            way: way,
            transport: transport,
            challenge: challenge(exchange, healthKey(exchange.route, server, way), transport, now: now),
            sent: now
        )
        exchange.attempts.append(attempt)
        tally.upstreamQueries[exchange.route.label] &+= 1
        note(
            exchange,
            .asked(exchange.route.servers[server], path: exchange.route.path(way), transport)
        )
        actions.append(
            .ask(
                Asking(
                    attempt: attempt.id,
                    server: exchange.route.servers[server],
                    interface: exchange.route.ways[way]?.interface,
                    transport: transport,
                    message: exchange.message(
                        id: attempt.messageID,
                        attempt.challenge,
                        size: ServerWay.datagramSize(
                            by: exchange.route.ways[way],
                            from: exchange.route.servers[server]
                        ),
                        over: transport
                    )
                )
            )
        )
    }

    /// Takes what came for an attempt. A datagram that is not its answer is as if it had not come.
    mutating func received(_ message: Span<UInt8>, for id: AttemptID, now: Instant) {
        take(message, for: id, now: now)
        settle(now: now)
    }

    private mutating func take(_ message: Span<UInt8>, for id: AttemptID, now: Instant) {
        guard var exchange = exchanges[id.exchange],
            let index = exchange.attempts.firstIndex(where: { $0.id == id })
        else { return }
        let attempt = exchange.attempts[index]
        var answer: UpstreamAnswer
        do {
            answer = try UpstreamAnswer(
                message,
                id: attempt.messageID,
                question: exchange.key.question,
                route: exchange.route,
                isOurs: isAnswered(byScope: exchange.key.scope, in: exchange.view)
            )
            try attempt.challenge.check(answer.cookie)
        } catch {
            if attempt.transport != .datagram { failed(id, now: now) }
            return
        }
        answer.isAuthentic = answer.isAuthentic && attempt.challenge.trustsAD
        exchange.attempts.remove(at: index)
        actions.append(.close(id))
        health.answered(healthKey(exchange.route, attempt.server, attempt.way), after: now - attempt.sent)
        note(
            exchange,
            .answered(
                exchange.route.servers[attempt.server],
                path: exchange.route.path(attempt.way),
                answer.code,
                answers: answer.answers,
                microseconds: UInt64(clamping: (now - attempt.sent).nanoseconds / 1_000)
            )
        )
        let isDoubted = isDoubted(message, answer, attempt, &exchange, now: now)
        exchanges[exchange.serial] = exchange
        if isDoubted || answer.isTruncated, attempt.transport == .datagram {
            ask(&exchange, attempt.server, attempt.way, .stream, now: now)
        } else if answer.code == .noError || answer.code == .nxDomain, !answer.isTruncated {
            guard exchange.isValidated else { return complete(exchange, answer, now: now) }
            return validate(message, answer, attempt, exchange, now: now)
        } else if answer.code == .formErr || answer.code == .notImp, !exchange.isPlain {
            exchange.isPlain = true
            ask(&exchange, attempt.server, attempt.way, attempt.transport, now: now)
        } else if answer.code == .badCookie, attempt.transport == .datagram {
            // Once more with the cookie that came with it, and then in a way that needs none (RFC 7873 section 5.3).
            ask(&exchange, attempt.server, attempt.way, exchange.hasNewCookie ? .stream : .datagram, now: now)
            exchange.hasNewCookie = true
        } else {
            exchange.refused.insert(attempt.server)
            exchanges[exchange.serial] = exchange
            guard exchange.refused.count < exchange.route.servers.count else { return fail(exchange, now: now) }
            if exchange.turns < exchange.route.servers.count { self.attempt(&exchange, now: now) }
        }
        exchanges[exchange.serial] = exchange
    }

    func isAnswered(byScope scope: UInt64, in view: Int) -> ([UInt8]) -> Bool {
        guard let policy, policy.views.indices.contains(view) else { return { _ in false } }
        let view = policy.views[view]
        return { name in
            guard let zone = view.zone(holding: LookupName(name)) else { return view.upstreams?.scope == scope }
            // What the public says of a private name leads to names that are looked at anew.
            return zone.route?.scope == scope
        }
    }

    /// Takes that an attempt cannot succeed: nobody listens there, or there is no way. Another server is asked at
    /// once; when all have failed, the clock decides, for a path may come back while the client waits.
    mutating func failed(_ id: AttemptID, now: Instant) {
        if conclude(id, isProven: false, now: now) { return }
        guard var exchange = exchanges[id.exchange],
            let index = exchange.attempts.firstIndex(where: { $0.id == id })
        else { return }
        let attempt = exchange.attempts.remove(at: index)
        actions.append(.close(id))
        health.failed(healthKey(exchange.route, attempt.server, attempt.way), now: now)
        note(
            exchange,
            .unreachable(exchange.route.servers[attempt.server], path: exchange.route.path(attempt.way))
        )
        if exchange.turns < exchange.firstTurns { self.attempt(&exchange, now: now) }
        exchanges[exchange.serial] = exchange
        // Where nobody is waited for any more, the client need not wait either.
        if exchange.attempts.isEmpty, case .untried = exchange.recollection { recollect(exchange.serial, now: now) }
        settle(now: now)
    }

    /// Keeps an answer and gives it to all who wait.
    mutating func complete(_ exchange: Exchange, _ answer: UpstreamAnswer, now: Instant) {
        remove(exchange)
        noteSilence(exchange, now: now)
        failing[exchange.route.lineage] = nil
        tally.leftOut[exchange.route.label] &+= UInt64(answer.leftOut)
        tally.unrouted[exchange.route.label] &+= UInt64(answer.unrouted)
        if answer.leftOut > 0 { note(exchange, .leftOut(answer.leftOut, why: exchange.route.filter.remark.text)) }
        if answer.unrouted > 0 { note(exchange, .leftOut(answer.unrouted, why: AnswerRemark.unrouted.text)) }
        let entry = answer.entry(for: exchange.key.question, route: exchange.route)
        wanted.take(exchange.key.question.name.span, at: 0, count: exchange.key.question.name.count)
        keep(entry, exchange, now: now)
        // Of what is left out for the routes of the moment nothing is learned.
        if answer.unrouted == 0 { remember(entry, exchange, now: now) }
        var waiters = exchange.waiters
        if entry.head.code == .nxDomain {
            for (index, waiter) in waiters.enumerated().reversed() {
                guard let waiter = published(waiter, exchange.route, .noSuchName) else { continue }
                waiters.remove(at: index)
                proceed(waiter, now: now)
            }
        }
        give(entry, answer.records, to: waiters, of: exchange.route, now: now)
    }

    /// Takes note of the servers that were waited for long enough, in vain.
    mutating func noteSilence(_ exchange: Exchange, now: Instant) {
        for attempt in exchange.attempts {
            let key = healthKey(exchange.route, attempt.server, attempt.way)
            guard now - attempt.sent >= max(health.hedge(key), Exchange.patience) else { continue }
            tally.upstreamTimeouts[exchange.route.label] &+= 1
            health.failed(key, now: now)
        }
    }

    mutating func keep(_ entry: AnswerCache.Entry, _ exchange: Exchange, now: Instant) {
        let question = exchange.key.question
        let key = AnswerCache.Key(type: question.type, variant: question.variant, of: exchange.route)
        cache.insert(wanted, key, entry, now: now)
        tally.cacheBytes = UInt64(cache.bytesInUse)
    }

    /// Ends an exchange and what it has open.
    mutating func remove(_ exchange: Exchange) {
        var exchange = exchange
        letGo(&exchange)
        endToWait(exchange.waiters)
        inFlight[exchange.key] = nil
        exchanges[exchange.serial] = nil
    }

    /// When ``expire(now:)`` has something to do next.
    var nextDeadline: Instant? {
        let exchange = exchanges.values.lazy.map(\.deadline).min()
        guard let learning = learning.nextDeadline else { return exchange }
        return min(exchange ?? learning, learning)
    }

    /// Does what is due: asks again, or gives up.
    mutating func expire(now: Instant) {
        expireLearning(now: now)
        for serial in exchanges.filter({ $0.value.deadline <= now }).keys.sorted() {
            guard let exchange = exchanges[serial] else { continue }
            if exchange.unproven != nil {
                if exchange.giveUp <= now { reject(exchange, .noKey, now: now) }
                continue
            }
            if case .proving(let proof) = exchange.recollection, proof.deadline <= now { conclude(exchange, now: now) }
            if case .untried = exchange.recollection, exchange.recollects <= now { recollect(serial, now: now) }
            guard var exchange = exchanges[serial], !exchange.isOver else { continue }
            if exchange.giveUp <= now {
                fail(exchange, now: now)
            } else if exchange.nextTry <= now {
                attempt(&exchange, now: now)
                exchanges[serial] = exchange
            }
        }
        settle(now: now)
    }

    /// Takes another policy. Every question in flight is put anew, as if it came now: what is still asked the same
    /// way goes on, what is not is dropped with whatever answer it may get.
    mutating func adopt(_ next: Policy, now: Instant) {
        let previous = policy
        policy = next
        tally.grow(for: next)
        if previous?.anchors != next.anchors { chain.forget() }
        let asked = ServerHealth.keys(next.allRoutes)
        health.keep(asked)
        habits.keep(asked)
        let lineages = Set(next.allRoutes.map(\.lineage))
        failing = failing.filter { lineages.contains($0.key) }
        for route in next.allRoutes {
            guard let before = previous?.route(ofScope: route.scope), before.interfaces != route.interfaces else {
                continue
            }
            cache.forgetFailures(inScope: route.scope)
        }
        var waiting = (leaving + learning.takeAnswers()).map(\.waiter)
        if previous?.nameSets?.sets != next.nameSets?.sets { learning.forget() }
        leaving = []
        for serial in exchanges.keys.sorted() {
            guard var exchange = exchanges[serial] else { continue }
            waiting += exchange.waiters.filter { !$0.client.isLink }
            exchange.waiters = []
            if let route = next.route(ofScope: exchange.key.scope) {
                // What an answer that is being judged needs was asked under the other policy.
                let isMoved =
                    route.interfaces.first != exchange.route.interfaces.first || exchange.unproven != nil
                exchange.unproven = nil
                if isMoved { letGo(&exchange) } else { keepAttempts(of: &exchange, by: route.interfaces) }
                exchange.route = route
                if isMoved { askAnew(&exchange, now: now) }
            }
            exchanges[serial] = exchange
        }
        nobodyWaits()
        for var waiter in waiting {
            waiter.forgetChain()
            if let address = waiter.client.address, waiter.client.isOther, !next.allow.contains(address) {
                finish(waiter, .refused, options: FixedOptions.prohibited)
                continue
            }
            waiter.view = next.view(of: waiter.client)
            proceed(waiter, now: now)
        }
        for exchange in exchanges.values where exchange.waiters.isEmpty {
            tally.staleGenerationDrops &+= 1
            remove(exchange)
        }
        settle(now: now)
    }

    /// Closes all that an exchange has open.
    mutating func letGo(_ exchange: inout Exchange) {
        for attempt in exchange.attempts { actions.append(.close(attempt.id)) }
        exchange.attempts = []
        guard case .proving(let proof) = exchange.recollection else { return }
        for id in proof.pending.keys.sorted(by: { $0.rawValue < $1.rawValue }) { actions.append(.close(id)) }
        exchange.recollection = .untried
    }

    /// Ends the attempts by ways that are no more.
    private mutating func keepAttempts(of exchange: inout Exchange, by ways: [InterfaceName?]) {
        let before = exchange.route.interfaces
        var kept: [Exchange.Attempt] = []
        for var attempt in exchange.attempts {
            guard let way = ways.firstIndex(of: before[attempt.way]) else {
                actions.append(.close(attempt.id))
                continue
            }
            attempt.way = way
            kept.append(attempt)
        }
        exchange.attempts = kept
    }

    /// The path changed under an exchange: what was sent into the dead one is sent into the living one, at once.
    private mutating func askAnew(_ exchange: inout Exchange, now: Instant) {
        exchange.order = health.order(of: exchange.route.servers, through: exchange.route.ways[0]?.interface, now: now)
        exchange.turns = 0
        exchange.refused = []
        exchange.isOver = false
        exchange.giveUp = max(
            exchange.giveUp,
            min(now + Exchange.budgetAfterSwitch, exchange.begun + Exchange.longestBudget)
        )
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
        var head = ReplyHead(code: leaves ? .noError : code, answers: answers, authority: authority)
        // What is left of an answer is not what was found authentic.
        head.isAuthentic = isAuthentic && leftOut + unrouted == 0
        return AnswerCache.Entry(
            head: head,
            body: writer.body,
            ttlOffsets: writer.ttlOffsets,
            remark: leftOut > 0 ? route.filter.remark : unrouted > 0 ? .unrouted : nil,
            leaves: leaves,
            lifetime: lifetime
        )
    }
}
