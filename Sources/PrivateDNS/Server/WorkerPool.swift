// SPDX-License-Identifier: Apache-2.0

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
    /// One for all: which worker a client's next query reaches is the kernel's choice.
    private let cookies: ServerCookies
    private let bell: AcknowledgementBell
    private var members: [Member] = []
    private var policy: Policy?
    private var lastOrder: UInt64 = 0
    /// What workers that are gone had counted: counters never fall.
    private var retired = Tally()

    /// Makes a pool without threads.
    public init(cacheBudget: Int = defaultCacheBudget, clock: any TimeSource = SystemClock()) throws(SystemError) {
        self.cacheBudget = cacheBudget
        self.clock = clock
        cookies = ServerCookies(wallSeconds: clock.wallNanoseconds / 1_000_000_000, at: clock.now)
        bell = try AcknowledgementBell()
    }

    deinit {
        for member in members { member.stop() }
    }

    /// Readable when a worker has put a policy in force; borrowed. ``drainAcknowledgements()`` makes it unreadable.
    public var acknowledgement: Int32 { bell.wakeUp.raw }

    /// Takes note of acknowledgements.
    public func drainAcknowledgements() { bell.wakeUp.drain() }

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

    private func addWorker() throws(SystemError) {
        let mailbox = try WorkerMailbox(acknowledged: bell)
        let (cacheBudget, cookies, clock) = (cacheBudget, cookies, clock)
        if let policy {
            let order = lastOrder
            mailbox.give { $0.policy = (policy, order) }
        }
        let thread = try SystemThread(name: "dns-\(members.count)") {
            // Without an epoll descriptor there is nothing to do: the worker never acknowledges, which shows.
            guard
                var worker = try? Worker.make(
                    mailbox: mailbox,
                    cacheBudget: cacheBudget,
                    cookies: cookies,
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
