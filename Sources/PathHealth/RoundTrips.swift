// SPDX-License-Identifier: Apache-2.0

/// Round-trip time, its variation and loss, as an operator sees them and as timeouts need them.
public struct RoundTrips: Hashable, Sendable, Codable {
    /// Smoothed round-trip time (RFC 6298 section 2, alpha 1/8); nil before the first answer.
    public private(set) var smoothed: Duration?
    /// Smoothed variation of the round-trip time (RFC 6298 section 2, beta 1/4).
    public private(set) var variation: Duration = .zero
    /// The outcome of the last 64 probes, the newest in the lowest bit; a set bit is a loss.
    private var losses: UInt64 = 0
    private var counted = 0

    package init() {}

    package mutating func answered(after time: Duration) {
        if let before = smoothed {
            let difference = before > time ? before - time : time - before
            variation = (variation * 3 + difference) / 4
            smoothed = (before * 7 + time) / 8
        } else {
            smoothed = time
            variation = time / 2
        }
        count(loss: 0)
    }

    mutating func lost() {
        count(loss: 1)
    }

    private mutating func count(loss: UInt64) {
        losses = losses << 1 | loss
        counted = min(counted + 1, 64)
    }

    /// Whether the first answer's guess of the variation is forgotten.
    var isSettled: Bool { counted >= 32 }

    /// The share of the last 64 probes that stayed without answer, 0 to 1; nil before the first outcome.
    public var lossRatio: Double? {
        counted == 0 ? nil : Double(losses.nonzeroBitCount) / Double(counted)
    }
}
