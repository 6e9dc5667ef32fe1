// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import Testing

@testable import Tunnel

struct HostSettingsTests {
    /// Settings of the host, by what a good one has otherwise.
    private static func settings(
        underlay: (Int, Bool) = (0, false),
        path: (Int, Bool) = (2, true)
    ) -> HostSettings {
        var settings = HostSettings()
        settings.sourceChecks = [
            Sample.interface("eth0"): .init(filter: underlay.0, goesByMark: underlay.1),
            Sample.interface("pn-a"): .init(filter: path.0, goesByMark: path.1),
        ]
        return settings
    }

    private static let strictUnderlay =
        "eth0: rp_filter is 1: what vpn-a's peers send is dropped unless the main table leads to them by eth0 "
        + "(sysctl -w net.ipv4.conf.eth0.rp_filter=2)"
    private static let strictPath =
        "pn-a: src_valid_mark is 0 and rp_filter is 1: answers by vpn-a are dropped while another path, or none, leads "
        + "to its networks (sysctl -w net.ipv4.conf.pn-a.src_valid_mark=1)"
    private static let loosePath =
        "pn-a: src_valid_mark is 0 and rp_filter is 2: answers by vpn-a are dropped while no path leads to its networks "
        + "(sysctl -w net.ipv4.conf.pn-a.src_valid_mark=1)"

    @Test(
        arguments: [
            (settings(), []), (settings(underlay: (1, false)), [strictUnderlay]),
            (settings(underlay: (1, true)), [strictUnderlay]), (settings(underlay: (2, false)), []),
            (settings(path: (0, false)), []), (settings(path: (1, true)), []),
            (settings(path: (1, false)), [strictPath]),
            (settings(path: (2, false)), [loosePath]),
            (settings(underlay: (1, false), path: (2, false)), [strictUnderlay, loosePath]), (HostSettings(), []),
        ] as [(HostSettings, [String])]
    )
    func findsSourceFiltersThatDropWhatIsOurs(settings: HostSettings, warnings: [String]) {
        #expect(settings.warnings(for: Sample.desired(.blocked)) == warnings)
    }

    /// The filter is for IPv4 alone.
    @Test func saysNothingOfIPv6() {
        var desired = Sample.desired(.blocked)
        desired.paths[0].wireGuard?.peers[0].endpoint = Sample.endpoint("[2001:db8::1]:51820")
        desired.paths[0].addresses = [Sample.address("fd00:99::2/126")]
        #expect(Self.settings(underlay: (1, false), path: (2, false)).warnings(for: desired) == [])
    }

    @Test func writesADotInANameAsSysctlReadsIt() {
        var desired = Sample.desired(.blocked)
        desired.paths[0].tunnel?.underlay.interface = Sample.interface("eth0.7")
        var settings = HostSettings()
        settings.sourceChecks = [Sample.interface("eth0.7"): .init(filter: 1, goesByMark: false)]
        #expect(settings.warnings(for: desired)[0].hasSuffix("(sysctl -w net.ipv4.conf.eth0/7.rp_filter=2)"))
    }

    @Test func asksForForwardingWhereThereAreHostsToTranslate() {
        var desired = Sample.desired(.blocked)
        var settings = HostSettings()
        settings.isNotForwarding = [.ipv4, .ipv6]
        #expect(settings.warnings(for: desired) == [])
        desired.paths[1].natSources = [Sample.prefix("10.1.0.0/16")]
        let warning = "the hosts in the nat of vpn-b are not let through"
        #expect(
            settings.warnings(for: desired)
                == ["net.ipv4.ip_forward is 0: \(warning) (sysctl -w net.ipv4.ip_forward=1)"]
        )
        desired.paths[1].natSources = [Sample.prefix("fd00:1::/64")]
        #expect(
            settings.warnings(for: desired)
                == ["net.ipv6.conf.all.forwarding is 0: \(warning) (sysctl -w net.ipv6.conf.all.forwarding=1)"]
        )
    }

    @Test func countsPrefixesBeforeItSpeaksOfNexthops() {
        var desired = Sample.desired(.blocked)
        var settings = HostSettings()
        settings.copiesNexthopChanges = true
        #expect(settings.warnings(for: desired) == [])
        desired.networks[0].prefixes = (0..<100).map { Sample.prefix("10.20.\($0).0/24") }
        #expect(settings.warnings(for: desired).count == 1)
    }

    /// As the running kernel has them, in a namespace of the test's own.
    @Test func readsTheGreaterOfTwoFiltersAndEitherMark() throws {
        try inFreshNamespace {
            try run("/sbin/ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth1")
            let set = { (setting: String, value: Int) in
                _ = try run("/sbin/sysctl", "-qw", "net.ipv4.conf.\(setting)=\(value)")
            }
            try set("all.rp_filter", 1)
            try set("eth0.rp_filter", 2)
            try set("eth1.rp_filter", 0)
            try set("eth1.src_valid_mark", 1)
            let desired = Sample.desired(.blocked)
            let settings = HostSettings(for: desired)
            #expect(
                settings.sourceChecks == [
                    Sample.interface("eth0"): .init(filter: 2, goesByMark: false),
                    Sample.interface("eth1"): .init(filter: 1, goesByMark: true),
                ]
            )
            #expect(settings.isNotForwarding == [.ipv4, .ipv6])
            #expect(settings.copiesNexthopChanges)
            try set("all.src_valid_mark", 1)
            #expect(HostSettings(for: desired).sourceChecks.values.allSatisfy { $0.goesByMark })
        }
    }
}
