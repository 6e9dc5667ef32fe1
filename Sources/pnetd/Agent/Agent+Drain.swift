// SPDX-License-Identifier: Apache-2.0

import Configuration
import ControlAPI
import Logging
import NetworkTypes
import PathHealth
import SystemIO

extension Agent {
    /// Leads traffic off a path and keeps it off until ``undrain(_:_:_:)``, whoever runs by then.
    /// - Parameter later: is told how it ended, where names are waited for.
    func drain(
        _ name: PathName,
        _ request: ControlRequest,
        _ later: @escaping (DrainReport) -> Void
    ) -> DrainReport {
        if let objection = objection(toDraining: name, isForced: request.allowInterruption ?? false) {
            log.error("\(name): not drained: \(objection)")
            return DrainReport(path: name, drained: isDrained(name), refusal: objection)
        }
        return move(name, drains: true, request, later)
    }

    /// Gives a path back. Traffic comes to it as to any path that is up again.
    /// - Parameter later: is told how it ended, where names are waited for.
    func undrain(
        _ name: PathName,
        _ request: ControlRequest,
        _ later: @escaping (DrainReport) -> Void
    ) -> DrainReport {
        guard isDrained(name) || nameMove?.path == name, rotation?.path != name else {
            let refusal = unknown(name) ?? (isDrained(name) ? Self.isRotating : "it is not drained")
            return DrainReport(path: name, drained: isDrained(name), refusal: refusal)
        }
        return move(name, drains: false, request, later)
    }

    private func move(
        _ name: PathName,
        drains: Bool,
        _ request: ControlRequest,
        _ later: @escaping (DrainReport) -> Void
    ) -> DrainReport {
        if let move = nameMove, move.path == name, move.drains != drains {
            cancelNameMove(drains ? "it was drained again meanwhile" : "it was given back meanwhile")
        }
        guard isDrained(name) != drains else { return moved(name) }
        let isWaiting = nameMove?.path == name
        let networks = isWaiting ? nameMove?.networks ?? [] : networksWhoseNamesMove(with: name, drains: drains)
        guard networks.isEmpty || request.immediately == true else {
            if let objection = objection(toMovingNamesWith: name) {
                return DrainReport(path: name, drained: !drains, refusal: objection)
            }
            wait(for: name, drains: drains, networks, later)
            let left = max((nameMove?.ends ?? loop.now) - loop.now, .milliseconds(10))
            let texts = networks.map(\.text)
            return DrainReport(path: name, drained: !drains, waitSeconds: left.inSeconds, networks: texts)
        }
        if isWaiting { makeNameMove() } else { setDrained(drains, name) }
        return moved(name)
    }

    private func moved(_ name: PathName) -> DrainReport {
        DrainReport(path: name, drained: isDrained(name), networks: waysOfNetworks(using: name))
    }

    /// Takes a path out, or gives it back.
    func setDrained(_ isDrained: Bool, _ name: PathName) {
        saved.drained = (saved.drained ?? []).filter { $0 != name.text } + (isDrained ? [name.text] : [])
        save()
        log.notice("\(name): \(isDrained ? "drained by hand" : "no longer drained")")
        tellWhetherDrained(name)
        publish(nil)
    }

    /// Tells the core of the paths that stay drained from one run, or one file, to the next.
    func recallDrained() {
        for path in site.paths where isDrained(path.name) { tellWhetherDrained(path.name) }
    }

    /// Tells the core, and the far end of the path's BFD session, whether traffic keeps off a path, and by whose word.
    func tellWhetherDrained(_ path: PathName) {
        observe(.drained(path, isDrained(path) ? .byHand : isUnkept(path) ? .charonAbsent : nil))
        setSessionAdminDown(isDrained(path), of: path)
    }

    /// Whether an operator took a path out.
    func isDrained(_ path: PathName) -> Bool { saved.drained?.contains(path.text) ?? false }

    private func objection(toDraining name: PathName, isForced: Bool) -> String? {
        if let unknown = unknown(name) { return unknown }
        if rotation?.path == name { return Self.isRotating }
        guard !isForced else { return nil }
        let stranded = stranded(by: name).map(\.text).joined(separator: ", ")
        guard stranded.isEmpty else {
            return "\(stranded) would have no path; --allow-interruption cuts its traffic"
        }
        return translatedFlowsObjection(to: name)
    }

    private func unknown(_ name: PathName) -> String? {
        guard !site.paths.contains(where: { $0.name == name }) else { return nil }
        return "there is no such path; there are \(site.paths.map(\.name.text).joined(separator: ", "))"
    }

    /// Why traffic cannot leave a path without harm to the flows that are translated to its address.
    func translatedFlowsObjection(to name: PathName) -> String? {
        guard site.paths.contains(where: { $0.name == name && !$0.natSources.isEmpty }),
            core.report.contains(where: { $0.decision.outcome.carriers.contains(name) })
        else { return nil }
        return "flows that are translated to its address would be cut; --allow-interruption lets them"
    }
}
