// SPDX-License-Identifier: Apache-2.0

import Configuration
import HostDNS
import Logging
import NetworkTypes
import SystemIO
import Tunnel

extension Agent {
    /// systemd-resolved takes so many domains a link (LINK_SEARCH_DOMAINS_MAX, 256 in its older versions).
    private static let domainLimit = 256

    func watchResolved() {
        hostNames.resolved.onChange = { [weak self] in
            guard let self else { return }
            loop.schedule(at: loop.now) { [weak self] in self?.followHostNames() }
        }
        hostNames.resolved.onForeignChange = { [weak self] in
            self?.tellOfForeignChange(
                "what systemd-resolved has of \(NamesLink.name)",
                by: "somebody (it does not say who)"
            )
        }
    }

    /// Has systemd-resolved ask the resolver, for as long as the interface that it hangs on is there.
    func followResolved(_ resolver: ResolverConfiguration) {
        hostNames.resolved.connect()
        switch hostNames.resolved.state {
        case .unknown: return
        case .absent:
            return say(
                "this host's names do not go to pnetd: systemd-resolved is not on the system's bus (systemctl start "
                    + "systemd-resolved dbus, or 'manage: resolv-conf')"
            )
        case .running: break
        }
        let servers = hostServers(resolver)
        guard let first = servers.first else {
            return say("this host's names do not go to pnetd: nothing is listened on that it can ask")
        }
        let link: Int32?
        do {
            link = try hostNames.link.putUp(saying: "\(resolver.host.domains.rawValue) \(first)")
        } catch {
            return say("this host's names do not go to pnetd: \(error)")
        }
        guard let link else {
            return say(
                "this host's names do not go to pnetd: interface \(NamesLink.name) is somebody else's (remove it)"
            )
        }
        if let before = hostNames.wish, before.link != link {
            tellOfForeignChange("interface \(NamesLink.name)", by: "somebody")
        }
        let domains = self.domains(resolver.host.domains)
        let wish = Resolved.Wish(link: link, servers: servers, domains: Array(domains.prefix(Self.domainLimit)))
        if wish != hostNames.wish, domains.count <= Self.domainLimit {
            log.notice("this host's names go to pnetd", metadata: ["by": "systemd-resolved"])
        }
        hostNames.wish = wish
        hostNames.resolved.follow(wish)
        if let problem = hostNames.resolved.problem {
            say("this host's names do not go to pnetd: systemd-resolved refused \(problem)")
        } else if domains.count > Self.domainLimit {
            say(
                "of \(domains.count) zones, \(Self.domainLimit) are told to systemd-resolved, which takes no more: this host "
                    + "looks the others up elsewhere ('domains: all')"
            )
        } else {
            say(nil)
        }
    }

    /// All names, or those in the networks' zones: the file's own first, then those of reverse names. Made once for each file.
    private func domains(_ wanted: HostNames.Domains) -> [DomainName] {
        if let made = hostNames.domains, made.wanted == wanted, made.networks == site.networks { return made.domains }
        let zones = site.networks.flatMap(\.zones).map(\.name) + reverseZones.map(\.name)
        let domains = (wanted == .all ? [.root] : []) + zones.outermost
        hostNames.domains = (wanted, site.networks, domains)
        return domains
    }

    /// Takes away what systemd-resolved was told, and the interface with it; what went wrong, in words.
    func restoreResolved() -> String? {
        if let wish = hostNames.wish { hostNames.resolved.revert(wish.link) }
        hostNames.wish = nil
        do {
            if try hostNames.link.remove() { log.notice("systemd-resolved asks whom it asked before pnetd") }
            return nil
        } catch {
            return "\(error)"
        }
    }
}

extension [DomainName] {
    /// Each once, without those that lie below another.
    fileprivate var outermost: [DomainName] {
        let all = Set(self)
        var seen: Set<DomainName> = []
        return filter { name in
            let above = sequence(first: name, next: \.parent).dropFirst()
            return seen.insert(name).inserted && !above.contains { all.contains($0) }
        }
    }
}
