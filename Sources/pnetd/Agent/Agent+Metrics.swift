// SPDX-License-Identifier: Apache-2.0

import Configuration
import ControlAPI
import NetworkTypes
import PathHealth
import ProcessLink
import SystemIO
import Telemetry
import Tunnel

extension Agent {
    /// The page that Prometheus scrapes.
    func metricsPage() -> String {
        var page = Exposition()
        let report = statusReport()
        page.add("pnetd_build_info", .gauge, "The version that runs.", [.init(1, ("version", Version.text))])
        addNetworks(report, to: &page)
        addCertificates(to: &page)
        addProofs(to: &page)
        addPaths(report, to: &page)
        addBFD(to: &page)
        addIKE(to: &page)
        addXFRM(to: &page)
        addDetours(to: &page)
        addConnections(to: &page)
        addSTAMP(to: &page)
        addOwn(to: &page)
        addEncryptedNames(to: &page)
        addNameSets(report, to: &page)
        AcceptedMetrics.add(counters.resolver, to: &page)
        return page.text
    }

    private func addNetworks(_ report: StatusReport, to page: inout Exposition) {
        let networks = report.networks
        page.add(
            "pnetd_network_state",
            .gauge,
            "1 for the state that a network is in, 0 for the others.",
            networks.flatMap { network in
                StatusReport.NetworkState.allCases.map { state in
                    .init(network.state == state ? 1 : 0, ("network", network.name.text), ("state", state.rawValue))
                }
            }
        )
        page.add(
            "pnetd_network_active_path",
            .gauge,
            "1 for the path that carries a network's traffic, 0 for its others.",
            networks.flatMap { network in
                network.paths.map {
                    .init(
                        network.carriers.contains($0.path) ? 1 : 0,
                        ("network", network.name.text),
                        ("path", $0.path.text)
                    )
                }
            }
        )
        page.add(
            "pnetd_network_preferred_path",
            .gauge,
            "1 for the best path of a network, if it were up; 0 for its others.",
            networks.flatMap { network in
                network.paths.enumerated().map {
                    .init($0.offset == 0 ? 1 : 0, ("network", network.name.text), ("path", $0.element.path.text))
                }
            }
        )
        page.add(
            "pnetd_network_path_up",
            .gauge,
            "Whether a network is reached through a path.",
            networks.flatMap { network in
                network.paths.map {
                    .init($0.verdict == .up ? 1 : 0, ("network", network.name.text), ("path", $0.path.text))
                }
            }
        )
        page.add(
            "pnetd_network_switches_total",
            .counter,
            "How often a network's active path changed.",
            networks.map { .init(Double($0.switches), ("network", $0.name.text)) }
        )
        page.add(
            "pnetd_network_generation",
            .gauge,
            "The number of a network's decision.",
            core.report.map { .init(Double($0.decision.generation), ("network", $0.decision.network.text)) }
        )
        page.add(
            "pnetd_probe_rtt_seconds",
            .gauge,
            "Smoothed round-trip time of a network's best target through a path.",
            networks.flatMap { network in
                network.paths.compactMap { path in
                    path.rttMs.map { .init($0 / 1e3, ("network", network.name.text), ("path", path.path.text)) }
                }
            }
        )
        page.add(
            "pnetd_probe_loss_ratio",
            .gauge,
            "Share of the last 64 probes without answer, by the best target.",
            networks.flatMap { network in
                network.paths.compactMap { path in
                    path.lossRatio.map { .init($0, ("network", network.name.text), ("path", path.path.text)) }
                }
            }
        )
    }

    private func addProofs(to page: inout Exposition) {
        let pairs = core.report.flatMap { network in network.paths.map { (network.decision, $0) } }
        page.add(
            "pnetd_path_proven_good_seconds",
            .gauge,
            "When a path was last shown to carry a network's traffic, by use or by a drill, in seconds since 1970.",
            pairs.compactMap { decision, path in
                provenGood(path, decision).map {
                    .init(Double($0) / 1e9, ("network", decision.network.text), ("path", path.path.text))
                }
            }
        )
        page.add(
            "pnetd_drills_total",
            .counter,
            "Drills of a network's paths, by outcome.",
            pairs.flatMap { decision, path -> [Exposition.Sample] in
                let drills = counters.drills[decision.network]?[path.path] ?? Counters.Drills()
                return [("proven", drills.proven), ("failed", drills.failed)].map { outcome, count in
                    .init(
                        Double(count),
                        ("network", decision.network.text),
                        ("path", path.path.text),
                        ("outcome", outcome)
                    )
                }
            }
        )
    }

