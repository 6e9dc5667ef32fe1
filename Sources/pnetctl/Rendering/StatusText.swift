// SPDX-License-Identifier: Apache-2.0
// Networks come first: whoever looks wants to know what cannot be reached, since when and why. Paths say how.

import ControlAPI
import NetworkTypes

extension Page {
    /// A report for people.
    func status(_ report: StatusReport) -> String {
        let parts = [title(report), networks(report.networks), paths(report), rest(report)]
        return parts.filter { !$0.isEmpty }.joined(separator: "\n")
    }

    private func title(_ report: StatusReport) -> String {
        let state = painted(report.state.rawValue, report.state.colour)
        return "\(painted(report.site.text, .heading)) is \(state)  "
            + painted("generation \(report.generation), pnetd \(report.version)", .faint) + "\n"
    }

    private func networks(_ networks: [StatusReport.Network]) -> String {
        guard !networks.isEmpty else { return "" }
        var table = Table(self, heading: ["NETWORK", "STATE", "PATH", "SINCE", "SWITCHES"])
        let indent = max(7, networks.map(\.name.text.count).max() ?? 0) + 2
        for network in networks {
            table.add([
                .init(network.name.text),
                .init(network.state.rawValue, network.state.colour),
                .init(network.carriers.isEmpty ? "-" : network.carriers.together),
                .init(age(since: network.since)),
                .init("\(network.switches)"),
            ])
            for reason in network.reasons { table.add(free: wrapped(reason, indent: indent)) }
        }
        return table.text
    }

    private func paths(_ report: StatusReport) -> String {
        guard !report.paths.isEmpty else { return "" }
        var table = Table(
            self,
            heading: ["PATH", "VERDICT", "SINCE", "INTERFACE", "BY", "HANDSHAKE", "RECEIVED", "SENT"]
        )
        let indent = max(4, report.paths.map(\.name.text.count).max() ?? 0) + 2
        for path in report.paths {
            let interface = path.interface.text + (path.underlay.map { " on \($0)" } ?? "")
            table.add([
                .init(path.name.text),
                .init(path.verdict.rawValue, path.verdict.colour),
                .init(age(since: path.since)),
                .init(interface),
                .init(keeper(of: path)),
                .init(handshake(of: path)),
                .init(path.rxBytes.map(Quantity.octets) ?? "-"),
                .init(path.txBytes.map(Quantity.octets) ?? "-"),
            ])
            for reason in path.reasons { table.add(free: wrapped(reason, indent: indent)) }
            if let error = path.lastError { table.add(free: wrapped("last error: \(error)", indent: indent)) }
            if let bfd = path.bfd { table.add(free: session(bfd, indent: indent)) }
            if let ipsec = path.ipsec { table.add(free: tunnel(ipsec, indent: indent)) }
            if let stamp = path.stamp { table.add(free: session(stamp, indent: indent)) }
            for network in report.networks {
                for through in network.paths where through.path == path.name {
                    table.add(free: measured(network.name, through, indent: indent))
                }
            }
        }
        return table.text
    }

    /// Who does the work.
    private func keeper(of path: StatusReport.Path) -> String {
        switch path.kind {
        case .wireguard: path.implementation?.rawValue ?? "-"
        case .ipsec: "charon"
        case .routed: "router"
        }
    }

    /// When both ends of a tunnel last agreed on keys, as far as that is told; a line has none.
    private func handshake(of path: StatusReport.Path) -> String {
        let seconds = path.handshakeAgeSeconds ?? path.ipsec?.establishedSeconds
        return seconds.map { Duration.seconds($0).shortText + " ago" } ?? (path.kind == .routed ? "-" : "never")
    }

    private func tunnel(_ ipsec: StatusReport.Path.IPsec, indent: Int) -> [String] {
        var words = ["ipsec" + (ipsec.remote.map { " with \($0.address)" } ?? "")]
        words[0] += ": \(ipsec.childState ?? ipsec.state ?? "no tunnel")"
        if let algorithms = ipsec.childAlgorithms { words.append(algorithms) }
        if ipsec.isEncapsulated { words.append("in UDP") }
        if let seconds = ipsec.rekeySeconds { words.append("new keys in \(Duration.seconds(seconds).shortText)") }
        if let days = ipsec.certificateDaysLeft { words.append("certificate \(days) days") }
        if let days = ipsec.peerCertificateDaysLeft { words.append("the other end's \(days)") }
        if let replacement = ipsec.replacement { words.append("another one is to come: \(replacement)") }
        if let packets = ipsec.packets, packets.refused > 0 { words.append("\(packets.refused) packets refused") }
        if let protection = ipsec.quantumProtection { words.append(protection.text) }
        return wrapped(words.joined(separator: ", "), indent: indent)
    }

