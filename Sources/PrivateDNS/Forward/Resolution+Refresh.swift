// SPDX-License-Identifier: Apache-2.0
// Answers that are in use are asked for anew before they are over: private endpoints' live for ten seconds, and no client
// waits for the cloud because of that.

import NetworkTypes
import SystemIO

/// A few slots of the cache, in room that is taken once.
struct DueAnswers {
    private var items: [16 of (slot: Int32, view: Int32)] = .init(repeating: (0, 0))
    private(set) var count = 0

    /// Takes note of one; what finds no room is asked for when somebody asks.
    mutating func add(_ slot: Int, view: Int) {
        guard count < items.count else { return }
        items[count] = (Int32(slot), Int32(view))
        count += 1
    }

    mutating func removeLast() -> (slot: Int, view: Int)? {
        guard count > 0 else { return nil }
        count -= 1
        return (Int(items[count].slot), Int(items[count].view))
    }
}

extension Resolution {
    /// Asks for what is due. To be called before anything is put into the cache: slots are what they were.
    mutating func refresh(now: Instant) {
        while let (slot, view) = due.removeLast() {
            let (question, scope) = cache.question(of: slot)
            let key = Exchange.Key(scope: scope, question: question)
            // Half of the room is for those who wait.
            guard let route = policy?.route(ofScope: scope), inFlight[key] == nil,
                exchanges.count < limits.exchanges / 2
            else { continue }
            tally.prefetches &+= 1
            begin(key, route, view: view, waiter: nil, now: now)
        }
    }
}
