// SPDX-License-Identifier: Apache-2.0
// Answers that are in use are asked for anew before they are over: private endpoints' live for ten seconds, and no client
// waits for the cloud because of that.

import NetworkTypes
import SystemIO

/// A few slots of the cache, in room that is taken once.
struct DueAnswers {
    private var items: [16 of (slot: Int32, view: Int32)] = .init(repeating: (0, 0))
    private(set) var count = 0

    /// Takes note of one.
    /// - Returns: whether there was room.
    mutating func add(_ slot: Int, view: Int) -> Bool {
        guard count < items.count else { return false }
        items[count] = (Int32(slot), Int32(view))
        count += 1
        return true
    }

    mutating func removeLast() -> (slot: Int, view: Int)? {
        guard count > 0 else { return nil }
        count -= 1
        return (Int(items[count].slot), Int(items[count].view))
    }
}

extension Resolution {
    /// Counts that an answer of the cache is given, and takes note of it where its successor is due.
    mutating func use(_ number: Int, view: Int, now: Instant) {
        guard cache.use(number, now: now), !due.add(number, view: view) else { return }
        cache.forgetUse(number)
    }

    /// Asks for what is due.
    mutating func refresh(now: Instant) {
        while let (slot, view) = due.removeLast() {
            guard let (question, scope) = cache.question(of: slot) else { continue }
            let key = Exchange.Key(scope: scope, question: question)
            // Half of the room is for those who wait.
            guard let route = policy?.route(ofScope: scope), inFlight[key] == nil else { continue }
            guard exchanges.count < limits.exchanges / 2 else {
                cache.forgetUse(slot)
                continue
            }
            tally.prefetches &+= 1
            begin(key, route, view: view, waiter: nil, now: now)
        }
    }
}
