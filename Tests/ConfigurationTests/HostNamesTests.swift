// SPDX-License-Identifier: Apache-2.0

import Configuration
import NetworkTypes
import Testing

struct HostNamesTests {
    private static let workers = "  workers: 2\n"

    private func site(_ host: String, _ changes: (String, String)...) throws -> SiteConfiguration {
        let file = try TemporaryFile(
            Example.replacing([(Self.workers, Self.workers + "  host: \(host)\n")] + changes)
        )
        defer { try? file.remove() }
        return try Configuration.load(path: file.path).configuration
    }

    @Test func theHostIsLeftAloneUnlessTheFileSaysOtherwise() throws {
        let file = try TemporaryFile(Example.replacing([]))
        defer { try? file.remove() }
        #expect(try Configuration.load(path: file.path).configuration.resolver?.host == .untouched)
    }

    @Test func aSectionHasDefaults() throws {
        let usual = try #require(try site("{}").resolver?.host)
        #expect(usual.manage == .auto && usual.domains == .zones)
        let other = try #require(try site("{manage: resolv-conf, domains: all}").resolver?.host)
        #expect(other.manage == .resolvConf && other.domains == .all)
    }

    @Test func theHostAsksLoopbackFirst() throws {
        let all = try site(
            "{}",
            ("[\"127.0.0.1:53\", 10.1.0.1]", "[10.1.0.1, 127.0.0.53, 192.168.0.1, \"0.0.0.0:5353\"]")
        )
        let servers = try #require(all.resolver?.hostServers)
        #expect(servers.map(\.endpoint.description) == ["127.0.0.1:5353", "10.1.0.1:53"])
        #expect(servers.map(\.listener.description) == ["0.0.0.0:5353", "10.1.0.1:53"])
    }

    @Test func saysWhatWouldLeaveTheHostWithoutNames() throws {
        try Example.expect(
            (Self.workers, "  host: {manage: resolv-conf, domains: zones}\n"),
            ("  upstreams: [{address: 192.0.2.53}, {address: \"[2001:db8::53]:5353\"}]\n", ""),
            give: [
                "52:9: error: host: without upstreams, this host could look up no name outside of the zones (upstreams: "
                    + "[{address: ADDRESS}], or domains: zones with manage: resolved)",
                "52:40: error: domains: /etc/resolv.conf cannot tell zones from other names (domains: all, or manage: "
                    + "resolved)",
            ]
        )
        try Example.expect(
            (Self.workers, "  host: {manage: resolv-conf}\n"),
            ("[\"127.0.0.1:53\", 10.1.0.1]", "[\"127.0.0.1:5353\"]"),
            give: [
                "52:9: error: host: /etc/resolv.conf can name port 53 only (listen on 127.0.0.1:53 as well)"
            ]
        )
        try Example.expect(
            (Self.workers, "  host: {manage: auto}\n"),
            ("[\"127.0.0.1:53\", 10.1.0.1]", "[192.168.0.1, 127.0.0.53]"),
            give: [
                "52:9: error: host: this host cannot ask any address of 'listen' (listen on 127.0.0.1 and allow "
                    + "127.0.0.0/8; 127.0.0.53 is systemd-resolved's own)"
            ]
        )
        try Example.expect(
            (Self.workers, "  host: {mange: auto}\n"),
            give: ["52:10: error: unknown key 'mange' in host (did you mean 'manage'?)"]
        )
    }
}
