// SPDX-License-Identifier: Apache-2.0
// What /etc/resolv.conf and /etc/nsswitch.conf say, and whether this host's names come to pnetd by them.

import ControlAPI
import HostDNS
import NetworkTypes

extension Diagnosis {
    /// Who manages the file, and who else would.
    var authorship: [Finding] {
        let file: ResolvConfFile
        switch host.resolvConf {
        case .success(let found): file = found
        case .failure(let error):
            return [
                Finding(
                    .error,
                    "resolv-conf",
                    "\(error)",
                    why:
                        "the C library asks 127.0.0.1 where it finds no server, and programs fail in ways of their own",
                    remedy: "make /etc/resolv.conf a readable file, or a link to one"
                )
            ]
        }
        if file.isOurs { return rivals(of: file) }
        let who: String
        switch (file, file.author) {
        case (.absent, _): who = "there is no /etc/resolv.conf"
        case (.link(let target, _), let author):
            who = "/etc/resolv.conf is a link to \(target), \(author.map { "\($0.name)'s" } ?? "and nobody says whose")"
        case (.file, let author?): who = "/etc/resolv.conf is written by \(author.name)"
        case (.file, nil):
            let suspects = host.authors.map(\.name)
            who =
                "/etc/resolv.conf says of nobody that he writes it"
                + (suspects.isEmpty ? "" : "; it may be \(suspects.joined(separator: " or "))")
        }
        return [Finding(.note, "resolv-conf", who, why: "whoever writes it decides whom the C library asks")]
    }

    private func rivals(of file: ResolvConfFile) -> [Finding] {
        let rivals = host.authors.filter { $0.name != "systemd-resolved" }
        let note = Finding(.note, "resolv-conf", "/etc/resolv.conf is pnetd's", why: "the file asks for it")
        guard !rivals.isEmpty else { return [note] }
        return [note]
            + rivals.map { author in
                Finding(
                    .warning,
                    "rival",
                    "\(author.name) runs and may write /etc/resolv.conf, which is pnetd's now",
                    why: "until pnetd puts it back, private names go to public servers",
                    remedy: author.remedy
                )
            }
    }

    /// Servers beside pnetd, and options that make them count.
    var competingServers: [Finding] {
        guard let conf, isAsked || isAskedThroughResolved else { return [] }
        var findings: [Finding] = []
        let others = conf.nameservers.prefix(ResolvConf.serverLimit).filter { !isPnetd($0) && !isStub($0) }
        for server in others {
            findings.append(
                Finding(
                    server.isPublic ? .error : .warning,
                    "second-nameserver",
                    "/etc/resolv.conf names \(server), a \(server.isPublic ? "public " : "")server, beside pnetd",
                    why:
                        "glibc asks it whenever pnetd says SERVFAIL or is slow, as for a blocked network: private names "
                        + "are told to a stranger, whose public answers are believed",
                    remedy:
                        "remove it from /etc/resolv.conf (or from what \(conf.author?.name ?? "its author") makes it "
                        + "of) and name it under 'upstreams' in pnetd's file"
                )
            )
        }
        if conf.options.contains("rotate"), !others.isEmpty {
            findings.append(
                Finding(
                    .error,
                    "rotate",
                    "/etc/resolv.conf has 'options rotate'",
                    why: "the servers are asked in turn, so a share of all private names goes past pnetd",
                    remedy: "remove 'rotate'"
                )
            )
        }
        return findings
    }

    /// Whether what this host asks is pnetd at all.
    var arrival: [Finding] {
        guard let report, let part = report.host, !report.listen.isEmpty else { return [] }
        var findings = part.problems.map { problem in
            Finding(.error, "host-names", problem, why: "this host's names do not come to pnetd as the file says")
        }
        guard part.problems.isEmpty else { return findings }
        if isAsked || isAskedThroughResolved {
            if !report.isAnswering {
                findings.append(
                    Finding(
                        .error,
                        "resolver-down",
                        "this host asks pnetd, and its resolver does not run",
                        why: "no name can be looked up",
                        remedy: "systemctl status pnetd-resolver; pnetd restore-names gives the host back"
                    )
                )
            }
            return findings
        }
        findings.append(
            Finding(
                part.manage == "off" ? .note : .error,
                "not-asked",
                "this host does not ask pnetd (it listens on \(report.listen.map(\.description).joined(separator: ", ")))",
                why: "programs of this host see the public side of the zones' names",
                remedy: part.manage == "off"
                    ? "'resolver: host: {manage: auto}' in pnetd's file, if it is meant to" : "see the other findings"
            )
        )
        return findings
    }

    /// What nsswitch.conf keeps from DNS.
    var nameServices: [Finding] {
        var findings: [Finding] = []
        let services = host.nameServices
        if !services.asksDNS, !services.asksResolved {
            findings.append(
                Finding(
                    .error,
                    "nsswitch",
                    "the line 'hosts:' of /etc/nsswitch.conf has neither dns nor resolve",
                    why: "the C library looks no name up in DNS, whatever /etc/resolv.conf says",
                    remedy: "add dns to it"
                )
            )
        }
        for zone in report?.zones ?? [] {
            guard let service = services.swallower(of: zone.name) else { continue }
            findings.append(
                Finding(
                    .error,
                    "mdns",
                    "\(service) in /etc/nsswitch.conf has the last word on zone \(zone.name.withoutRootDot)",
                    why:
                        "names in .local are multicast DNS's (RFC 6762), and it is asked before DNS, with [NOTFOUND=return]",
                    remedy: "put dns before \(service) there, or give the zone a name outside of .local"
                )
            )
        }
        return findings
    }
}

extension IPAddress {
    /// Whether it is of the public Internet: not of a site's, a link's or a host's own addresses.
    var isPublic: Bool {
        isUnicastHost && !isLoopback && !isLinkLocal && !Self.localPrefixes.contains { $0.contains(self) }
    }

    /// RFC 1918, RFC 6598, RFC 4193.
    private static let localPrefixes = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"]
        .compactMap { IPPrefix($0) }
}
