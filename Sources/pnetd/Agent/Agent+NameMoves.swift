// SPDX-License-Identifier: Apache-2.0

import Configuration
import ControlAPI
import Logging
import NetworkTypes
import PathHealth
import ProcessLink
import SystemIO

/// A move by hand that leads names from a private path to the public, or back. It waits until no client holds an answer
/// from before for long: answers are good for a second while it waits, and those from before end.
struct NameMove {
    let path: PathName
    /// Whether the path is drained then, or else given back.
    let drains: Bool
    /// The networks whose names move.
    let networks: [NetworkName]
    let ends: Instant
    let timer: EventLoop.TimerID
    /// Who is told how it ends.
    var askers: [(DrainReport) -> Void] = []

    /// The networks, for a text.
    var networksText: String { networks.map(\.text).joined(separator: ", ") }
}

extension Agent {
    /// How long clients are told to keep what holds only while a path does, in seconds.
    var pathBoundTTL: UInt32 {
        let longest = UInt32(site.resolver?.pathBoundTTL.inSeconds ?? 0)
        return nameMove == nil ? longest : min(longest, 1)
    }

    /// Begins to wait for names that clients hold, or goes on; nil where a move changes no names, or nobody was told any.
    func wait(
        for path: PathName,
        drains: Bool,
        _ asker: @escaping (DrainReport) -> Void
    ) -> NameMove? {
        if nameMove?.path == path {
            nameMove?.askers.append(asker)
            return nameMove
        }
        let networks = networksWhoseNamesMove(with: path, drains: drains)
        guard let resolver = site.resolver, !networks.isEmpty, processes.isConnected(.resolver) else { return nil }
        let wait = resolver.pathBoundTTL
        nameMove = NameMove(
            path: path,
            drains: drains,
            networks: networks,
            ends: loop.now + wait,
            timer: loop.schedule(after: wait) { [weak self] in self?.endNameMove() },
            askers: [asker]
        )
        _ = sendSnapshot()
        log.notice(
            "\(path): \(drains ? "drained" : "given back") once no client holds names from before",
            metadata: ["networks": "\(networks)", "wait": "\(wait.shortText)"]
        )
        return nameMove
    }

    /// Forgets a move that waits, and says why.
    func cancelNameMove(of path: PathName, _ reason: String) {
        guard let move = nameMove, move.path == path else { return }
        loop.cancel(move.timer)
        nameMove = nil
        _ = sendSnapshot()
        for tell in move.askers { tell(DrainReport(path: path, drained: isDrained(path), refusal: reason)) }
    }

    /// Why a path's move has to wait for another one's; nil where it has not.
    func objection(toMoving path: PathName) -> String? {
        guard let move = nameMove, move.path != path else { return nil }
        let left = max(move.ends - loop.now, .zero).shortText
        return "the names of \(move.networksText) are moving with \(move.path); ask again in \(left)"
    }

    private func endNameMove() {
        guard let move = nameMove else { return }
        nameMove = nil
        guard site.paths.contains(where: { $0.name == move.path }) else { return }
        setDrained(move.drains, move.path)
        _ = sendSnapshot()
        let report = DrainReport(path: move.path, drained: move.drains, networks: waysOfNetworks(using: move.path))
        for tell in move.askers { tell(report) }
    }

    private func networksWhoseNamesMove(with path: PathName, drains: Bool) -> [NetworkName] {
        let moving =
            drains
            ? stranded(by: path)
            : core.report.filter { network in
                network.decision.outcome == .public && network.paths.contains { $0.path == path }
            }.map(\.decision.network)
        return site.networks.filter { network in
            network.whenDown == .public && moving.contains(network.name)
                && (!network.zones.isEmpty || site.views.contains { $0.zones.contains { $0.network == network.name } })
        }.map(\.name)
    }

    var nameMoveWarnings: [String] {
        guard let move = nameMove else { return [] }
        let left = max(move.ends - loop.now, .zero).shortText
        return [
            "\(move.path): \(move.drains ? "drained" : "given back") in \(left); until then the names of "
                + "\(move.networksText) are answered for a second"
        ]
    }
}
