// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import SystemIO

/// Answers of which the resolver left something out, for where it led.
extension Agent {
    /// Notes how much was left out so far.
    func watchAnswers() {
        names.leftOut.take(AcceptedMetrics.leftOut(counters.resolver), at: loop.now)
    }

    var answerWarnings: [String] {
        let (first, last) = (names.leftOut.first ?? [:], names.leftOut.last ?? [:])
        return last.sorted { $0.key < $1.key }.compactMap { zone, count in
            // A new resolver counts from zero.
            let growth = Int(count - min(first[zone] ?? 0, count))
            guard growth > 0 else { return nil }
            let records = "\(growth) record\(growth == 1 ? "" : "s") of the last minute"
            return zone == "."
                ? "\(records) led from public names to private addresses and were left out (a domain of your own? name it in "
                    + "the resolver's rebinding: {allow: ...})"
                : "zone \(zone): \(records) led out of the network and were left out (is that where it should lead? name it "
                    + "in the zone's prefixes)"
        }
    }
}
