// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PrivateDNS

/// When the agent is given another copy of what was good last: soon after something new was learned, and now and then
/// where only the same was said again. The agent writes each to a file, and small hosts have a card for a disk.
struct MemoryPace {
    /// How long a copy stands at least, and one that says nothing wrong but how old answers are.
    static let interval = Duration.seconds(5)
    static let renewal = Duration.seconds(300)

    private var given = MemoryStanding()
    private var last: Instant?

    /// Whether one is to be made now, which is then given.
    mutating func isDue(_ standing: MemoryStanding, now: Instant) -> Bool {
        guard standing != given else { return false }
        let patience = standing.news == given.news ? Self.renewal : Self.interval
        if let last, now - last < patience { return false }
        (given, last) = (standing, now)
        return true
    }

    /// There is another agent, which has perhaps none.
    mutating func beginAnew() { given = MemoryStanding() }
}
