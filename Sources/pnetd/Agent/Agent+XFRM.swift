// SPDX-License-Identifier: Apache-2.0

import CLinux
import Configuration
import ControlAPI
import Logging
import NetworkTypes
import PathHealth
import SystemIO
import Telemetry
import Tunnel

/// What the kernel counts of IPsec: as evidence, in status and in metrics.
extension Agent {
    /// Takes in what the kernel has of the IPsec paths; none where it cannot be read. Once a second.
    func count(_ facts: [PathName: SecurityFacts]) {
        let now = loop.now
        let tunnels = site.paths.filter { $0.ipsec != nil }
        xfrm.keep(tunnels.map(\.name))
        readXFRMStatistics(now)
        for path in tunnels {
            // What cannot be read says nothing.
            let counted = facts[path.name].map { xfrm.look(path.name, at: $0, now: now) }
            let refusals = counted?.refusals(now: now) ?? PacketRefusals()
            if core.refusals(of: path.name).isEmpty, !refusals.isEmpty {
                for warning in refusalWarnings(of: path) { log.warning("\(warning)") }
            }
            observe(.refusals(path.name, refusals))
            let status = counted?.status(since: core.silence(of: path.name), now: now)
            observe(.peer(path.name, status ?? .unknown))
        }
    }

    private func readXFRMStatistics(_ now: Instant) {
        do {
            xfrm.take(try XFRMStatistics.read(), now: now)
            xfrm.problem = nil
        } catch {
            guard xfrm.problem != error else { return }
            xfrm.problem = error
            if error.code == ENOENT {
                log.notice(
                    "this kernel does not count what IPsec refuses (XFRM_STATISTICS): associations do that alone"
                )
            } else {
                log.error("\(error)")
            }
        }
    }

    // MARK: - Status

    /// What was refused, path by path, while it still grows.
    var refusalWarnings: [String] { site.paths.flatMap(refusalWarnings) }

    private func refusalWarnings(of path: PathConfiguration) -> [String] {
        guard let growth = xfrm.paths[path.name]?.lastMinute else { return [] }
        let (forged, replayed) = (growth.forged, growth.late + growth.repeated)
        func warning(_ count: UInt64, _ what: String, _ remedy: String) -> String? {
            guard count > 0 else { return nil }
            return "\(path.name): \(count == 1 ? "1 packet" : "\(count) packets") that came in within the last minute "
                + "\(what): \(remedy)"
        }
        return [
            warning(
                forged,
                "could not be authenticated",
                "the keys of the two ends differ, or something changes packets on the way, or forges them (a tunnel that "
                    + "carries nothing is begun anew by itself; where it goes on, look at the log of the gateway, and for "
                    + "who else sends: tcpdump -ni \(path.carrier) 'esp or udp port 4500')"
            ),
            warning(
                replayed,
                "had come before, or came too late to tell",
                "replayed, or reordered by more than the replay window holds (where the way reorders, as lines in a bundle "
                    + "do: a larger charon.replay_window in strongswan.conf)"
            ),
        ].compactMap(\.self)
    }

    /// What a path's associations have counted, as status has it.
    func packetReport(_ path: PathName) -> StatusReport.Path.IPsec.Packets? {
        xfrm.paths[path].map { counted in
            let total = counted.counts.total
            return StatusReport.Path.IPsec.Packets(
                received: total.received,
                sent: total.sent,
                forged: total.forged,
                late: total.late,
                repeated: total.repeated
            )
        }
    }

    /// What the kernel counted within the last minute, as status has it; nil where no path is of IPsec.
    var xfrmReport: StatusReport.XFRM? {
        let tunnels = site.paths.filter { $0.ipsec != nil }.map(\.name)
        guard !tunnels.isEmpty else { return nil }
        let isSettled = tunnels.allSatisfy { core.verdict(of: $0)?.verdict.isUsable ?? true }
        let growth = xfrm.growth
        return StatusReport.XFRM(
            isCounted: xfrm.counts != nil,
            lastMinute: growth.counters.map { counter in
                StatusReport.XFRM.Growth(
                    counter: counter.rawValue,
                    packets: growth.packets[counter] ?? 0,
                    explanation: growth.explanation(counter),
                    isNotable: counter.weight != .unsettled || !isSettled
                )
            }
        )
    }

    /// The same for `explain`.
    func xfrmFacts(of path: PathConfiguration) -> [Explanation] {
        guard path.ipsec != nil, let report = xfrmReport else { return [] }
        let packets = packetReport(path.name).map { packets in
            Explanation(
                "its associations let \(packets.received) packets in and \(packets.sent) out since pnetd runs",
                because: [
                    Explanation("\(packets.forged) that came in were refused: they could not be authenticated"),
                    Explanation("\(packets.late) were refused: they were older than the replay window holds"),
                    Explanation("\(packets.repeated) were refused: they had come before"),
                ]
            )
        }
        let reasons = report.lastMinute.map { Explanation($0.explanation) }
        let whole =
            report.isCounted
            ? reasons.isEmpty
                ? nil : Explanation("in the last minute, of all IPsec in this network namespace", because: reasons)
            : Explanation("what else IPsec refuses, this kernel does not count (XFRM_STATISTICS)")
        return [packets, whole].compactMap(\.self)
    }

    // MARK: - Metrics

    func addXFRM(to page: inout Exposition) {
        let counted = site.paths.compactMap { path in xfrm.paths[path.name].map { (path.name, $0.counts.total) } }
        guard site.paths.contains(where: { $0.ipsec != nil }) else { return }
        page.add(
            "pnetd_ipsec_refused_packets_total",
            .counter,
            "Packets that came in by a path's IPsec tunnel and were refused, by what was wrong with them.",
            counted.flatMap { path, packets in
                [("forged", packets.forged), ("late", packets.late), ("repeated", packets.repeated)].map {
                    .init(Double($1), ("path", path.text), ("reason", $0))
                }
            }
        )
        page.add(
            "pnetd_xfrm_errors_total",
            .counter,
            "Packets that the kernel's IPsec did not let through, in the whole network namespace, by its own counters.",
            (xfrm.counts?.counts ?? [:]).sorted { $0.key.rawValue < $1.key.rawValue }.map {
                .init(Double($0.value), ("counter", $0.key.rawValue))
            }
        )
    }
}
