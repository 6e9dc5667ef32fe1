// SPDX-License-Identifier: Apache-2.0

import Configuration
import ControlAPI
import Logging
import NetworkTypes
import PathHealth

extension Agent {
    /// Leads traffic off a path and keeps it off until ``undrain(_:)``, whoever runs by then.
    func drain(_ name: PathName, _ request: ControlRequest) -> DrainReport {
        if let objection = objection(toDraining: name, isForced: request.allowInterruption ?? false) {
            log.error("\(name): not drained: \(objection)")
            return DrainReport(path: name, drained: isDrained(name), refusal: objection)
        }
        if !isDrained(name) {
            saved.drained = (saved.drained ?? []) + [name.text]
            save()
            log.notice("\(name): drained by hand")
            tellWhetherDrained(name)
            publish(nil)
        }
        return DrainReport(path: name, drained: true, networks: waysOfNetworks(using: name))
    }

    /// Gives a path back. Traffic comes to it as to any path that is up again.
    func undrain(_ name: PathName) -> DrainReport {
        guard isDrained(name), rotation?.path != name else {
            let refusal = unknown(name) ?? (isDrained(name) ? Self.isRotating : "it is not drained")
            return DrainReport(path: name, drained: isDrained(name), refusal: refusal)
        }
        saved.drained?.removeAll { $0 == name.text }
        save()
        log.notice("\(name): no longer drained")
        tellWhetherDrained(name)
        publish(nil)
        return DrainReport(path: name, drained: false, networks: waysOfNetworks(using: name))
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