    private func addPaths(_ report: StatusReport, to page: inout Exposition) {
        let all = report.paths
        page.add(
            "pnetd_path_up",
            .gauge,
            "Whether a path carries traffic for all networks that use it.",
            all.map { .init($0.verdict == .up ? 1 : 0, ("path", $0.name.text)) }
        )
        page.add(
            "pnetd_path_info",
            .gauge,
            "What a path is made of.",
            all.map {
                .init(
                    1,
                    ("path", $0.name.text),
                    ("interface", $0.interface.text),
                    ("kind", $0.kind.rawValue),
                    ("implementation", $0.implementation?.rawValue ?? "none")
                )
            }
        )
        page.add(
            "pnetd_path_handshake_age_seconds",
            .gauge,
            "Time since the last WireGuard handshake of a path's first peer.",
            site.paths.compactMap { path in
                firstPeer(of: path).flatMap(handshakeAge).map { .init($0, ("path", path.name.text)) }
            }
        )
        page.add(
            "pnetd_path_clock_lag_seconds",
            .gauge,
            "How far this host's clock is behind a path's last handshake; the peer refuses new ones meanwhile.",
            all.map { path in
                let lag = clockWatch.lag(of: path.name, wallNanoseconds: clock.wallNanoseconds)
                return .init(lag.inSeconds, ("path", path.name.text))
            }
        )
        page.add(
            "pnetd_path_receive_bytes_total",
            .counter,
            "Octets received by a path's interface.",
            all.compactMap { path in path.rxBytes.map { .init(Double($0), ("path", path.name.text)) } }
        )
        page.add(
            "pnetd_path_transmit_bytes_total",
            .counter,
            "Octets sent by a path's interface.",
            all.compactMap { path in path.txBytes.map { .init(Double($0), ("path", path.name.text)) } }
        )
        page.add(
            "pnetd_path_mtu_bytes",
            .gauge,
            "Octets of the largest packet that gets through a path, as far as is known.",
            all.compactMap { path in (path.carriedMTU ?? path.mtu).map { .init(Double($0), ("path", path.name.text)) } }
        )
        let counts: [(String, String, [PathName: UInt64])] = [
            ("pnetd_probes_sent_total", "Probes that left by a path.", probes?.sent ?? [:]),
            ("pnetd_probe_answers_total", "Answers that came in by the path of their probe.", probes?.answered ?? [:]),
            (
                "pnetd_probes_refused_total",
                "Probes that a target, or a host before it, said no to: by TCP, TLS, HTTP or an RCODE.",
                probes?.refused ?? [:]
            ),
            ("pnetd_probes_unsendable_total", "Probes that could not leave.", probes?.unsendable ?? [:]),
            (
                "pnetd_flows_cut_total", "Flows cut because their network had left the path whose address they had.",
                counters.flowsCut
            ),
            (
                "pnetd_endpoint_changes_total", "How often a path's peers were called elsewhere than before.",
                counters.endpointChanges
            ),
        ]
        for (name, help, counts) in counts {
            page.add(name, .counter, help, all.map { .init(Double(counts[$0.name] ?? 0), ("path", $0.name.text)) })
        }
    }

