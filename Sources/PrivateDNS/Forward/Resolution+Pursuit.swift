// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO

extension Resolution {
    /// Takes a query on that ``query(_:from:isStream:now:into:)`` could not answer at once. The answer comes as an
    /// action, perhaps at once.
    mutating func pursue(_ message: Span<UInt8>, _ scan: QueryHead, from client: Client, now: Instant) {
        let query = [UInt8](message.extracting(first: scan.questionEnd))
        let view = policy?.view(of: client) ?? 0
        proceed(Waiter(client: client, query: query, scan: scan, view: view), now: now)
        settle(now: now)
    }

    /// Leads a question one hop after another to its answer, or to the exchange that it waits for. Policy is looked
    /// at anew at each hop: an alias may lead into another zone.
    mutating func proceed(_ waiter: Waiter, now: Instant) {
        guard let policy else { return }
        var waiter = waiter
        while true {
            guard waiter.hops <= UpstreamAnswer.aliasLimit, waiter.chain.count <= Waiter.chainLimit else {
                return finish(waiter, .servFail, options: FixedOptions.aliasChain)
            }
            wanted.take(waiter.name.span, at: 0, count: waiter.name.count)
            let route: ForwardRoute
            let view = policy.views[waiter.view]
            if !waiter.ignoresZones, let zone = view.zone(holding: wanted) {
                note(waiter, zone.step)
                // Into a network's zones any alias may lead: the clouds' public names do.
                if zone.isLocal, let bound = waiter.bound, bound.remark == .rebinding {
                    return bar(waiter, bound, zone.negative)
                }
                switch zone.treatment {
                case .blocked:
                    return finishBlocked(waiter, zone, policy)
                case .unready:
                    return finish(waiter, .servFail, options: zone.blockedOption)
                case .nobodyToAsk:
                    return finish(waiter, .refused, options: FixedOptions.notAuthoritative)
                case .forward(let zoneRoute):
                    guard zoneRoute.filter.asks(for: waiter.scan.type) else {
                        note(waiter, .typeLeftOut)
                        return deny(waiter, zone.negative, .noError, isAuthoritative: false, options: FixedOptions.none)
                    }
                    route = waiter.isPublished ? zoneRoute.fallback?.route ?? zoneRoute : zoneRoute
                case .records(let records):
                    switch records.find(wanted, waiter.scan.type) {
                    case .answer(let answer):
                        return finish(waiter, answer.head, body: answer.body)
                    case .noSuchName:
                        return deny(waiter, zone.negative, .nxDomain, isAuthoritative: true, options: FixedOptions.none)
                    case .leaves(let records, let count, let target):
                        note(waiter, .alias(DomainName(wire: target) ?? .root))
                        waiter.follow(records, count, to: target)
                        continue
                    }
                }
            } else if let upstreams = view.upstreams {
                note(waiter, .noZone(hasUpstreams: true))
                route = upstreams
            } else {
                note(waiter, .noZone(hasUpstreams: false))
                return finish(waiter, .refused, options: FixedOptions.notAuthoritative)
            }
            if let bound = waiter.bound, bound.remark == .outsideOfNetwork, route === view.upstreams,
                let name = DomainName(wire: waiter.name)
            {
                return bar(waiter, bound, NegativeAnswer(zone: name))
            }
            if waiter.scan.type == .any { return finish(waiter, AnyAnswer.head, body: AnyAnswer.body) }
            guard let next = takeFromCache(waiter, route, now: now) else { return }
            waiter = next
        }
    }

