// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

extension Reading {
    /// The key `host` of the section `resolver`.
    func hostNames(_ node: YAMLNode) -> (names: HostNames, mark: Mark)? {
        guard let section = Section(node, of: "host", keys: ["manage", "domains"], reading: self) else { return nil }
        let manage = section["manage"].flatMap { choice($0, "manage", of: HostNames.Management.self) } ?? .auto
        let domains = section["domains"].flatMap { choice($0, "domains", of: HostNames.Domains.self) }
        if let node = section["domains"], domains == .zones, manage == .resolvConf {
            error(
                node.mark,
                "domains: /etc/resolv.conf cannot tell zones from other names",
                hint: "domains: all, or manage: resolved"
            )
        }
        return (HostNames(manage: manage, domains: domains ?? .zones), node.mark)
    }

    /// What would leave this host without names.
    func checkHostNames(_ resolver: ResolverConfiguration, at mark: Mark) {
        guard resolver.host.manage != .off, !resolver.listen.isEmpty else { return }
        let servers = resolver.hostServers
        if servers.isEmpty {
            error(
                mark,
                "host: this host cannot ask any address of 'listen'",
                hint: "listen on 127.0.0.1 and allow 127.0.0.0/8; 127.0.0.53 is systemd-resolved's own"
            )
        } else if resolver.host.manage == .resolvConf, !servers.contains(where: { $0.endpoint.port == 53 }) {
            error(mark, "host: /etc/resolv.conf can name port 53 only", hint: "listen on 127.0.0.1:53 as well")
        }
        if resolver.upstreams.isEmpty, resolver.host.manage == .resolvConf || resolver.host.domains == .all {
            error(
                mark,
                "host: without upstreams, this host could look up no name outside of the zones",
                hint: "upstreams: [{address: ADDRESS}], or domains: zones with manage: resolved"
            )
        }
    }
}
