// SPDX-License-Identifier: Apache-2.0

import Configuration
import ControlAPI
import Logging
import NetworkTypes
import PathHealth

extension Agent {
    /// Leads a network's traffic to a path and puts that first, until the choice is given back, whoever runs by then.
    func switchPath(of name: NetworkName, to path: PathName?, _ request: ControlRequest) -> SwitchReport {
        if let objection = objection(toSwitching: name, to: path, isForced: request.allowInterruption == true) {
            log.error("\(name): not switched: \(objection)")
            return switchReport(name, refusal: objection)
        }
        let isThere = core.decision(of: name)?.outcome.carriers == path.map { [$0] }
        if preferred(by: name) != path || (path != nil && !isThere) {
            var all = saved.preferred ?? [:]
            all[name.text] = path?.text
            saved.preferred = all
            let news = path.map { "\($0) is put first by hand" } ?? "the file's order holds again"
            log.notice("\(name): \(news)")
            tellPreference(of: name)
            save()
            publish(nil)
        }
        return switchReport(name)
    }

    /// Tells the core of what an operator put first and it does not know of: an earlier run did, or another file.
    func recallPreferences() {
        for network in site.networks.map(\.name) where core.preference(of: network)?.path != preferred(by: network) {
            tellPreference(of: network)
        }
    }

    /// Tells the core which path an operator put first, if any.
    private func tellPreference(of network: NetworkName) {
        observe(.preferred(network, preferred(by: network).map { Preference($0, .movedByHand) }))
    }

    /// The path that an operator put first, as far as the file has it still.
    func preferred(by name: NetworkName) -> PathName? {
        let network = site.networks.first { $0.name == name }
        return saved.preferred?[name.text].flatMap { text in network?.paths.first { $0.text == text } }
    }

    private func objection(toSwitching name: NetworkName, to path: PathName?, isForced: Bool) -> String? {
        guard let network = core.report.first(where: { $0.decision.network == name }) else {
            return "there is no such network; there are \(site.networks.map(\.name.text).joined(separator: ", "))"
        }
        if drill != nil { return Self.isDrilling }
        guard let path else { return nil }
        guard let chosen = network.paths.first(where: { $0.path == path }) else {
            let names = network.paths.map(\.path.text).joined(separator: ", ")
            return "\(path) is none of its paths; those are \(names)"
        }
        let left = network.decision.outcome.carriers.filter { $0 != path }
        guard !left.isEmpty, !isForced else { return nil }
        guard chosen.verdict == .up else {
            let reasons = chosen.reasons.map(\.description).joined(separator: ", ")
            return "\(path) is \(chosen.verdict.rawValue): \(reasons)"
        }
        return left.lazy.compactMap(translatedFlowsObjection).first
    }

    private func switchReport(_ network: NetworkName, refusal: String? = nil) -> SwitchReport {
        SwitchReport(
            network: network,
            path: core.decision(of: network)?.outcome.path,
            preferred: preferred(by: network),
            refusal: refusal
        )
    }
}
