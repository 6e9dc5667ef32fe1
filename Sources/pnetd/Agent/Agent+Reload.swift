// SPDX-License-Identifier: Apache-2.0

import Configuration
import ControlAPI
import Journal
import Logging
import NetworkTypes
import PathHealth
import ProcessLink
import SystemIO
import Tunnel

extension Agent {
    /// Reads the file again. One with an error changes nothing.
    func reload(_ done: @escaping (ReloadReport) -> Void) {
        readFile { [weak self] outcome in
            guard let self else { return }
            done(outcome.map(reloaded) ?? refuse([Self.isReading]))
        }
    }

    /// Reads the file and what it names; anew where another one came in force meanwhile, as with a key that was rotated.
    /// - Parameter done: is given nil where too many wait for the file.
    func readFile(_ done: @escaping (ConfigurationLoader.Outcome?) -> Void) {
        let before = fileChanges
        let willRead = loader.load { [weak self] outcome in
            guard let self else { return }
            if fileChanges == before { done(outcome) } else { readFile(done) }
        }
        if !willRead { done(nil) }
    }

    static let isReading = "the file is being read for others already (ask again when they have their answers)"

    private func reloaded(_ outcome: ConfigurationLoader.Outcome) -> ReloadReport {
        guard trial == nil else { return refuse([Self.isOnTrial]) }
        guard rotation == nil else { return refuse([Self.isRotating]) }
        guard !isEnding, !kernelWork.isOver else { return refuse([Self.isStopping]) }
        let loaded: LoadedConfiguration
        switch outcome {
        case .success(let whole): loaded = whole
        case .failure(let error): return refuse(error.diagnostics.map(\.description))
        }
        guard UnconfirmedFile.ofTrial(loaded, in: site.state.directory) == nil else {
            return refuse(["\(file): error: it was on trial and was taken back (change it, or pnetctl apply it again)"])
        }
        let fixed = fixedParts(loaded.configuration)
        guard fixed.isEmpty else { return refuse(fixed) }
        return ReloadReport(changed: take(loaded), errors: [])
    }

    /// Puts a file in force; false where it asks for nothing new.
    ///
    /// - Parameter isTrial: whether what was on trial, or is, stays written down as unconfirmed.
    func take(_ loaded: LoadedConfiguration, onTrial isTrial: Bool = false) -> Bool {
        let new = loaded.configuration
        let isNew = new != site
        endDrill("the file was read again")
        if isNew { cancelNameMove("the file was read again") }
        counters.reloads += 1
        inForce = loaded
        credentialProblem = nil
        if !isTrial { forgetUnconfirmed() }
        guard isNew else {
            log.notice("reloaded; nothing changed")
            return false
        }
        saved.assignSlots(new)
        // What is on trial may be taken back.
        if !isTrial { saved.forget(besides: new) }
        saved.alerts.keep(new.alerts.map(AlertDelivery.Receiver.init))
        let names = Set(new.networks.map(\.name))
        routed = routed.filter { names.contains($0.key) }
        named = named.filter { names.contains($0.key) }
        networkStates = networkStates.filter { names.contains($0.key) }
        followPlaces()
        probes?.tls.servers = new.tlsTargets
        probes?.keep(only: new.policies)
        tellCore(.policies(new.policies, adopting: [:]))
        recallDrained()
        recallPreferences()
        for network in new.networks where named[network.name] == nil {
            named[network.name] = core.decision(of: network.name)
        }
        reconcile()
        serveListeners()
        handOverAgain()
        lookForEndpoints()
        followHostNames()
        save()
        log.notice("reloaded")
        publish(nil)
        return true
    }

    static let isStopping = "pnetd stops"

    private func refuse(_ errors: [String]) -> ReloadReport {
        counters.refusedReloads += 1
        for error in errors { log.error("\(error)") }
        log.error("not reloaded; what was in force stays in force")
        return ReloadReport(changed: false, errors: errors)
    }

    /// What only a restart can change, and would leave things of ours behind unnoticed otherwise.
    func fixedParts(_ new: SiteConfiguration) -> [String] {
        var errors: [String] = []
        func check(_ section: String, _ same: Bool) {
            if !same {
                errors.append(
                    "\(file): error: '\(section)' cannot change while pnetd runs (pnetctl down, then start it again)"
                )
            }
        }
        check("reserve", new.reserve == site.reserve)
        check("state", new.state == site.state)
        check("control", new.control == site.control)
        check("site", new.site == site.site)
        return errors
    }

    /// Takes all that is ours out of the kernel, and ends.
    func takeDown() -> Result<DownReport, ControlError> {
        endDrill("all is taken down")
        kernelWork.isOver = true
        bfd?.setAllAdminDown(true)
        let (removed, failed) = reconciler.removeEverything()
        for step in removed { log.notice("down: \(step)") }
        guard failed.isEmpty else {
            kernelWork.isOver = false
            bfd?.setAllAdminDown(false)
            reconcile()
            return .failure(
                ControlError(
                    code: .failed,
                    message: "not everything could be removed",
                    cause: failed.joined(separator: "; ")
                )
            )
        }
        let hasTunnels = ike?.tunnels.isEmpty == false
        var left: [String] = []
        if ike?.takeDown() == false {
            left.append(
                "charon does not answer: connections that begin with pnetd- stay there (swanctl --list-conns shows them, and "
                    + "systemctl restart strongswan forgets them)"
            )
        }
        if let problem = restoreHostNames() { left.append(problem) }
        for text in left { log.error("down: \(text)") }
        saved.realms = [:]
        keepInMind("the next boot will be guarded") { try GuardFile(in: site.state.directory).remove() }
        // charon tells the other ends.
        loop.schedule(after: hasTunnels ? .seconds(1) : .milliseconds(50)) { [weak self] in self?.end() }
        return .success(DownReport(removed: removed, left: left))
    }
}
