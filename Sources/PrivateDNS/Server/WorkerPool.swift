// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes
public import SystemIO

/// The threads that answer. The pool belongs to one thread, which gives orders and reads counters.
public final class WorkerPool {
    /// A socket for one worker, already bound and, for streams, listening; it is duplicated.
    public struct Listener: Sendable {
        /// The worker that serves it, from 0.
        public let worker: Int
        /// The descriptor, borrowed for the call.
        public let descriptor: Int32
        /// Whether it is TCP.
        public let isStream: Bool

        /// Describes a socket.
        public init(worker: Int, descriptor: Int32, isStream: Bool) {
            self.worker = worker
            self.descriptor = descriptor
            self.isStream = isStream
        }
    }

    /// The budget of one worker's cache in octets.
    public static let defaultCacheBudget = 16 << 20

    private final class Member {
        let mailbox: WorkerMailbox
        private var thread: SystemThread?

        init(mailbox: WorkerMailbox, thread: consuming SystemThread) {
            self.mailbox = mailbox
            self.thread = consume thread
        }

        func stop() {
            mailbox.give { $0.isStopped = true }
            thread.take()?.join()
        }
    }

    private let cacheBudget: Int
    private let clock: any TimeSource
    private let commons: WorkerCommons
    private let bell: AcknowledgementBell
    private var members: [Member] = []
    private var policy: Policy?
    /// The sockets to the frontend, one a worker.
    private var relays: [SharedDescriptor] = []
    private var lastOrder: UInt64 = 0
    private var lastTask: UInt64 = 0
    /// Tasks under way: how many workers have not answered yet, and what the others found.
    private var tasks: [UInt64: (missing: Int, content: NameFinding.Content?)] = [:]
    /// What workers that are gone had counted: counters never fall.
    private var retired = Tally()

    /// Makes a pool without threads.
    public init(cacheBudget: Int = defaultCacheBudget, clock: any TimeSource = SystemClock()) throws(SystemError) {
        self.cacheBudget = cacheBudget
        self.clock = clock
        let wallSeconds = clock.wallNanoseconds / 1_000_000_000
        commons = WorkerCommons(cookies: ServerCookies(wallSeconds: wallSeconds, at: clock.now))
        bell = try AcknowledgementBell()
    }

    deinit {
        for member in members { member.stop() }
    }

    /// Readable when a worker has put a policy in force; borrowed. ``drainAcknowledgements()`` makes it unreadable.
    public var acknowledgement: Int32 { bell.wakeUp.raw }

    /// Takes note of acknowledgements.
    public func drainAcknowledgements() { bell.wakeUp.drain() }

    /// Finds out how the answer to a question comes about for a client. One worker does: each has a cache of its own.
    /// - Parameter ignoringZones: what the upstreams say is wanted, whatever zones there are.
    /// - Returns: the number under which ``takeFindings()`` gives it.
    public func explain(
        _ name: DomainName,
        type: UInt16,
        for asker: NameAsker,
        ignoringZones: Bool = false
    ) -> UInt64 {
        var query: [UInt8] = []
        query.append(0 as UInt16)
        query.append(HeaderFlags.recursionDesired)
        query.append(1 as UInt16)
        query += [0, 0, 0, 0, 0, 1]
        query += name.wire
        query.append(type)
        query.append(internetClass)
        // With an OPT, so that what is said of the answer besides comes with it.
        query.append(0 as UInt8)
        query.append(RecordType.opt.rawValue)
        query.append(UInt16(MessageSize.datagram))
        query += [0, 0, 0, 0, 0, 0]
        return give(members.prefix(1)) { .explain($0, query: query, for: asker, ignoringZones: ignoringZones) }
    }

    /// Forgets all that is kept of a name and of all below it.
    public func flush(below name: DomainName) -> UInt64 {
        commons.memory.flush(below: name)
        return give(members[...]) { .flush($0, name) }
    }

    /// How much there is to be remembered.
    public var memoryStanding: MemoryStanding { commons.memory.standing }

    /// What the servers of private zones said last, as octets for ``remember(_:by:)`` of a later process.
    public func memoryCopy() -> [UInt8] { commons.memory.copy(clock: clock) }

    /// Takes what an earlier process has remembered, as far as it holds by a policy.
    /// - Returns: how many answers were taken, and how many were not.
    public func remember(_ copy: [UInt8], by policy: Policy) throws(AnswerCopyFault) -> (taken: Int, left: Int) {
        try commons.memory.learn(copy: copy, by: policy.remembered, clock: clock)
    }

