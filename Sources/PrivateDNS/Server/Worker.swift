// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO

/// One thread of the resolver: its sockets, its poll, its cache. It shares nothing but its mailbox.
struct Worker: ~Copyable {
    /// What is watched, in the upper octet of a poll's tag.
    enum Watched: UInt64 {
        case mailbox
        case datagrams
        case connections
        case upstream
        case stream
        case frontend

        func tag(_ value: UInt64) -> UInt64 { rawValue << 56 | value & Self.valueMask }

        static let valueMask: UInt64 = (1 << 56) - 1
    }

    /// How many datagrams one system call may take, and how many calls one socket has before others get a turn.
    private static let batch = 64
    private static let turns = 4
    /// For how long there may be more than can be answered, and how many batches are let go then.
    private static let backlogPatience = Duration.milliseconds(500)
    private static let shedCalls = 512

    private let mailbox: WorkerMailbox
    private let clock: any TimeSource
    private var poll: ReadinessPoll
    private var inbox = DatagramInbox(capacity: batch, datagramSize: 2048)
    private var outbox = DatagramOutbox(capacity: batch, datagramSize: MessageSize.datagram)
    private var resolution: Resolution
    private var listeners: [WorkerMailbox.Listener] = []
    /// Those that came before there was a policy, and the socket to the frontend: what is asked meanwhile waits in them.
    private var unserved: [WorkerMailbox.Listener]?
    private var unheard: SharedDescriptor?
    /// Since when each listener has had more than could be answered at once.
    private var backlogSince: [Instant?] = []
    private var upstream = UpstreamSockets()
    private var streams = StreamConnections()
    private var frontend = FrontendLink()
    private var nextShow = Instant(nanoseconds: 0)
    private var isShown = true

    private init(
        mailbox: WorkerMailbox,
        cacheBudget: Int,
        commons: WorkerCommons,
        clock: any TimeSource,
        poll: consuming ReadinessPoll
    ) {
        self.mailbox = mailbox
        self.clock = clock
        self.poll = poll
        resolution = Resolution(cacheBudget: cacheBudget, commons: commons)
    }

    /// Makes a worker that obeys the mailbox. Throws where the kernel gives no epoll descriptor.
    static func make(
        mailbox: WorkerMailbox,
        cacheBudget: Int,
        commons: WorkerCommons,
        clock: any TimeSource
    ) throws(SystemError) -> Worker {
        let poll = try ReadinessPoll()
        try poll.add(mailbox.wakeUp.raw, tag: Watched.mailbox.tag(0), for: .readable)
        return Worker(mailbox: mailbox, cacheBudget: cacheBudget, commons: commons, clock: clock, poll: poll)
    }

    /// Serves until the mailbox says stop.
    mutating func run() {
        while true {
            let count = poll.wait(atMost: timeout(clock.now))
            let now = clock.now
            resolution.epoch = (clock.wallNanoseconds - now.nanoseconds) / 1_000_000_000
            for index in 0..<count {
                let (tag, readiness) = poll.event(index)
                guard let watched = Watched(rawValue: tag >> 56) else { continue }
                let value = tag & Watched.valueMask
                switch watched {
                case .mailbox:
                    guard obey(now) else { return }
                case .datagrams:
                    serveDatagrams(Int(value), now)
                case .connections:
                    guard Int(value) < listeners.count else { continue }
                    let limits = resolution.policy?.clientLimits ?? .standard
                    streams.accept(from: listeners[Int(value)].socket.raw, limits, poll: &poll, now: now)
                case .upstream:
                    upstream.ready(AttemptID(rawValue: value), readiness, &resolution, poll: &poll, now: now)
                case .stream:
                    streams.ready(value, readiness, &resolution, poll: &poll, now: now)
                case .frontend:
                    isShown = false
                    frontend.ready(value, readiness, &resolution, poll: &poll, now: now)
                }
                resolution.refresh(now: now)
            }
            if let deadline = resolution.nextDeadline, deadline <= now { resolution.expire(now: now) }
            act(now)
            resolution.refresh(now: now)
            act(now)
            streams.closeIdle(now: now)
            show(now)
        }
    }

