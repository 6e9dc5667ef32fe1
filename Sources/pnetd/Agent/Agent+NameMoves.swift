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
    /// The networks that have no path then: nobody allowed that others are cut.
    let stranded: [NetworkName]
    /// Who is told how it ends.
    var askers: [(DrainReport) -> Void] = []
    var ends: Instant
    var timer: EventLoop.TimerID?

    /// The networks whose names move, for a text.
    var networksText: String { networks.map(\.text).joined(separator: ", ") }
}

extension Agent {
    /// How long clients are told to keep what holds only while a path does, in seconds.
    var pathBoundTTL: UInt32 {
        let longest = UInt32(site.resolver?.pathBoundTTL.inSeconds ?? 0)
        return nameMove == nil ? longest : min(longest, 1)
    }

    /// The networks whose names a move leads elsewhere, where anybody was told of them.
    func networksWhoseNamesMove(with path: PathName, drains: Bool) -> [NetworkName] {
        guard site.resolver != nil, processes.isConnected(.resolver) else { return [] }
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

    /// Waits for names that clients hold, from now on or as before.
    /// - Parameter asker: is told how it ended.
    func wait(for path: PathName, drains: Bool, _ networks: [NetworkName], _ asker: @escaping (DrainReport) -> Void) {
        if nameMove == nil { begin(moveOf: path, drains: drains, networks) }
        nameMove?.askers.append(asker)
    }

    private func begin(moveOf path: PathName, drains: Bool, _ networks: [NetworkName]) {
        nameMove = NameMove(
            path: path,
            drains: drains,
            networks: networks,
            stranded: drains ? stranded(by: path) : [],
            ends: loop.now
        )
        restartWait()
        // What is handed out until the resolver goes by it may be held for as long as ever.
        if let serial = sendSnapshot() {
            names.waiting[serial, default: []].append { [weak self] in self?.restartWait() }
        }
        log.notice(
            "\(path): \(drains ? "drained" : "given back") once no client holds names from before",
            metadata: ["networks": "\(networks)"]
        )
    }

    private func restartWait() {
        guard let move = nameMove, let wait = site.resolver?.pathBoundTTL else { return }
        if let timer = move.timer { loop.cancel(timer) }
        nameMove?.ends = loop.now + wait
        nameMove?.timer = loop.schedule(after: wait) { [weak self] in self?.endWait() }
    }

    private func endWait() {
        guard let move = nameMove else { return }
        let surprised = move.drains ? stranded(by: move.path).filter { !move.stranded.contains($0) } : []
        guard surprised.isEmpty else {
            return cancelNameMove("\(surprised.map(\.text).joined(separator: ", ")) would have no path by now")
        }
        makeNameMove()
    }

    /// Moves the names that were waited for.
    func makeNameMove() {
        guard let move = takeNameMove() else { return }
        setDrained(move.drains, move.path)
        _ = sendSnapshot()
        let ways = waysOfNetworks(using: move.path)
        for tell in move.askers { tell(DrainReport(path: move.path, drained: move.drains, networks: ways)) }
    }

    /// Leaves names where they are, and says why.
    func cancelNameMove(_ reason: String) {
        guard let move = takeNameMove() else { return }
        log.notice("\(move.path): not \(move.drains ? "drained" : "given back"): \(reason)")
        _ = sendSnapshot()
        for tell in move.askers { tell(DrainReport(path: move.path, drained: !move.drains, refusal: reason)) }
    }

    private func takeNameMove() -> NameMove? {
        guard let move = nameMove else { return nil }
        if let timer = move.timer { loop.cancel(timer) }
        nameMove = nil
        return move
    }

    /// Why a path has to wait for the names of another one; nil where it has not.
    func objection(toMovingNamesWith path: PathName) -> String? {
        guard let move = nameMove, move.path != path else { return nil }
        let left = max(move.ends - loop.now, .zero).shortText
        return "the names of \(move.networksText) are moving with \(move.path); ask again in \(left)"
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
