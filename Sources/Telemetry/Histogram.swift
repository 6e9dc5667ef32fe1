// SPDX-License-Identifier: Apache-2.0

/// How often values fell under which bounds.
public struct Histogram: Sendable, Hashable {
    /// The upper bounds, rising; values above the last one are in ``count`` only.
    public let bounds: [Double]
    /// How many values fell under each bound and not under the one before.
    public private(set) var counts: [UInt64]
    /// How many values there were.
    public private(set) var count: UInt64 = 0
    /// Their sum.
    public private(set) var sum: Double = 0

    /// Makes an empty histogram.
    public init(bounds: [Double]) {
        self.bounds = bounds
        counts = Array(repeating: 0, count: bounds.count)
    }

    /// Takes a value.
    public mutating func observe(_ value: Double) {
        if let index = bounds.firstIndex(where: { value <= $0 }) { counts[index] += 1 }
        count += 1
        sum += value
    }
}
