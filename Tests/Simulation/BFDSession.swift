// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
package import PathHealth

/// BFD on both ends of a path in asynchronous mode (RFC 5880 section 6.8), as far as the end of a session goes.
package struct BFDSession {
    private let interval: Double
    private let way: Double
    private var dice: Dice

    /// - Parameters:
    ///   - interval: between packets, in milliseconds; three missed end the session.
    ///   - way: what a packet takes one way.
    package init(interval: Double, way: Double, seed: UInt64) {
        (self.interval, self.way) = (interval, way)
        dice = Dice(seed: seed)
    }

    /// When our end shows the session as lost, and why, after a fault that stays.
    package mutating func loss(after start: Double, _ direction: ProbedNetwork.Direction) -> (at: Double, BFDLoss) {
        let ours = lastHeard(before: start) + 3 * interval
        // The far end expires likewise, and says so with its next packet.
        let theirs =
            lastHeard(before: start) + 3 * interval + interval * (0.75 + 0.25 * dice.roll()) * dice.roll() + way
        let isTold = direction == .there
        let loss = BFDLoss(
            peer: .v4(IPv4Address(bits: 0x0a63_0001)),
            diagnostic: isTold ? .neighborSignaledSessionDown : .controlDetectionTimeExpired,
            remoteDiagnostic: isTold ? .controlDetectionTimeExpired : .none,
            detectionTime: .nanoseconds(Int64(interval * 3e6))
        )
        return (isTold ? theirs : ours, loss)
    }

    /// When the last packet came in: intervals are shorter by up to a quarter.
    private mutating func lastHeard(before start: Double) -> Double {
        start - interval * (0.75 + 0.25 * dice.roll()) * dice.roll()
    }
}
