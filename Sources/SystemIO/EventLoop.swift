// SPDX-License-Identifier: Apache-2.0

import CLinux
public import NetworkTypes

/// A single-threaded loop over epoll(7): descriptors and timers call closures, one at a time.
///
/// Not Sendable on purpose: a loop and all that hangs on it belong to the thread that runs it.
public final class EventLoop {
    /// What a watched descriptor is ready for.
    public struct Readiness: OptionSet, Sendable {
        /// The bits of epoll_ctl(2).
        public let rawValue: UInt32
        /// Takes the bits of epoll_ctl(2).
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        /// Data, a connection or end of file waits to be read.
        public static let readable = Readiness(rawValue: EPOLLIN.rawValue)
        /// There is room to write.
        public static let writable = Readiness(rawValue: EPOLLOUT.rawValue)
        /// The other side is gone or the descriptor failed; always reported.
        public static let hungUp = Readiness(rawValue: EPOLLHUP.rawValue | EPOLLERR.rawValue)
    }

    /// A timer that was set; it can be cancelled.
    public struct TimerID: Hashable, Sendable {
        let deadline: Instant
        let serial: UInt64
    }

    private struct Watch {
        let serial: UInt64
        let handler: (Readiness) -> Void
    }

    private let epoll: FileDescriptor
    private let clock: any TimeSource
    private var watches: [Int32: Watch] = [:]
    private var timers: [TimerID: () -> Void] = [:]
    private var order: TimerHeap = TimerHeap()
    private var serial: UInt64 = 0
    private var running = false

    /// Makes a loop. Throws where the kernel gives no epoll descriptor.
    public init(clock: any TimeSource = SystemClock()) throws(SystemError) {
        epoll = try FileDescriptor(epoll_create1(Int32(EPOLL_CLOEXEC)), from: "epoll_create1")
        self.clock = clock
    }

    /// The time now.
    public var now: Instant { clock.now }

    /// Calls the handler whenever the descriptor is ready. The caller keeps the descriptor open until ``unwatch(_:)``.
    public func watch(
        _ descriptor: Int32,
        for interest: Readiness = .readable,
        handler: @escaping (Readiness) -> Void
    ) throws(SystemError) {
        serial += 1
        let known = watches.updateValue(Watch(serial: serial, handler: handler), forKey: descriptor) != nil
        try control(known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, descriptor, interest)
    }

    /// Changes what a watched descriptor is watched for.
    public func update(_ descriptor: Int32, for interest: Readiness) throws(SystemError) {
        try control(EPOLL_CTL_MOD, descriptor, interest)
    }

    /// Stops watching; to be called before the descriptor is closed.
    public func unwatch(_ descriptor: Int32) {
        guard watches.removeValue(forKey: descriptor) != nil else { return }
        var event = unsafe epoll_event()
        unsafe epoll_ctl(epoll.raw, EPOLL_CTL_DEL, descriptor, &event)
    }

    private func control(_ operation: Int32, _ descriptor: Int32, _ interest: Readiness) throws(SystemError) {
        var event = unsafe epoll_event()
        unsafe event.events = interest.rawValue
        unsafe event.data.fd = descriptor
        guard unsafe epoll_ctl(epoll.raw, operation, descriptor, &event) == 0 else { throw .last("epoll_ctl") }
    }

    /// Calls the closure once, at the instant or as soon after as the loop is free.
    @discardableResult
    public func schedule(at deadline: Instant, _ action: @escaping () -> Void) -> TimerID {
        serial += 1
        let timer = TimerID(deadline: deadline, serial: serial)
        timers[timer] = action
        order.insert(timer)
        return timer
    }

    /// Calls the closure once, after the delay.
    @discardableResult
    public func schedule(after delay: Duration, _ action: @escaping () -> Void) -> TimerID {
        schedule(at: now + delay, action)
    }

    /// Calls the closure once, when the clock next shows a whole multiple of the interval, but not before half of one has
    /// passed. What is done again and again is done together by this: the host wakes once for all of it.
    @discardableResult
    public func schedule(inStepEvery interval: Duration, _ action: @escaping () -> Void) -> TimerID {
        let now = now
        let left = interval.nanoseconds - now.nanoseconds % interval.nanoseconds
        let rest = left >= interval.nanoseconds / 2 ? left : left + interval.nanoseconds
        return schedule(at: now + .nanoseconds(rest), action)
    }

    /// Forgets a timer; one that has fired is ignored.
    public func cancel(_ timer: TimerID) {
        timers[timer] = nil
    }

    /// Runs until ``stop()``.
    public func run() throws(SystemError) {
        running = true
        while running {
            try turn(waiting: nil)
        }
    }

    /// Ends ``run()`` after the current closure.
    public func stop() {
        running = false
    }

    /// Runs what is due, waiting for it at most the given time (nil: until something happens).
    public func turn(waiting limit: Duration?) throws(SystemError) {
        let ready = try wait(timeout: milliseconds(limit))
        for (descriptor, readiness, serialWhenReady) in ready {
            guard let watch = watches[descriptor], watch.serial == serialWhenReady else { continue }
            watch.handler(readiness)
        }
        fireTimers()
    }

    private func milliseconds(_ limit: Duration?) -> Int32 {
        while let next = order.first, timers[next] == nil { order.removeFirst() }
        var wait = limit
        if let next = order.first { wait = min(next.deadline - now, limit ?? .seconds(3600)) }
        guard let wait else { return -1 }
        return Int32(clamping: (max(wait, .zero).nanoseconds + 999_999) / 1_000_000)
    }

    private func wait(timeout: Int32) throws(SystemError) -> [(Int32, Readiness, UInt64)] {
        var ready: [(Int32, Readiness, UInt64)] = []
        let failure: SystemError? = unsafe withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: 64) { events in
            let count = unsafe epoll_wait(epoll.raw, events.baseAddress, 64, timeout)
            guard count >= 0 else { return pn_errno() == EINTR ? nil : .last("epoll_wait") }
            for index in 0..<Int(count) {
                let descriptor = unsafe events[index].data.fd
                guard let watch = watches[descriptor] else { continue }
                ready.append((descriptor, unsafe Readiness(rawValue: events[index].events), watch.serial))
            }
            return nil
        }
        if let failure { throw failure }
        return ready
    }

    private func fireTimers() {
        let now = now
        while let next = order.first, next.deadline <= now {
            order.removeFirst()
            timers.removeValue(forKey: next)?()
        }
    }
}

/// Timers by deadline, the earliest first: a binary heap.
private struct TimerHeap {
    private var items: [EventLoop.TimerID] = []

    var first: EventLoop.TimerID? { items.first }

    private func precedes(_ left: Int, _ right: Int) -> Bool {
        (items[left].deadline, items[left].serial) < (items[right].deadline, items[right].serial)
    }

    mutating func insert(_ item: EventLoop.TimerID) {
        items.append(item)
        var child = items.count - 1
        while child > 0, precedes(child, (child - 1) / 2) {
            items.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func removeFirst() {
        items.swapAt(0, items.count - 1)
        items.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < items.count && precedes(child, least) {
                least = child
            }
            guard least != parent else { return }
            items.swapAt(parent, least)
            parent = least
        }
    }
}
