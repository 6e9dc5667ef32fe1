// SPDX-License-Identifier: Apache-2.0

import Synchronization
import SystemIO

/// A descriptor that several owners of a worker's sockets may refer to; closed with the last of them.
final class SharedDescriptor: Sendable {
    let descriptor: FileDescriptor

    init(_ descriptor: consuming FileDescriptor) { self.descriptor = descriptor }

    var raw: Int32 { descriptor.raw }
}

/// What a worker and the pool say to each other: orders one way, counters and an acknowledgement the other.
///
/// The worker looks only when it is woken, so a query pays nothing for it.
final class WorkerMailbox: Sendable {
    struct Orders: Sendable {
        var policy: (policy: Policy, order: UInt64)?
        var listeners: [Listener]?
        /// The socket to the frontend.
        var frontend: SharedDescriptor?
        var tasks: [WorkerTask] = []
        /// What became of tellings, by serial, in order: the places of the addresses that the firewall does not hold.
        var words: [(serial: UInt64, refused: Set<Int>)] = []
        /// Nobody knows any more what the firewall holds.
        var forgetsHeld = false
        var isStopped = false
    }

    struct Listener: Sendable {
        let socket: SharedDescriptor
        let isStream: Bool
    }

    private let orders = Mutex(Orders())
    private let shown = Mutex(Tally())
    private let found = Mutex<[NameFinding]>([])
    private let told = Mutex<[WorkerTelling]>([])
    /// Of tellings that nobody has taken; what is beyond is not told.
    private static let tellingLimit = 512
    private let orderInForce = Atomic<UInt64>(0)
    let wakeUp: WakeUp
    /// Signalled when a policy has come into force, or a task is done.
    private let acknowledged: AcknowledgementBell

    init(acknowledged: AcknowledgementBell) throws(SystemError) {
        wakeUp = try WakeUp()
        self.acknowledged = acknowledged
    }

    /// The number of the last order that put a policy in force here; the agent's serials may begin anew.
    var policyOrder: UInt64 { orderInForce.load(ordering: .acquiring) }

    /// The counters as the worker showed them last.
    var tally: Tally { shown.withLock { $0 } }

    func give(_ change: (inout Orders) -> Void) {
        orders.withLock { change(&$0) }
        wakeUp.signal()
    }

    func takeOrders() -> Orders {
        wakeUp.drain()
        return orders.withLock { orders in
            defer { orders = Orders(isStopped: orders.isStopped) }
            return orders
        }
    }

    func show(_ tally: Tally) { shown.withLock { $0 = tally } }

    /// Gives what came of a task.
    func give(_ finding: NameFinding) {
        found.withLock { $0.append(finding) }
        acknowledged.wakeUp.signal()
    }

    /// Takes what came of tasks since the last call.
    func takeFindings() -> [NameFinding] {
        found.withLock { found in
            defer { found = [] }
            return found
        }
    }

    /// Tells of addresses that the firewall is to hold.
    func tell(_ addresses: [LearnedAddress], _ serial: UInt64) {
        let telling = WorkerTelling(addresses: addresses, serial: serial, mailbox: self)
        let isTold = told.withLock { told in
            guard told.count < Self.tellingLimit else { return false }
            told.append(telling)
            return true
        }
        guard isTold else { return telling.refuse() }
        acknowledged.wakeUp.signal()
    }

    /// Takes what was told since the last call.
    func takeTellings() -> [WorkerTelling] {
        told.withLock { told in
            defer { told = [] }
            return told
        }
    }

    func acknowledge(_ order: UInt64) {
        orderInForce.store(order, ordering: .releasing)
        acknowledged.wakeUp.signal()
    }
}

/// What wakes the thread that waits for all workers.
final class AcknowledgementBell: Sendable {
    let wakeUp: WakeUp

    init() throws(SystemError) { wakeUp = try WakeUp() }
}