    private func session(_ bfd: StatusReport.Path.BFD, indent: Int) -> [String] {
        var words = ["bfd with \(bfd.peer): \(bfd.state.rawValue) for \(age(since: bfd.since))"]
        if bfd.state != .up { words.append(bfd.diagnostic) }
        words.append("far end \(bfd.remoteState.rawValue)")
        if bfd.remoteState != .up { words.append(bfd.remoteDiagnostic) }
        if let detection = bfd.detectionMs {
            words.append("detection \(Duration.milliseconds(Int64(detection)).shortText)")
        }
        if bfd.state != .up, !bfd.refused.isEmpty {
            words.append("discarded " + bfd.refused.joined(separator: " and "))
        }
        return wrapped(words.joined(separator: ", "), indent: indent)
    }

    private func session(_ stamp: StatusReport.Path.STAMP, indent: Int) -> [String] {
        var words = ["stamp with \(stamp.peer): \(stamp.state.rawValue)"]
        if let rtt = stamp.rttMs { words.append("rtt \(Quantity.milliseconds(rtt))") }
        for (name, way) in [("there", stamp.there), ("back", stamp.back)] {
            var facts: [String] = []
            if let loss = way.lossRatio { facts.append("loss \(Quantity.percent(loss))") }
            if let delay = way.delayMs { facts.append("delay \(Quantity.milliseconds(delay))") }
            if let variation = way.variationMs { facts.append("variation \(Quantity.milliseconds(variation))") }
            if !facts.isEmpty { words.append("\(name): \(facts.joined(separator: " "))") }
        }
        return wrapped(words.joined(separator: ", "), indent: indent)
    }

    /// What the probes of one network measure through one path.
    private func measured(
        _ network: NetworkName,
        _ through: StatusReport.Network.PathThrough,
        indent: Int
    ) -> [String] {
        var words = ["\(network): \(through.verdict.rawValue)"]
        if let rtt = through.rttMs { words.append("rtt \(Quantity.milliseconds(rtt))") }
        if let jitter = through.jitterMs { words.append("jitter \(Quantity.milliseconds(jitter))") }
        if let loss = through.lossRatio { words.append("loss \(Quantity.percent(loss))") }
        if !through.silentTargets.isEmpty {
            words.append("no answer from \(through.silentTargets.joined(separator: " and "))")
        }
        if let failure = through.drillFailure { words.append("last drill failed: \(failure)") }
        return wrapped((words + through.failingTargets + through.reasons).joined(separator: ", "), indent: indent)
    }

    private func rest(_ report: StatusReport) -> String {
        var lines: [String] = []
        if let resolver = report.resolver {
            let state = painted(resolver.state.rawValue, resolver.state.colour)
            lines.append("resolver  \(state), queries \(resolver.queries)")
        }
        if let frontend = report.frontend {
            lines.append("frontend  " + painted(frontend.state.rawValue, frontend.state.colour))
        }
        if !report.nameSets.isEmpty {
            let sets = report.nameSets.map { "\($0.name) \($0.addresses)" }.joined(separator: ", ")
            let text = wrapped("addresses held: \(sets)", indent: 10)
            lines.append("name sets " + (text.first.map { String($0.dropFirst(10)) } ?? ""))
            lines += text.dropFirst()
        }
        for growth in report.xfrm?.lastMinute ?? [] where growth.isNotable {
            let text = wrapped("in the last minute: \(growth.explanation)", indent: 10)
            lines.append("ipsec     " + (text.first.map { String($0.dropFirst(10)) } ?? ""))
            lines += text.dropFirst()
        }
        for warning in report.warnings {
            let text = wrapped(warning, indent: 10)
            lines.append(painted("warning", .warning) + "   " + (text.first.map { String($0.dropFirst(10)) } ?? ""))
            lines += text.dropFirst()
        }
        for change in report.foreignChanges.suffix(5) {
            let text = wrapped("\(change.object), changed by \(change.by) (\(change.time))", indent: 10)
            lines.append("put right " + (text.first.map { String($0.dropFirst(10)) } ?? ""))
            lines += text.dropFirst()
        }
        return lines.map { $0 + "\n" }.joined()
    }
}

extension StatusReport.SiteState {
    fileprivate var colour: Page.Colour {
        switch self {
        case .up: .good
        case .degraded: .warning
        case .down: .bad
        }
    }
}

extension StatusReport.NetworkState {
    fileprivate var colour: Page.Colour {
        switch self {
        case .up: .good
        case .starting, .degraded, .public: .warning
        case .blocked: .bad
        }
    }
}

extension StatusReport.Verdict {
    fileprivate var colour: Page.Colour {
        switch self {
        case .up: .good
        case .starting, .degraded, .unknown: .warning
        case .drained: .faint
        case .down: .bad
        }
    }
}

extension StatusReport.ServiceState {
    fileprivate var colour: Page.Colour {
        switch self {
        case .up: .good
        case .starting: .warning
        case .down: .bad
        }
    }
}
