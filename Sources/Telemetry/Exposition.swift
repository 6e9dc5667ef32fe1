// SPDX-License-Identifier: Apache-2.0

/// A page of metrics in Prometheus' text format, version 0.0.4: families in the order of their coming.
public struct Exposition: Sendable {
    /// What a family's values mean.
    public enum Kind: String, Sendable {
        /// Goes up only, and back to zero with its process.
        case counter
        /// Goes up and down.
        case gauge
    }

    /// One value and the labels that tell it from the others of its family.
    public struct Sample: Sendable {
        /// Names and values, in the order in which they are printed.
        public var labels: [(name: String, value: String)]
        /// The value.
        public var value: Double

        /// Makes a sample.
        public init(_ value: Double, _ labels: (name: String, value: String)...) {
            self.value = value
            self.labels = labels
        }

        /// Makes a sample of labels at hand.
        public init(_ value: Double, labels: [(name: String, value: String)]) {
            self.value = value
            self.labels = labels
        }
    }

    /// The page so far.
    public private(set) var text = ""

    /// Begins a page.
    public init() {}

    /// Adds a family. One without samples is left out.
    public mutating func add(_ name: String, _ kind: Kind, _ help: String, _ samples: [Sample]) {
        guard !samples.isEmpty else { return }
        begin(name, kind.rawValue, help)
        for sample in samples { line(name, sample.labels, sample.value) }
    }

    /// Adds a histogram; its buckets are cumulative, and the last one holds everything.
    public mutating func add(
        _ name: String,
        _ help: String,
        _ histograms: [(label: (name: String, value: String), Histogram)]
    ) {
        guard !histograms.isEmpty else { return }
        begin(name, "histogram", help)
        for (label, histogram) in histograms {
            var count: UInt64 = 0
            for (bound, here) in zip(histogram.bounds, histogram.counts) {
                count += here
                line("\(name)_bucket", [label, ("le", Self.number(bound))], Double(count))
            }
            line("\(name)_bucket", [label, ("le", "+Inf")], Double(histogram.count))
            line("\(name)_sum", [label], histogram.sum)
            line("\(name)_count", [label], Double(histogram.count))
        }
    }

    private mutating func begin(_ name: String, _ kind: String, _ help: String) {
        text += "# HELP \(name) \(Self.escaped(help, quotes: false))\n# TYPE \(name) \(kind)\n"
    }

    private mutating func line(_ name: String, _ labels: [(name: String, value: String)], _ value: Double) {
        text += name
        if !labels.isEmpty {
            let pairs = labels.map { "\($0.name)=\"\(Self.escaped($0.value, quotes: true))\"" }
            text += "{\(pairs.joined(separator: ","))}"
        }
        text += " \(Self.number(value))\n"
    }

    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : "\(value)"
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        text.reduce(into: "") { result, character in
            switch character {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.append(character)
            }
        }
    }
}
