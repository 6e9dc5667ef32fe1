// SPDX-License-Identifier: Apache-2.0

import Configuration
import ControlAPI
import Logging
import NetworkTypes
import ProcessLink
import SystemIO
import Telemetry
import Tunnel

/// The addresses of names in sets: the resolver tells of them before clients hear of them, and the firewall holds them.
extension Agent {
    /// Has the firewall hold what the resolver tells of, and says what it holds. What the resolver says beyond bounds is not
    /// held.
    func hold(_ request: UInt64, _ learned: [NameSetAddress]) {
        var refused = Set(learned.indices)
        defer { processes.send(.held(request: request, except: refused), to: .resolver) }
        guard !kernelWork.isOver, learned.count <= NameSetAddress.limit,
            learned.allSatisfy({ $0.sets.count <= site.nameSets.count })
        else { return }
        do {
            refused = try reconciler.hold(learned.map { ($0.sets, $0.address, $0.lifetime) })
            names.holdProblem = nil
        } catch {
            let problem = "the firewall does not take the addresses of name sets: \(error)"
            if names.holdProblem != problem { log.error("\(problem)") }
            names.holdProblem = problem
        }
    }

    var nameSetWarnings: [String] {
        guard !site.nameSets.isEmpty else { return [] }
        let full = reconciler.fullNameSets.sorted().map {
            "name set \($0) is full: the firewall holds no further address until others end (fewer domains?)"
        }
        return (names.holdProblem.map { [$0] } ?? []) + full
    }

    /// The file's sets, in its order.
    var nameSetReports: [StatusReport.NameSet] {
        let counts = site.nameSets.isEmpty ? [:] : reconciler.nameSetCounts
        return site.nameSets.map { StatusReport.NameSet(name: $0.name, addresses: counts[$0.name] ?? 0) }
    }

    func addNameSets(_ report: StatusReport, to page: inout Exposition) {
        page.add(
            "pnetd_name_set_addresses",
            .gauge,
            "Addresses of a set of names that the firewall holds.",
            report.nameSets.map { .init(Double($0.addresses), ("set", $0.name.text)) }
        )
    }
}
