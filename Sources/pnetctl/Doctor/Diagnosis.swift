// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import HostDNS
import NetworkTypes

/// What the host and pnetd say, put side by side. Each of its extensions is a group of checks; none asks the world.
struct Diagnosis {
    let host: HostFacts
    /// What pnetd says; nil where none answers.
    let report: HostNamesReport?
    /// Why none answers.
    var silence: String?

    /// All that was found.
    var findings: [Finding] {
        daemon + authorship + arrival + competingServers + resolved + nameServices + loops
    }

    private var daemon: [Finding] {
        guard let silence else {
            guard report?.listen.isEmpty == true else { return [] }
            return [Finding(.note, "daemon", "pnetd's file has no resolver", why: "only this host was looked at")]
        }
        return [
            Finding(
                .warning,
                "daemon",
                "pnetd was not asked: \(silence)",
                why: "loops and zones cannot be checked, only what this host's files say",
                remedy: "start pnetd, or run this as somebody who may ask it"
            )
        ]
    }

    /// What the C library is told; nil where that cannot be read.
    var conf: ResolvConf? { (try? host.resolvConf.get())?.contents }

    /// Whether an address is one where pnetd answers at port 53.
    func isPnetd(_ address: IPAddress) -> Bool { listens(at: SocketEndpoint(address: address, port: 53)) }

    /// Whether pnetd listens there: by name, or by being bound to all addresses of the host.
    func listens(at endpoint: SocketEndpoint) -> Bool {
        (report?.listen ?? []).contains { listener in
            guard listener.port == endpoint.port else { return false }
            if listener.address == endpoint.address { return true }
            return listener.address.bits == 0 && listener.address.family == endpoint.address.family
                && host.isOwn(endpoint.address)
        }
    }

    /// Whether an address is that of systemd-resolved's stubs.
    func isStub(_ address: IPAddress) -> Bool { ResolvConf.stubs.contains(address) }

    /// Whether the C library asks pnetd by itself.
    var isAsked: Bool {
        host.nameServices.asksDNS
            && (conf?.nameservers.prefix(ResolvConf.serverLimit).contains { isPnetd($0) } ?? false)
    }

    /// Whether the C library asks systemd-resolved.
    var asksResolved: Bool {
        host.resolved != nil
            && (host.nameServices.asksResolved || conf?.asksStub == true)
    }

    /// Whether systemd-resolved, which the C library asks, asks pnetd for some names or all.
    var isAskedThroughResolved: Bool {
        asksResolved && (host.resolved?.servers.contains { listens(at: $0.endpoint) } ?? false)
    }
}
