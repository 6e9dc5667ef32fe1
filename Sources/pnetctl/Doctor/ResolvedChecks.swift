// SPDX-License-Identifier: Apache-2.0
// How systemd-resolved shares names out among its links, and whether zones of pnetd's go elsewhere by that.

import ControlAPI
import HostDNS
import NetworkTypes

extension Diagnosis {
    /// What systemd-resolved would do with the zones' names.
    var resolved: [Finding] {
        guard let resolved = host.resolved, report != nil else { return [] }
        guard asksResolved else {
            return [
                Finding(
                    .note,
                    "resolved",
                    "systemd-resolved runs, and the C library does not ask it",
                    why:
                        "what it is told counts only for programs that ask it themselves (resolvectl, browsers by D-Bus)"
                )
            ]
        }
        guard isAskedThroughResolved else { return [] }
        return misled(resolved) + rivalRoutes(resolved)
    }

    /// Zones that no routing domain of pnetd's link covers.
    private func misled(_ resolved: ResolvedFacts) -> [Finding] {
        let ours = Set(resolved.servers.filter { listens(at: $0.endpoint) }.map(\.link))
        let theirs = resolved.servers.filter { !listens(at: $0.endpoint) }
        return (report?.zones ?? []).compactMap { zone in
            let routes = resolved.domains.filter { zone.name.isWithin($0.name) }
            let longest = routes.map(\.name.labels.count).max()
            let links = Set(routes.filter { $0.name.labels.count == longest }.map(\.link))
            guard !links.isEmpty, links.isSubset(of: ours) else {
                let others = theirs.filter { links.isEmpty || links.contains($0.link) }.map(\.endpoint.description)
                return Finding(
                    .error,
                    "resolved-route",
                    "systemd-resolved asks others than pnetd for zone \(zone.name.withoutRootDot)"
                        + (others.isEmpty ? "" : ": \(others.prefix(3).joined(separator: ", "))"),
                    why:
                        "where links have equally long routing domains for a name, or none has any, all their servers are "
                        + "asked at once and the first answer counts",
                    remedy:
                        "let pnetd do it ('resolver: host: {manage: resolved}'), and take the domain off the other link "
                        + "(resolvectl domain)"
                )
            }
            return nil
        }
    }

    /// Links that all other names go to, beside pnetd's where it is to have them.
    private func rivalRoutes(_ resolved: ResolvedFacts) -> [Finding] {
        guard report?.host?.domains == "all" else { return [] }
        let ours = Set(resolved.servers.filter { listens(at: $0.endpoint) }.map(\.link))
        let roots = Set(resolved.domains.filter { $0.name == .root }.map(\.link)).subtracting(ours)
        return roots.sorted().map { link in
            Finding(
                .warning,
                "resolved-default",
                "systemd-resolved has the domain ~. on link \(link) as well as on pnetd's",
                why: "names in no zone are asked of both at once, and the first answer counts",
                remedy: "resolvectl domain \(link) '' (and for good where that link is set up), or 'domains: zones'"
            )
        }
    }
}