    /// Answers from the cache, or joins the exchange that will.
    /// - Returns: the waiter, where the cache knows only the way to another zone, or that the public is to be asked.
    mutating func takeFromCache(_ waiter: Waiter, _ route: ForwardRoute, now: Instant) -> Waiter? {
        let variant = QuestionVariant(waiter.scan)
        let key = AnswerCache.Key(type: waiter.scan.type, variant: variant, of: route)
        guard let number = cache.find(wanted, key, now: now) else {
            tally.cacheMisses &+= 1
            join(waiter, route, variant, now: now)
            return nil
        }
        tally.cacheHits &+= 1
        let entry = cache.head(of: number)
        use(number, view: waiter.view, now: now)
        let secondsLeft = cache.secondsLeft(number, now: now)
        note(waiter, .cached(entry.head.code, secondsLeft: secondsLeft, isStale: entry.remark == .stale))
        if let reason = PublicReason(entry.head.code), let published = published(waiter, route, reason) {
            return published
        }
        var body = [UInt8](cache.body(of: number))
        let count = body.count
        var room = body.mutableSpan
        cache.age(number, now: now, answer: &room, body: 0..<count)
        guard entry.leaves else {
            finish(waiter, entry.head, body: body, options: options(for: entry.remark, of: route, now: now))
            return nil
        }
        let records = Answering.expand(body, entry.head, behind: waiter.name, waiter.scan.type)
        return following(records, entry.head, waiter, as: route)
    }

    /// A waiter as it goes where the last of some aliases leads that a route's servers gave.
    mutating func following(_ records: [UInt8], _ head: ReplyHead, _ waiter: Waiter, as route: ForwardRoute) -> Waiter {
        var waiter = waiter
        note(waiter, .alias(Answering.lastTarget(records).flatMap { DomainName(wire: $0) } ?? .root))
        waiter.follow(records, head, as: route)
        return waiter
    }

    /// Gives a waiter its answer.
    /// - Parameter body: what stands behind a question for the name that is looked for now.
    mutating func finish(_ waiter: Waiter, _ head: ReplyHead, body: [UInt8], options: [UInt8] = FixedOptions.none) {
        if case .link(let serial) = waiter.client { return linked(waiter, serial, head, body) }
        note(waiter, .answer(head.code))
        var head = head
        var body = body
        if waiter.chainCount > 0 {
            let records = Answering.expand(body, head, behind: waiter.name, waiter.scan.type)
            let name = Array(waiter.query[MessageSize.header..<waiter.scan.questionEnd - 4])
            var writer = RecordWriter(question: name, type: waiter.scan.type)
            writer.append(waiter.chain)
            writer.append(records)
            head.answers += waiter.chainCount
            head.isAuthoritative = waiter.isAuthoritative
            head.isAuthentic = head.isAuthentic && waiter.isChainAuthentic
            body = writer.body
        }
        let limit = waiter.client.limit(waiter.scan)
        let padding = waiter.scan.hop.isPadded ? OPT.longestPadding : 0
        let room = min(limit, waiter.scan.questionEnd + body.count + waiter.scan.optSize + options.count + padding)
        var answer = [UInt8](repeating: 0, count: max(room, waiter.scan.questionEnd + waiter.scan.optSize))
        var span = answer.mutableSpan
        let count = ReplyWriter.write(
            head,
            body: body.span,
            options: options.span,
            to: waiter.query.span,
            waiter.scan,
            limit: limit,
            into: &span
        )
        answer.removeLast(answer.count - count)
        if waiter.client.isOther, policy?.nameSets != nil {
            leaving.append(Learning.Leaving(waiter: waiter, code: head.code, message: answer))
            return
        }
        noteSets(waiter, answer)
        tally.count(head.code)
        actions.append(.answer(waiter.client, answer))
    }

    /// Gives a waiter an answer without records; of a chain that leads nowhere nothing is told.
    mutating func finish(_ waiter: Waiter, _ code: ResponseCode, options: [UInt8]) {
        var waiter = waiter
        waiter.forgetChain()
        if code == .refused { tally.refused &+= 1 }
        finish(waiter, ReplyHead(code: code), body: [], options: options)
    }

