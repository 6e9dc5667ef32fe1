// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import NetworkTypes

/// Changes as lines of a log: when, what, from what to what, and why.
enum ChangeText {
    /// The lines of an update: its decision, and the verdicts and services that changed beside it.
    ///
    /// The first update has nothing to be compared with and gives one line that says where things stand.
    static func lines(of update: WatchUpdate, after earlier: StatusReport?) -> [String] {
        let time = clock(update.time)
        guard let earlier else {
            let networks = update.report.networks.map { network in
                "\(network.name) \(network.state.rawValue)"
                    + (network.carriers.isEmpty ? "" : " path \(network.carriers.together)")
            }
            let standing = networks.isEmpty ? "" : " (" + networks.joined(separator: ", ") + ")"
            return ["\(time) \(update.report.site) is \(update.report.state.rawValue)\(standing)"]
        }
        var lines = paths(from: earlier, to: update.report) + services(from: earlier, to: update.report)
        lines = lines.map { "\(time) \($0)" }
        if let event = update.event { lines.append(line(of: event)) }
        return lines
    }

    /// A decision: `12:00:05Z azure up -> up path vpn-a -> vpn-b (vpn-a: 9 probes unanswered for 0.8s)`.
    static func line(of event: WatchEvent) -> String {
        var text = "\(clock(event.time)) \(event.network) \(event.from.rawValue) -> \(event.to.rawValue)"
        if event.fromCarriers != event.carriers {
            text += " path \(event.fromCarriers.together) -> \(event.carriers.together)"
        } else if !event.carriers.isEmpty {
            text += " path \(event.carriers.together)"
        }
        return text + because(event.reasons)
    }

    private static func paths(from earlier: StatusReport, to later: StatusReport) -> [String] {
        later.paths.compactMap { path in
            guard let before = earlier.paths.first(where: { $0.name == path.name }) else {
                return "path \(path.name) is new: \(path.verdict.rawValue)"
            }
            guard before.verdict != path.verdict else { return nil }
            return "path \(path.name) \(before.verdict.rawValue) -> \(path.verdict.rawValue)\(because(path.reasons))"
        }
    }

    private static func services(from earlier: StatusReport, to later: StatusReport) -> [String] {
        [
            change("resolver", earlier.resolver?.state, later.resolver?.state),
            change("frontend", earlier.frontend?.state, later.frontend?.state),
        ].compactMap { $0 }
    }

    private static func change(
        _ what: String,
        _ before: StatusReport.ServiceState?,
        _ after: StatusReport.ServiceState?
    ) -> String? {
        guard before != after else { return nil }
        return "\(what) \(before?.rawValue ?? "none") -> \(after?.rawValue ?? "none")"
    }

    private static func because(_ reasons: [String]) -> String {
        reasons.isEmpty ? "" : " (\(reasons.joined(separator: "; ")))"
    }

    /// The time of day of an RFC 3339 time, still in UTC, and saying so.
    private static func clock(_ timestamp: String) -> String {
        guard let separator = timestamp.firstIndex(of: "T") else { return timestamp }
        return String(timestamp[timestamp.index(after: separator)...])
    }
}
