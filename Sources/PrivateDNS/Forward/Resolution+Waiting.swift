// SPDX-License-Identifier: Apache-2.0
// Who may wait for an upstream. Nobody is turned away for those who came before: where there is no room, one of the
// oldest goes, whose client will hardly wait for it any more. Which one is drawn, so that nobody can make it another's.

import NetworkTypes

extension Resolution {
    /// Makes room for a waiter, and counts it.
    /// - Parameter isNew: whether it needs an exchange of its own.
    /// - Returns: whether it may wait; its client may have too many questions in flight.
    mutating func beginsToWait(_ waiter: Waiter, isNew: Bool) -> Bool {
        guard let policy, defence.beginsToWait(waiter.client, policy.clientLimits) else {
            tally.count(.inFlight)
            return false
        }
        if isNew, exchanges.count >= limits.exchanges {
            tally.limitReached &+= 1
            if let exchange = oldExchange { drop(exchange) }
        }
        if waiterCount >= limits.waiters {
            tally.limitReached &+= 1
            // An exchange that nobody waits for may be drawn as well.
            while waiterCount >= limits.waiters, !exchanges.isEmpty { dropOldWaiter() }
        }
        waiterCount += 1
        return true
    }

    /// Takes those who waited out of the count.
    mutating func endToWait(_ waiters: [Waiter]) {
        waiterCount -= waiters.count
        guard let policy else { return }
        for waiter in waiters { defence.endsToWait(waiter.client, policy.clientLimits) }
    }

    /// Takes all out of the count; they are about to come again under another policy.
    mutating func nobodyWaits() {
        waiterCount = 0
        defence.nobodyWaits()
    }

    /// The oldest of an eighth of all exchanges, which is drawn.
    private var oldExchange: Exchange? {
        let draw = UInt64.random(in: .min ... .max)
        var drawn = UInt64.max
        var oldest = UInt64.max
        for serial in exchanges.keys {
            oldest = min(oldest, serial)
            if ((serial ^ draw) &* 0x9e37_79b9_7f4a_7c15) >> 61 == 0 { drawn = min(drawn, serial) }
        }
        return exchanges[drawn] ?? exchanges[oldest]
    }

    private mutating func drop(_ exchange: Exchange) {
        remove(exchange)
        for waiter in exchange.waiters { finish(waiter, .servFail, options: FixedOptions.tooManyQuestions) }
    }

    private mutating func dropOldWaiter() {
        guard var exchange = oldExchange else { return }
        guard exchange.waiters.count > 1 else { return drop(exchange) }
        let waiter = exchange.waiters.removeFirst()
        exchanges[exchange.serial] = exchange
        endToWait([waiter])
        finish(waiter, .servFail, options: FixedOptions.tooManyQuestions)
    }
}
