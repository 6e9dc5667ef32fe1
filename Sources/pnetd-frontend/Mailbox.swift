// SPDX-License-Identifier: Apache-2.0

import Synchronization
import SystemIO

/// The bridge from the HTTP thread to the thread of the event loop.
///
/// Two loops run in this process: SwiftNIO's, which owns every TCP connection, and the ``SystemIO/EventLoop`` of the
/// main thread, which owns all else: the agent, the children, what is known of alerts. What one thread owns, the other
/// never touches. NIO's side is reached with closures that it offers itself (`eventLoop.execute`). This is the way
/// back: an item is put under a lock, and an eventfd wakes the main thread, which takes all that came, in order.
final class Mailbox<Item: Sendable>: Sendable {
    private let items = Mutex<[Item]>([])
    private let wakeUp: WakeUp

    init() throws(SystemError) {
        wakeUp = try WakeUp()
    }

    /// Leaves an item; from any thread.
    func post(_ item: Item) {
        items.withLock { $0.append(item) }
        wakeUp.signal()
    }

    /// Calls the handler with each item on the loop's thread, for as long as the loop runs.
    func attach(to loop: EventLoop, _ handler: @escaping (Item) -> Void) throws(SystemError) {
        try loop.watch(wakeUp.raw) { [self] _ in
            // Drained before the items are taken: one that comes in between wakes the loop again.
            wakeUp.drain()
            let taken = items.withLock { items in
                defer { items = [] }
                return items
            }
            for item in taken { handler(item) }
        }
    }
}