    private mutating func finishBlocked(_ waiter: Waiter, _ zone: CompiledZone, _ policy: Policy) {
        tally.blockedAnswers[zone.networkLabel] &+= 1
        let options = zone.blockedOption
        switch policy.whenBlocked {
        case .servfail: finish(waiter, .servFail, options: options)
        case .nxdomain: deny(waiter, zone.negative, .nxDomain, isAuthoritative: false, options: options)
        case .nodata: deny(waiter, zone.negative, .noError, isAuthoritative: false, options: options)
        }
    }

    /// An alias leads where it must not.
    private mutating func bar(_ waiter: Waiter, _ bound: AliasBound, _ negative: NegativeAnswer) {
        tally.leftOut[bound.label] &+= 1
        note(waiter, .barred(why: bound.remark.text))
        deny(waiter, negative, .noError, isAuthoritative: false, options: bound.remark.option)
    }

    private mutating func deny(
        _ waiter: Waiter,
        _ denial: NegativeAnswer,
        _ code: ResponseCode,
        isAuthoritative: Bool,
        options: [UInt8]
    ) {
        var body = [UInt8](repeating: 0, count: NegativeAnswer.bodySize)
        denial.write(behind: wanted, into: &body)
        let head = ReplyHead(code: code, isAuthoritative: isAuthoritative, authority: 1)
        finish(waiter, head, body: body, options: options)
    }
}

/// Answers taken apart again.
enum Answering {
    /// The records of a body, uncompressed.
    /// - Parameter ttl: for all of them; nil for each its own.
    static func expand(
        _ body: [UInt8],
        _ head: ReplyHead,
        behind name: [UInt8],
        _ type: RecordType,
        ttl: UInt32? = nil
    ) -> [UInt8] {
        let message = RecordWriter(question: name, type: type).message + body
        let span = message.span
        var records: [UInt8] = []
        var offset = message.count - body.count
        for _ in 0..<Int(head.answers) + Int(head.authority) {
            guard let record = try? RecordView(span, at: offset) else { break }
            record.appendExpanded(span, ttl: ttl ?? record.ttl, to: &records)
            offset = record.end
        }
        return records
    }

    /// The target of the last record of a list, which is an alias.
    static func lastTarget(_ records: [UInt8]) -> [UInt8]? {
        let span = records.span
        var offset = 0
        var target: [UInt8]?
        while offset < records.count, let record = try? RecordView(span, at: offset) {
            target = record.type == .cname ? WireName.lowered(span, at: record.data.lowerBound) : target
            offset = record.end
        }
        return target
    }
}

extension Waiter {
    init(client: Client, query: [UInt8], scan: QueryHead, view: Int) {
        self.view = view
        self.client = client
        self.query = query
        self.scan = scan
        name = WireName.lowered(query.span, at: MessageSize.header)
    }

    /// Goes where an alias of the file's leads.
    mutating func follow(_ records: [UInt8], _ count: UInt16, to target: [UInt8]) {
        if chainCount == 0 { isAuthoritative = true }
        isChainAuthentic = false
        chain += records
        chainCount += count
        hops += 1
        name = target
        bound = nil
        isPublished = false
    }

    /// Goes where the last of some aliases leads that a route's servers gave.
    mutating func follow(_ records: [UInt8], _ head: ReplyHead, as route: ForwardRoute) {
        let bound = AliasBound(of: route, asked: name)
        let isAuthoritative = chainCount > 0 && isAuthoritative
        let isChainAuthentic = isChainAuthentic && head.isAuthentic
        follow(records, head.answers, to: Answering.lastTarget(records) ?? [0])
        self.bound = bound
        self.isAuthoritative = isAuthoritative
        self.isChainAuthentic = isChainAuthentic
    }

    /// Begins anew, at the name that the client asked for.
    mutating func forgetChain() {
        chain = []
        chainCount = 0
        isChainAuthentic = true
        hops = 0
        bound = nil
        isPublished = false
        name = WireName.lowered(query.span, at: MessageSize.header)
    }
}
