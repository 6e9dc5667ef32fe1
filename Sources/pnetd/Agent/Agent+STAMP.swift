// SPDX-License-Identifier: Apache-2.0

import Configuration
import ControlAPI
import NetworkTypes
import PathHealth
import Telemetry
import Tunnel

extension Agent {
    /// After so many questions without an answer somebody should look.
    private static let stampPatience = 100

    /// Tells the core what the sessions show, also of paths that have none any more.
    func observeReflectors() {
        let statuses = stamp?.statuses ?? [:]
        for path in site.paths { observe(.reflector(path.name, statuses[path.name] ?? .unknown)) }
    }

    /// A path's session, as status has it.
    func stampReport(_ path: PathName) -> StatusReport.Path.STAMP? {
        stamp?.prober(of: path).map { prober in
            prober.inspect { sender in
                let loss = sender.recentLoss
                return StatusReport.Path.STAMP(
                    peer: prober.place.peer,
                    state: StatusReport.ReflectorState(sender.status),
                    sent: prober.counts.sent,
                    answered: sender.answered,
                    rttMs: sender.roundTrips.smoothed.map { $0.inSeconds * 1e3 },
                    there: .init(sender.there, loss: loss?.there),
                    back: .init(sender.back, loss: loss?.back)
                )
            }
        }
    }

    /// A path's reflector, as status has it.
    func reflectorReport(_ path: PathName) -> StatusReport.Path.Reflector? {
        stamp?.responder(of: path).map { responder in
            StatusReport.Path.Reflector(
                local: responder.place.local,
                sessions: responder.sessionCount,
                answered: responder.counts.answered,
                refused: responder.counts.refused.values.reduce(0, +)
            )
        }
    }

    var stampWarnings: [String] {
        site.paths.compactMap { path in
            guard let prober = stamp?.prober(of: path.name), paths[path.name]?.condition == .ready,
                prober.counts.sent >= Self.stampPatience, prober.inspect({ $0.answered }) == 0
            else { return nil }
            return "\(path.name): STAMP with \(prober.place.peer) was never answered, so it says nothing of the path "
                + "(does a reflector listen there, and let \(prober.place.local) ask?)"
        }
    }

    func addSTAMP(to page: inout Exposition) {
        let probers = site.paths.compactMap { path in stamp?.prober(of: path.name).map { (path.name, $0) } }
        let responders = site.paths.compactMap { path in stamp?.responder(of: path.name).map { (path.name, $0) } }
        let counts: [(String, String, (STAMPProber) -> UInt64)] = [
            ("pnetd_stamp_sent_total", "STAMP questions that left.", \.counts.sent),
            ("pnetd_stamp_unsendable_total", "STAMP questions that could not leave.", \.counts.unsendable),
            ("pnetd_stamp_answers_total", "STAMP questions that were answered.", { $0.inspect { $0.answered } }),
        ]
        for (name, help, count) in counts {
            page.add(name, .counter, help, probers.map { .init(Double(count($0.1)), ("path", $0.0.text)) })
        }
        page.add(
            "pnetd_stamp_lost_total",
            .counter,
            "STAMP packets lost on the way to the far end and back, where that numbers its answers itself.",
            probers.flatMap { path, prober in
                let lost = prober.inspect { $0.lost }
                return Self.ways(path, Double(lost.there.lost), Double(lost.back.lost))
            }
        )
        page.add(
            "pnetd_stamp_rtt_seconds",
            .gauge,
            "Smoothed round-trip time by STAMP, without the time that the far end took.",
            probers.compactMap { path, prober in
                prober.inspect { $0.roundTrips.smoothed }.map { .init($0.inSeconds, ("path", path.text)) }
            }
        )
        let measures: [(String, String, (borrowing STAMPSender) -> (Duration?, Duration?))] = [
            (
                "pnetd_stamp_delay_variation_seconds", "How much the time on one way differs from packet to packet.",
                { ($0.there.variation, $0.back.variation) }
            ),
            (
                "pnetd_stamp_delay_seconds", "Smoothed time on one way, where both clocks are synchronised.",
                { ($0.there.delay, $0.back.delay) }
            ),
        ]
        for (name, help, measure) in measures {
            page.add(
                name,
                .gauge,
                help,
                probers.flatMap { path, prober in
                    let (there, back) = prober.inspect(measure)
                    return Self.ways(path, there?.inSeconds, back?.inSeconds)
                }
            )
        }
        page.add(
            "pnetd_stamp_reflected_total",
            .counter,
            "STAMP questions of others that were answered.",
            responders.map { .init(Double($0.1.counts.answered), ("path", $0.0.text)) }
        )
        page.add(
            "pnetd_stamp_refused_total",
            .counter,
            "STAMP packets that were discarded, by the part that they were for and what was wrong with them.",
            probers.flatMap { Self.refused($0.0, "sender", $0.1.counts.refused) }
                + responders.flatMap { Self.refused($0.0, "reflector", $0.1.counts.refused) }
        )
    }

    private static func ways(_ path: PathName, _ there: Double?, _ back: Double?) -> [Exposition.Sample] {
        [("there", there), ("back", back)].compactMap { direction, value in
            value.map { .init($0, ("path", path.text), ("direction", direction)) }
        }
    }

    private static func refused(
        _ path: PathName,
        _ part: String,
        _ counts: [STAMPRefusal: UInt64]
    ) -> [Exposition.Sample] {
        STAMPRefusal.allCases.map {
            .init(Double(counts[$0] ?? 0), ("path", path.text), ("part", part), ("reason", $0.rawValue))
        }
    }
}

extension StatusReport.ReflectorState {
    fileprivate init(_ status: ReflectorStatus) {
        switch status {
        case .unknown: self = .unknown
        case .answering: self = .answering
        case .silent: self = .silent
        }
    }
}

extension StatusReport.Path.STAMP.Way {
    fileprivate init(_ way: STAMPSender.Way, loss: LossShare?) {
        self.init(
            lossRatio: loss?.ratio,
            variationMs: way.variation.map { $0.inSeconds * 1e3 },
            delayMs: way.delay.map { $0.inSeconds * 1e3 }
        )
    }
}
