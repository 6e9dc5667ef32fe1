// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

extension Reading {
    /// The section `detect` of a network.
    func detection(_ node: YAMLNode) -> DetectionConfiguration {
        var detection = DetectionConfiguration()
        guard let section = Section(node, of: "detect", keys: ["within", "false-alarms"], reading: self) else {
            return detection
        }
        if let within = section["within"].flatMap({
            duration($0, "within", in: .milliseconds(300) ... .seconds(60), saying: "300ms to 60s")
        }) {
            detection.within = within
        }
        if let alarms = section["false-alarms"].flatMap(rate) { detection.falseAlarmsPerYear = alarms }
        return detection
    }

    /// The section `degraded` of a network.
    func degraded(_ node: YAMLNode) -> DegradedConfiguration {
        guard let section = Section(node, of: "degraded", keys: ["loss", "rtt", "jitter"], reading: self) else {
            return DegradedConfiguration()
        }
        let times = Duration.milliseconds(1) ... .seconds(10)
        return DegradedConfiguration(
            loss: section["loss"].flatMap(share),
            roundTrip: section["rtt"].flatMap { duration($0, "rtt", in: times, saying: "1ms to 10s") },
            jitter: section["jitter"].flatMap { duration($0, "jitter", in: times, saying: "1ms to 10s") }
        )
    }

    /// So many times in so long, as `1/year`; the times in a year.
    private func rate(_ node: YAMLNode) -> Double? {
        guard let text = text(node, "false-alarms") else { return nil }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        let periods: [Substring: Double] = ["year": 1, "month": 12, "week": 52, "day": 365]
        guard parts.count == 2, let times = Int(parts[0]), (1...1_000).contains(times), let period = periods[parts[1]]
        else {
            error(
                node.mark,
                "false-alarms: '\(text)' is no number of times in a period",
                hint: "1 to 1000 times a day, week, month or year, as in 1/year"
            )
            return nil
        }
        return Double(times) * period
    }

    /// A share in percent, as `5%`.
    private func share(_ node: YAMLNode) -> Double? {
        guard let text = text(node, "loss") else { return nil }
        guard text.hasSuffix("%"), let percent = Double(text.dropLast()), (0.1...50).contains(percent) else {
            error(node.mark, "loss: '\(text)' is no share of packets", hint: "0.1% to 50%, as in 5%")
            return nil
        }
        return percent / 100
    }
}
