// SPDX-License-Identifier: Apache-2.0

import Configuration
import ControlAPI
import Logging
import NetworkTypes
import PathHealth
import SystemIO
import Telemetry

/// Paths whose probes are answered by another path: as evidence, in `explain` and in metrics.
extension Agent {
    /// The answer to a path's probe came in by another one.
    func answeredElsewhere(_ path: PathName, by other: PathName) {
        if core.detour(of: path) != other {
            log.notice("answers to the probes of \(path) come in by \(other)")
        }
        detours.came(to: path, by: other, at: loop.now)
        observe(.detour(path, by: other))
    }

    /// Tells the core of detours that are over.
    func watchDetours() {
        let policies = site.policies
        detours.keep(site.paths.map(\.name))
        detours.forgetOld(now: loop.now) { path in
            let promises = policies.filter { $0.paths.contains(path) }.map { $0.promise(for: path) }
            return promises.map(\.longestInterval).max().map(AnswerDetours.freshness)
        }
        for path in site.paths { observe(.detour(path.name, by: detours.open[path.name]?.by)) }
    }

    func detourFacts(of path: PathConfiguration) -> [Explanation] {
        guard let detour = detours.open[path.name] else { return [] }
        let count = detours.counts[path.name]?[detour.by] ?? 0
        return [
            Explanation(
                "answers to its probes come in by \(detour.by) since \(time(detour.since))",
                because: [
                    "what is asked by \(path.name) arrives, and the other side has chosen \(detour.by) for the way back: "
                        + "an answer counts for neither of the two",
                    "\(count) answers came in so since pnetd runs",
                ].map { Explanation($0) }
            )
        ]
    }

    func addDetours(to page: inout Exposition) {
        page.add(
            "pnetd_probes_answered_elsewhere_total",
            .counter,
            "Answers to a path's probes that came in by another path, and so count for neither.",
            detours.counts.sorted { $0.key < $1.key }.flatMap { path, ways in
                ways.sorted { $0.key < $1.key }.map { .init(Double($1), ("path", path.text), ("by", $0.text)) }
            }
        )
        page.add(
            "pnetd_path_answers_elsewhere",
            .gauge,
            "Whether answers to a path's probes come in by another path: the other side answers by that one.",
            site.paths.map { .init(detours.open[$0.name] == nil ? 0 : 1, ("path", $0.name.text)) }
        )
    }
}