    private func addOwn(to page: inout Exposition) {
        let counts: [(String, String, UInt64)] = [
            ("pnetd_reconciles_total", "Passes over the kernel's state.", counters.reconciles),
            ("pnetd_kernel_changes_total", "Changes made to the kernel.", counters.changes),
            ("pnetd_kernel_failures_total", "Changes that the kernel refused.", counters.failures),
            (
                "pnetd_foreign_changes_total",
                "Things of pnetd's that somebody else had changed and that were put right.",
                counters.foreignChanges
            ),
            (
                "pnetd_kernel_untold_total",
                "Differences that a whole reading of the kernel found and no event had told of.", counters.untold
            ),
            ("pnetd_netlink_overruns_total", "Times that netlink events were lost.", reconciler.overruns),
            ("pnetd_reloads_total", "Files taken in.", counters.reloads),
            ("pnetd_refused_reloads_total", "Files refused because of errors.", counters.refusedReloads),
            ("pnetd_rollbacks_total", "Files on trial that were not confirmed and taken back.", counters.rollbacks),
            ("pnetd_alerts_delivered_total", "Alerts that reached their receiver.", counters.alertsDelivered),
            ("pnetd_alert_failures_total", "Attempts to deliver an alert that failed.", counters.alertsFailed),
            ("pnetd_alerts_lost_total", "Alerts given up because too many waited.", saved.alerts.lost),
            ("pnetd_journal_octets_total", "Octets written to the journal.", journal.octets),
            ("pnetd_journal_lost_total", "Records that could not be written to the journal.", journal.lost),
        ]
        for (name, help, count) in counts { page.add(name, .counter, help, [.init(Double(count))]) }
        page.add(
            "pnetd_warnings",
            .gauge,
            "Warnings that pnetctl status shows, by what they are about.",
            warnings.map { .init(Double($0.texts.count), ("kind", $0.kind.rawValue)) }
        )
        let zones = site.networks.flatMap(\.zones) + site.views.flatMap { $0.zones.map(\.zone) }
        page.add(
            "pnetd_zones_unready",
            .gauge,
            "Zones of which no name is answered, since their zone files are not whole.",
            [.init(Double(zones.count { $0.source.isUnready }))]
        )
        page.add(
            "pnetd_endpoint_lookups_total",
            .counter,
            "Questions for the addresses of endpoints by name, by what became of them.",
            Counters.Lookup.allCases.map { .init(Double(counters.lookups[$0] ?? 0), ("result", $0.rawValue)) }
        )
        page.add(
            "pnetd_key_rotations_total",
            .counter,
            "Private keys that were put in force on trial, by how that ended.",
            Rotation.End.allCases.map { .init(Double(counters.rotations[$0] ?? 0), ("result", $0.rawValue)) }
        )
        page.add(
            "pnetd_alerts_waiting",
            .gauge,
            "Alerts that wait for their receiver.",
            [.init(Double(saved.alerts.waiting.count))]
        )
        page.add(
            "pnetd_file_unconfirmed",
            .gauge,
            "Whether a file is in force on trial, or was and is not in force any more.",
            [.init(trial != nil || isRolledBack ? 1 : 0)]
        )
        page.add(
            "pnetd_disputes",
            .gauge,
            "Things that somebody else changes again and again; they are put right at a slower pace.",
            [.init(Double(kernelWork.foreign.disputes.count))]
        )
        page.add(
            "pnetd_guard_owned",
            .gauge,
            "Whether other programs cannot touch the guard table.",
            [.init(guardIsOwned ? 1 : 0)]
        )
        page.add(
            "pnetd_guard_missing_at_start",
            .gauge,
            "Whether an earlier run's guard was not in place when the agent started.",
            [.init(kernelWork.guardWasMissing ? 1 : 0)]
        )
        page.add(
            "pnetd_process_offences_total",
            .counter,
            "How often resolver or frontend was cut off for what it said to the agent.",
            LinkRole.allCases.map { .init(Double(processes.offences[$0] ?? 0), ("process", $0.rawValue)) }
        )
        page.add(
            "pnetd_process_up",
            .gauge,
            "Whether resolver and frontend are connected to the agent.",
            wantedRoles.sorted { $0.rawValue < $1.rawValue }.map {
                .init(processes.isConnected($0) ? 1 : 0, ("process", $0.rawValue))
            }
        )
        page.add(
            "pnetd_effect_duration_seconds",
            "Time from a decision to its effect, and of a whole pass over the kernel.",
            Counters.Effect.allCases.compactMap { effect in
                counters.effects[effect].map { (("effect", effect.rawValue), $0) }
            }
        )
    }
}
