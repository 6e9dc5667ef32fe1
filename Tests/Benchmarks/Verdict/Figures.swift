// SPDX-License-Identifier: Apache-2.0

extension [Double] {
    /// The figure that this share of a sorted list does not exceed.
    func quantile(_ share: Double) -> Double {
        isEmpty ? .nan : self[Swift.min(count - 1, Int(Double(count) * share))]
    }

    var mean: Double { reduce(0, +) / Double(count) }
}

extension Double {
    /// With two decimals.
    var short: String {
        let hundredths = Int(magnitude * 100 + 0.5)
        let rest = hundredths % 100
        return "\(self < 0 ? "-" : "")\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)"
    }

    /// Without decimals; nothing where it is no number.
    var whole: String { isFinite ? "\(Int(self + 0.5))" : "-" }
}