    /// Finds what is kept of a name and of all below it.
    public func dump(below name: DomainName) -> UInt64 { give(members[...]) { .dump($0, name) } }

    private func give(_ members: ArraySlice<Member>, _ task: (UInt64) -> WorkerTask) -> UInt64 {
        lastTask += 1
        guard !members.isEmpty else { return lastTask }
        tasks[lastTask] = (members.count, nil)
        let task = task(lastTask)
        for member in members { member.mailbox.give { $0.tasks.append(task) } }
        return lastTask
    }

    /// What all workers have done by now.
    public func takeFindings() -> [NameFinding] {
        var done: [NameFinding] = []
        for finding in members.flatMap({ $0.mailbox.takeFindings() }) {
            guard var task = tasks.removeValue(forKey: finding.task) else { continue }
            task.missing -= 1
            task.content = task.content?.merged(with: finding.content) ?? finding.content
            guard task.missing > 0 else {
                if let content = task.content { done.append(NameFinding(task: finding.task, content: content)) }
                continue
            }
            tasks[finding.task] = task
        }
        return done
    }

    /// What the firewall is to be told since the last call.
    public func takeTellings() -> [WorkerTelling] { members.flatMap { $0.mailbox.takeTellings() } }

    /// Has all workers tell anew: whoever keeps the firewall may be another one.
    public func forgetHeld() {
        for member in members { member.mailbox.give { $0.forgetsHeld = true } }
    }

    /// The serial of the policy that every worker answers by; nil while that is not one and the same.
    public var policyInForce: UInt64? {
        members.allSatisfy { $0.mailbox.policyOrder == lastOrder } ? policy?.serial : nil
    }

    /// How many workers there are.
    public var count: Int { members.count }

    /// Serves these sockets from now on, and no others, with as many workers as they name.
    public func serve(_ listeners: [Listener]) throws(SystemError) {
        let wanted = (listeners.map(\.worker).max() ?? -1) + 1
        while members.count > wanted, let member = members.popLast() {
            member.stop()
            retired = retired + member.mailbox.tally
        }
        while members.count < wanted { try addWorker() }
        for (number, member) in members.enumerated() {
            var own: [WorkerMailbox.Listener] = []
            for listener in listeners where listener.worker == number {
                let copy = try FileDescriptor.duplicating(listener.descriptor)
                own.append(WorkerMailbox.Listener(socket: SharedDescriptor(copy), isStream: listener.isStream))
            }
            member.mailbox.give { $0.listeners = own }
        }
    }

    /// Has the frontend speak TLS for the workers from now on, also for those that come later: each by a stream socket of
    /// its own, which is duplicated.
    public func relay(by sockets: [Int32]) throws(SystemError) {
        relays = []
        for socket in sockets { relays.append(SharedDescriptor(try FileDescriptor.duplicating(socket))) }
        for (member, relay) in zip(members, relays) { member.mailbox.give { $0.frontend = relay } }
    }

    private func addWorker() throws(SystemError) {
        let mailbox = try WorkerMailbox(acknowledged: bell)
        let (cacheBudget, commons, clock) = (cacheBudget, commons, clock)
        if let policy {
            let order = lastOrder
            mailbox.give { $0.policy = (policy, order) }
        }
        if members.count < relays.count {
            let relay = relays[members.count]
            mailbox.give { $0.frontend = relay }
        }
        let thread = try SystemThread(name: "dns-\(members.count)") {
            // Without an epoll descriptor there is nothing to do: the worker never acknowledges, which shows.
            guard
                var worker = try? Worker.make(
                    mailbox: mailbox,
                    cacheBudget: cacheBudget,
                    commons: commons,
                    clock: clock
                )
            else { return }
            worker.run()
        }
        members.append(Member(mailbox: mailbox, thread: thread))
    }

    /// Answers by this policy from now on; each worker swaps between two batches.
    public func adopt(_ policy: Policy) {
        self.policy = policy
        lastOrder += 1
        let order = lastOrder
        for member in members { member.mailbox.give { $0.policy = (policy, order) } }
    }

    /// The sum of all workers' counters, at most a second old.
    public var tally: Tally { members.reduce(retired) { $0 + $1.mailbox.tally } }

    /// Ends all threads.
    public func stop() {
        for member in members { member.stop() }
        members = []
    }
}
