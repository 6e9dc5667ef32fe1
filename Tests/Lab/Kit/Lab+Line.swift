// SPDX-License-Identifier: Apache-2.0

import SystemIO

/// A carrier's line between the site and the cloud, and the carrier's edge router in between.
///
///     site  eth3 172.16.0.2  ──── customer 172.16.0.1  carrier  core 172.16.1.1  ──── line0 172.16.1.2  cloud
///           fd00:16::2                     fd00:16::1                fd00:16:1::1           fd00:16:1::2
public enum Line {
    /// The path's name in the site's file.
    public static let path = "leased"
    /// The site's interface to it.
    public static let interface = "eth3"
    /// The site's addresses on it.
    public static let siteAddresses = ["172.16.0.2/30", "fd00:16::2/126"]
    /// The carrier's edge router, as the site sees it.
    public static let gateway = "172.16.0.1"
    /// The same over IPv6.
    public static let gateway6 = "fd00:16::1"
    /// The cloud's end, behind the carrier.
    public static let farEnd = "172.16.1.2"
    /// The path as a site's file has it, on an interface that others set up.
    public static let plain = path(interface: interface)

    /// The same with further keys.
    public static func path(interface: String, _ more: String = "") -> String {
        "{kind: routed, interface: \(interface), gateways: [\(gateway), \"\(gateway6)\"]\(more)}"
    }
}

extension Lab {
    /// Lays the line.
    ///
    /// - Parameter vlan: the number that its packets are tagged with; the site's interface has no addresses then.
    @discardableResult
    public func addLine(vlan: Int? = nil) throws -> Host {
        let host = try raiseCarrier()
        let (site, cloud) = (site, cloud)
        let own = vlan.map { "customer.\($0)" } ?? "customer"
        try Program.must(
            ["ip", "-batch", "-"],
            input: """
                link add \(Line.interface) netns \(site.namespace) type veth peer name customer netns \(host.namespace)
                link add line0 netns \(cloud.namespace) type veth peer name core netns \(host.namespace)

                """
        )
        try host.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        if let vlan { try host.ip("link add \(own) link customer type vlan id \(vlan)") }
        try host.ip(
            """
            link set customer up
            link set \(own) up
            link set core up
            address add \(Line.gateway)/30 dev \(own)
            address add \(Line.gateway6)/126 dev \(own)
            address add 172.16.1.1/30 dev core
            address add fd00:16:1::1/126 dev core
            route add 10.1.0.0/16 via 172.16.0.2
            route add fd00:1::/64 via fd00:16::2
            route add 10.20.0.0/16 via \(Line.farEnd)
            route add fd00:20::/48 via fd00:16:1::2
            """
        )
        try site.ip("link set \(Line.interface) up")
        if vlan == nil {
            try site.ip(Line.siteAddresses.map { "address add \($0) dev \(Line.interface)" }.joined(separator: "\n"))
        }
        try answerByLine()
        return host
    }

    /// What the cloud is asked by the line it answers by it, whatever the tunnels are for.
    private func answerByLine() throws {
        try cloud.ip(
            """
            link set line0 up
            address add \(Line.farEnd)/30 dev line0
            address add fd00:16:1::2/126 dev line0
            route add 172.16.0.0/30 via 172.16.1.1
            route add fd00:16::/126 via fd00:16:1::1
            """
        )
        try answer(by: "line0", mark: 3, ways: ("via 172.16.1.1", "via fd00:16:1::1"))
    }

    /// Where on the line packets are lost.
    public enum Break: String, Sendable {
        /// At the edge router, which is as if it were not there; the carrier of the link stays.
        case edge
        /// Behind it: the edge router itself answers.
        case beyond
    }

    /// Has the carrier lose all packets, until ``healLine()``.
    public func breakLine(_ place: Break) throws {
        let rules =
            switch place {
            case .beyond: "table inet broken { chain passing { type filter hook forward priority -400; drop; }; }"
            case .edge:
                // What ARP asks goes by no table of the families inet and ip.
                """
                table inet broken { chain saying { type filter hook output priority -400; drop; }; }
                table netdev broken { chain in { type filter hook ingress device customer priority 0; drop; }; }
                """
            }
        try carrier?.run(
            "nft",
            "-f",
            "-",
            input: rules + "\n"
        )
    }

    /// Ends what ``breakLine(_:)`` began.
    public func healLine() throws { try carrier?.run("nft", "flush", "ruleset") }

    /// Takes the carrier off the site's end of the line, or gives it back.
    public func setLineCarrier(_ isOn: Bool) throws {
        try carrier?.run("ip", "link", "set", "customer", isOn ? "up" : "down")
        guard isOn else { return }
        // A link that went down lost its IPv6 addresses, and the routes by it.
        try carrier?.ip(
            """
            address replace \(Line.gateway6)/126 dev customer
            route replace 10.1.0.0/16 via 172.16.0.2
            route replace fd00:1::/64 via fd00:16::2
            """
        )
    }
}
