// SPDX-License-Identifier: Apache-2.0

/// Numbers as people read them: three digits that matter, and a unit.
enum Quantity {
    /// Octets in binary multiples: `148 B`, `1.2 MiB`.
    static func octets(_ count: UInt64) -> String {
        let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
        guard count >= 1024 else { return "\(count) B" }
        var value = Double(count) / 1024
        var unit = 0
        while value >= 1023.95, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        return "\(short(value)) \(units[unit])"
    }

    /// Milliseconds: `0.4ms`, `20.1ms`, `150ms`.
    static func milliseconds(_ value: Double) -> String { short(value) + "ms" }

    /// A share of one: `0%`, `2.5%`, `100%`. A share that is not zero is never called that.
    static func percent(_ ratio: Double) -> String {
        let percent = ratio * 100
        if percent > 0, percent < 0.1 { return "<0.1%" }
        return (percent == percent.rounded() ? whole(percent) : short(percent)) + "%"
    }

    /// One decimal below a hundred, none from there on.
    private static func short(_ value: Double) -> String {
        guard value.isFinite, value >= 0, value < 99.95 else { return whole(value) }
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }

    private static func whole(_ value: Double) -> String {
        Int64(exactly: value.rounded()).map { "\($0)" } ?? "?"
    }
}
