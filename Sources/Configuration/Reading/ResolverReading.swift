// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import NetworkTypes
import PrivateDNS
import SystemIO

extension Reading {
    /// The section `resolver`.
    func resolver(_ node: YAMLNode) -> ResolverConfiguration? {
        guard
            let section = Section(
                node,
                of: "resolver",
                keys: [
                    "listen", "allow", "workers", "when-blocked", "path-bound-ttl", "limits", "upstreams",
                    "special-use-upstream", "rebinding", "host", "tls", "dnssec",
                ],
                planned: ["gateway", "segments"],
                reading: self
            )
        else { return nil }
        let listen = section.required("listen").map { listenEndpoints($0, "resolver listen", defaultPort: 53) } ?? []
        let allow = section["allow"].map { node in
            (list(node, "allow") ?? []).compactMap { prefix($0, "allow") }
        }
        let workers = section["workers"].flatMap { integer($0, "workers", in: 1...64) }
        let whenBlocked = section["when-blocked"]
            .flatMap { choice($0, "when-blocked", of: ResolverConfiguration.BlockedAnswer.self) }
        let upstreams = section["upstreams"].flatMap { list($0, "upstreams", mayBeEmpty: true) } ?? []
        let special = section["special-use-upstream"].map { node in
            (list(node, "special-use-upstream") ?? []).compactMap {
                specialUseName($0, hasUpstreams: !upstreams.isEmpty)
            }
        }
        let threads = workers ?? min(ProcessInfo.processInfo.activeProcessorCount, 4)
        // One for UDP and one for TCP; the agent hands all of them over in one message.
        let sockets = 2 * listen.count * threads
        if let node = section["listen"], sockets > DescriptorPassing.limit {
            let message = "\(listen.count) addresses and \(threads) workers need \(sockets) sockets"
            error(node.mark, message, hint: "fewer of either: at most \(DescriptorPassing.limit) sockets")
        }
        let host = section["host"].flatMap(hostNames)
        let asked = upstreams.compactMap(upstream)
        let resolver = ResolverConfiguration(
            listen: listen,
            allow: allow ?? ResolverConfiguration.thisHost,
            workers: threads,
            whenBlocked: whenBlocked ?? .servfail,
            pathBoundTTL: section["path-bound-ttl"].flatMap {
                duration($0, "path-bound-ttl", in: .seconds(1) ... .seconds(3_600), saying: "1s to 1h")
            } ?? .seconds(10),
            limits: section["limits"].map(clientLimits) ?? .init(exempt: ResolverConfiguration.thisHost),
            upstreams: asked,
            tls: section["tls"].flatMap(tlsService),
            validation: section["dnssec"].flatMap { validation($0, hasUpstreams: !upstreams.isEmpty) },
            specialUseUpstream: special ?? [],
            trusted: section["rebinding"].map(trusted) ?? [],
            host: host?.names ?? .untouched
        )
        if let host { checkHostNames(resolver, at: host.mark) }
        return resolver
    }

    /// What one client may cost; nobody needs more than these bounds, and each token of a rate takes a nanosecond at least.
    private func clientLimits(_ node: YAMLNode) -> ResolverConfiguration.ClientLimits {
        var limits = ResolverConfiguration.ClientLimits(exempt: ResolverConfiguration.thisHost)
        let keys = ["queries-per-second", "in-flight", "responses-per-second", "exempt"]
        guard let section = Section(node, of: "limits", keys: keys, reading: self) else { return limits }
        func number(_ key: String, in range: ClosedRange<Int>) -> Int? {
            section[key].flatMap { integer($0, key, in: range) }
        }
        limits.queriesPerSecond = number("queries-per-second", in: 1...1_000_000) ?? limits.queriesPerSecond
        limits.inFlight = number("in-flight", in: 1...4096) ?? limits.inFlight
        limits.responsesPerSecond = number("responses-per-second", in: 1...1_000_000) ?? limits.responsesPerSecond
        if let exempt = section["exempt"] {
            limits.exempt = (list(exempt, "exempt", mayBeEmpty: true) ?? []).compactMap { prefix($0, "exempt") }
        }
        return limits
    }

    /// The domains that may lead to private addresses.
    private func trusted(_ node: YAMLNode) -> [DomainName] {
        guard let section = Section(node, of: "rebinding", keys: ["allow"], reading: self) else { return [] }
        return section.required("allow").flatMap { list($0, "allow") }.map { nodes in
            nodes.compactMap { value($0, "allow", as: DomainName.self, form: "a domain name, or \".\" for all") }
        } ?? []
    }

    private func specialUseName(_ node: YAMLNode, hasUpstreams: Bool) -> DomainName? {
        let what = "special-use-upstream"
        guard let name = value(node, what, as: DomainName.self, form: "a domain name") else { return nil }
        guard SpecialUseNames.holder(of: name) != nil else {
            let hint = "it is for names such as 168.192.in-addr.arpa or home.arpa"
            error(node.mark, "\(what): '\(name.withoutRootDot)' is no special-use name", hint: hint)
            return nil
        }
        guard hasUpstreams else {
            error(node.mark, "\(what): there are no upstreams to ask", hint: "upstreams: [{address: ADDRESS}]")
            return nil
        }
        return name
    }
}

extension ResolverConfiguration {
    /// Who may ask unless the file says otherwise.
    static let thisHost = ["127.0.0.0/8", "::1/128"].compactMap { IPPrefix($0) }
}
