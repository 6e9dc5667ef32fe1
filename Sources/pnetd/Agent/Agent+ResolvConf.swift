// SPDX-License-Identifier: Apache-2.0

import Configuration
import HostDNS
import Logging
import NetworkTypes
import SystemIO

extension Agent {
    /// How often in a minute ours is put in the place of what somebody else writes.
    private static let putBackLimit = 3
    static let resolvConf = "/etc/resolv.conf"

    /// Has /etc/resolv.conf lead to the resolver, and keeps it so within bounds.
    func followConf(_ resolver: ResolverConfiguration) {
        let servers = hostServers(resolver).filter { $0.port == 53 }.map(\.address)
        guard !servers.isEmpty else {
            return say("this host's names do not go to pnetd: it listens at no port 53 that this host can ask")
        }
        guard !resolver.upstreams.isEmpty else {
            return say(
                "this host's names do not go to pnetd: by \(Self.resolvConf) they would all do, and there are no upstreams for "
                    + "those outside of the zones"
            )
        }
        hostNames.putBack.removeAll { loop.now - $0 > .seconds(60) }
        do throws(ResolvConfError) {
            switch try hostNames.conf.standing(asking: servers) {
            case .asWanted: hostNames.hasTakenConf = true
            case .outdated, .untouched: try take(servers)
            // Whatever happened before this run is nobody's fault.
            case .overwritten where !hostNames.hasTakenConf: try take(servers)
            case .overwritten(let author):
                guard hostNames.putBack.count < Self.putBackLimit else { return say(contest(author)) }
                hostNames.putBack.append(loop.now)
                try take(servers)
                tellOfForeignChange(Self.resolvConf, by: author?.name ?? "somebody (its comments do not say who)")
            }
            if hostNames.putBack.count < Self.putBackLimit { say(nil) }
        } catch {
            say("this host's names do not go to pnetd: \(error)")
        }
    }

    private func take(_ servers: [IPAddress]) throws(ResolvConfError) {
        try hostNames.conf.take(asking: servers)
        hostNames.hasTakenConf = true
        log.notice("this host's names go to pnetd", metadata: ["by": "\(Self.resolvConf)"])
    }

    private func contest(_ author: ResolvConfAuthor?) -> String {
        let authors = author.map { [$0] } ?? ResolvConfAuthor.running()
        let remedies = authors.map { "if it is \($0.name), \($0.remedy)" }
        let remedy = remedies.isEmpty ? "'pnetctl doctor' tells more" : remedies.joined(separator: "; ")
        return
            "\(Self.resolvConf) is written again and again by \(author?.name ?? "somebody"), and this host's names go "
            + "past pnetd for up to a minute each time (\(remedy))"
    }

    /// Puts back what was there before; what went wrong, in words.
    func restoreConf() -> String? {
        hostNames.hasTakenConf = false
        do throws(ResolvConfError) {
            switch try hostNames.conf.restore() {
            case .nothingToDo: break
            case .restored: log.notice("this host's names go where they went before pnetd")
            case .left(let author):
                log.warning("\(Self.resolvConf) is \(author?.name ?? "somebody else")'s by now, and left as it is")
            }
            return nil
        } catch {
            return "\(error)"
        }
    }
}