    private func timeout(_ now: Instant) -> Duration? {
        var deadline = resolution.nextDeadline
        if !isShown { deadline = min(deadline ?? nextShow, nextShow) }
        if let idle = streams.nextDeadline { deadline = min(deadline ?? idle, idle) }
        return deadline.map { $0 - now }
    }

    /// - Returns: whether to go on.
    private mutating func obey(_ now: Instant) -> Bool {
        let orders = mailbox.takeOrders()
        guard !orders.isStopped else { return false }
        if let listeners = orders.listeners { unserved = listeners }
        if let (policy, order) = orders.policy {
            resolution.adopt(policy, now: now)
            tellInterfaces()
            act(now)
            mailbox.acknowledge(order)
        }
        if let socket = orders.frontend { unheard = socket }
        if let unheard, resolution.policy != nil {
            frontend.attach(unheard, &resolution, poll: &poll, now: now)
            self.unheard = nil
        }
        for word in orders.words { resolution.heard(word.serial, except: word.refused, now: now) }
        // After the words: they may be an earlier agent's.
        if orders.forgetsHeld { resolution.learning.forgetHeld() }
        for task in orders.tasks { perform(task, now) }
        if let unserved, resolution.policy != nil {
            listen(unserved)
            self.unserved = nil
        }
        return true
    }

    private mutating func perform(_ task: WorkerTask, _ now: Instant) {
        switch task {
        case .explain(let id, let query, let asker, let ignoringZones):
            resolution.explain(query, id, for: asker, ignoringZones: ignoringZones, now: now)
        case .flush(let id, let name):
            mailbox.give(NameFinding(task: id, content: .flushed(resolution.cache.flush(below: name))))
        case .dump(let id, let name):
            let policy = resolution.policy
            let limit = WorkerTask.dumpLimit
            let entries = resolution.cache.entries(below: name, limit: limit + 1, now: now) { scope in
                policy?.route(ofScope: scope).map { policy?.zoneLabels[$0.label] ?? "." }
            }
            let content = NameFinding.Content.dumped(Array(entries.prefix(limit)), isCut: entries.count > limit)
            mailbox.give(NameFinding(task: id, content: content))
        }
    }

    private mutating func listen(_ next: [WorkerMailbox.Listener]) {
        for listener in listeners { poll.remove(listener.socket.raw) }
        listeners = next
        backlogSince = Array(repeating: nil, count: next.count)
        for (number, listener) in listeners.enumerated() {
            let watched: Watched = listener.isStream ? .connections : .datagrams
            if !listener.isStream { try? NetworkSocket.tellLocalAddress(listener.socket.raw) }
            // A descriptor that cannot be polled is no socket: the agent sent nonsense, and the rest still serves.
            try? poll.add(listener.socket.raw, tag: watched.tag(UInt64(number)), for: .readable)
        }
        tellInterfaces()
    }

    /// Where it matters on which interface somebody asks, the kernel is asked to tell.
    private func tellInterfaces() {
        guard resolution.policy?.looksAtInterfaces == true else { return }
        for listener in listeners { try? NetworkSocket.tellInterface(listener.socket.raw) }
    }

    private mutating func serveDatagrams(_ number: Int, _ now: Instant) {
        guard number < listeners.count else { return }
        isShown = false
        let socket = listeners[number].socket.raw
        for _ in 0..<Self.turns {
            guard Self.serve(socket, number, &inbox, &outbox, &resolution, now) == Self.batch else {
                backlogSince[number] = nil
                return
            }
        }
        let since = backlogSince[number] ?? now
        backlogSince[number] = since
        if now - since > Self.backlogPatience { shed(socket, number, now) }
    }

    /// More comes than can be answered, and what waits in the socket has waited for long: clients ask anew before their turn
    /// comes, and would never get an answer in time. All but one in eight, which are drawn, are let go, so that those who
    /// ask next are answered at once.
    private mutating func shed(_ socket: Int32, _ number: Int, _ now: Instant) {
        backlogSince[number] = nil
        for _ in 0..<Self.shedCalls {
            let kept = Int.random(in: 0..<8)
            let (count, dropped) = Self.serve(socket, number, &inbox, &outbox, &resolution, now, keeping: kept)
            resolution.tally.count(.overload, UInt64(dropped))
            guard count == Self.batch else { return }
        }
    }

