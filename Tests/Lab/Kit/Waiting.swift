// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import SystemIO

/// What the lab waited for did not come.
public struct TimedOut: Error, CustomStringConvertible {
    /// What was waited for, and for how long.
    public let description: String
}

/// Looks every few milliseconds until the condition holds; the limit is a host's, and so much longer as the stage is
/// slower. Throws where it does not hold in time.
/// - Returns: how long it took.
@discardableResult
public func waitUntil(
    _ what: String,
    within limit: Duration = .seconds(10),
    _ condition: () throws -> Bool
) throws -> Duration {
    let clock = SystemClock()
    let start = clock.now
    let limit = Stage.here.limit(limit)
    while true {
        let look = clock.now
        if try condition() { return clock.now - start }
        let seen = clock.now
        guard seen - start < limit else {
            throw TimedOut(description: "waited \(limit.shortText) in vain until \(what)")
        }
        // A look that takes long must not take the machine from what is looked at.
        pause(max(.milliseconds(5), (seen - look) * 2))
    }
}

/// Lets time pass.
public func pause(_ duration: Duration) {
    usleep(UInt32(clamping: duration.nanoseconds / 1_000))
}
