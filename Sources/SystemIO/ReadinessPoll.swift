// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes

/// epoll(7) for a thread that serves packets: tags in place of closures, nothing allocated per event.
@safe public struct ReadinessPoll: ~Copyable {
    private let epoll: FileDescriptor
    private let events: UnsafeMutablePointer<epoll_event>
    private let capacity: Int

    /// Makes a poll that tells of so many events a call.
    public init(capacity: Int = 64) throws(SystemError) {
        epoll = try FileDescriptor(epoll_create1(Int32(EPOLL_CLOEXEC)), from: "epoll_create1")
        unsafe events = .allocate(capacity: capacity)
        unsafe events.initialize(repeating: epoll_event(), count: capacity)
        self.capacity = capacity
    }

    deinit {
        unsafe events.deallocate()
    }

    /// Readable while something that is watched is ready: one poll can be watched by another; borrowed.
    public var descriptor: Int32 { epoll.raw }

    /// Watches a descriptor; its tag comes back with each event. Closing the descriptor ends the watch.
    public func add(_ descriptor: Int32, tag: UInt64, for interest: EventLoop.Readiness) throws(SystemError) {
        try control(EPOLL_CTL_ADD, descriptor, tag, interest)
    }

    /// Changes what a descriptor is watched for.
    public func update(_ descriptor: Int32, tag: UInt64, for interest: EventLoop.Readiness) throws(SystemError) {
        try control(EPOLL_CTL_MOD, descriptor, tag, interest)
    }

    /// Stops watching a descriptor that stays open elsewhere.
    public func remove(_ descriptor: Int32) {
        var event = unsafe epoll_event()
        unsafe epoll_ctl(epoll.raw, EPOLL_CTL_DEL, descriptor, &event)
    }

    private func control(
        _ operation: Int32,
        _ descriptor: Int32,
        _ tag: UInt64,
        _ interest: EventLoop.Readiness
    ) throws(SystemError) {
        var event = unsafe epoll_event()
        unsafe event.events = interest.rawValue
        unsafe event.data.u64 = tag
        guard unsafe epoll_ctl(epoll.raw, operation, descriptor, &event) == 0 else { throw .last("epoll_ctl") }
    }

    /// Waits until something is ready, at most the given time (nil: for ever).
    /// - Returns: how many events came; 0 also where a signal interrupted.
    public mutating func wait(atMost limit: Duration?) -> Int {
        var timeout: Int32 = -1
        if let limit { timeout = Int32(clamping: (max(limit, .zero).nanoseconds + 999_999) / 1_000_000) }
        return unsafe max(0, Int(epoll_wait(epoll.raw, events, Int32(capacity), timeout)))
    }

    /// One event of the last ``wait(atMost:)``.
    public func event(_ index: Int) -> (tag: UInt64, readiness: EventLoop.Readiness) {
        precondition(index < capacity, "an event of this call")
        return unsafe (events[index].data.u64, EventLoop.Readiness(rawValue: events[index].events))
    }
}

/// A counter in the kernel that wakes a poll, eventfd(2).
public struct WakeUp: ~Copyable, Sendable {
    private let descriptor: FileDescriptor

    /// Opens the counter at zero.
    public init() throws(SystemError) {
        descriptor = try FileDescriptor(eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK)), from: "eventfd")
    }

    /// The descriptor, borrowed, for a poll.
    public var raw: Int32 { descriptor.raw }

    /// Wakes whoever polls; many calls before it looks count as one.
    public func signal() {
        eventfd_write(descriptor.raw, 1)
    }

    /// Sets the counter back to zero.
    public func drain() {
        var count: eventfd_t = 0
        unsafe eventfd_read(descriptor.raw, &count)
    }
}