    /// Answers one batch. This is the path that most queries take: no allocation, two system calls.
    private static func serve(
        _ socket: Int32,
        _ number: Int,
        _ inbox: inout DatagramInbox,
        _ outbox: inout DatagramOutbox,
        _ resolution: inout Resolution,
        _ now: Instant
    ) -> Int { serve(socket, number, &inbox, &outbox, &resolution, now, keeping: nil).count }

    /// - Parameter kept: which one of each eight is answered; nil for all.
    private static func serve(
        _ socket: Int32,
        _ number: Int,
        _ inbox: inout DatagramInbox,
        _ outbox: inout DatagramOutbox,
        _ resolution: inout Resolution,
        _ now: Instant,
        keeping kept: Int?
    ) -> (count: Int, dropped: Int) {
        // An error here is one that the kernel keeps for the socket, from an earlier answer; it is read with this.
        guard let count = try? inbox.receive(from: socket) else { return (0, 0) }
        var dropped = 0
        for index in 0..<count {
            guard kept == nil || index % 8 == kept else {
                dropped += 1
                continue
            }
            let peer = inbox.peer(of: index)
            let message = inbox.octets(of: index)
            var room = outbox.nextRoom()
            let verdict = resolution.query(
                message,
                from: peer.address,
                on: peer.interface,
                by: .datagram,
                now: now,
                into: &room
            )
            switch verdict {
            case .answer(let octets): outbox.commit(octets, to: peer)
            case .drop: break
            case .later(let scan):
                resolution.pursue(message, scan, from: .datagram(socket: number, peer: peer), now: now)
            }
        }
        _ = outbox.send(to: socket)
        return (count, dropped)
    }

    /// Does what the resolution wants done; doing may make it want more.
    private mutating func act(_ now: Instant) {
        while true {
            let actions = resolution.takeActions(now: now)
            guard !actions.isEmpty else { break }
            isShown = false
            for action in actions {
                switch action {
                case .ask(let asking):
                    if case .encrypted(let encryption) = asking.transport {
                        frontend.ask(asking, encryption, &resolution, poll: &poll, now: now)
                    } else {
                        upstream.ask(asking, &resolution, poll: &poll, now: now)
                    }
                case .close(let attempt):
                    upstream.close(attempt)
                    frontend.close(attempt)
                case .prove(let attempt, let host, let interface):
                    upstream.prove(attempt, host, interface, &resolution, poll: &poll, now: now)
                case .answer(.datagram(let socket, let peer), let message): send(message, socket, peer)
                case .answer(.stream(let slot, let serial, _, _), let message):
                    streams.answer(message, slot, serial, &resolution, poll: &poll, now: now)
                case .answer(.relayed(let query, let link, _, _), let message):
                    frontend.reply(message, to: query, of: link, &resolution, poll: &poll, now: now)
                case .answer(.explanation(let task, _), let message):
                    let steps = resolution.takeSteps(of: task)
                    mailbox.give(NameFinding(task: task, content: .explained(message, steps)))
                case .tell(let serial, let addresses): mailbox.tell(addresses, serial)
                case .answer(.lookup, _), .answer(.link, _): preconditionFailure("a worker asks nothing of its own")
                }
            }
        }
    }

    private mutating func send(_ message: [UInt8], _ number: Int, _ peer: DatagramPeer) {
        guard number < listeners.count, !listeners[number].isStream else { return }
        Self.put(message, peer, &outbox)
        _ = outbox.send(to: listeners[number].socket.raw)
    }

    private static func put(_ message: [UInt8], _ peer: DatagramPeer, _ outbox: inout DatagramOutbox) {
        var room = outbox.nextRoom()
        room.copy(message.span, at: 0)
        outbox.commit(message.count, to: peer)
    }

    private mutating func show(_ now: Instant) {
        guard !isShown, now >= nextShow else { return }
        mailbox.show(resolution.tally)
        isShown = true
        nextShow = now + .seconds(1)
    }
}
