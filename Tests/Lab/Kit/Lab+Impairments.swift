// SPDX-License-Identifier: Apache-2.0

import SystemIO

/// What happens to packets on an underlay, made at the cloud's end so that the site sees nothing but silence.
public enum Impairment: Sendable {
    /// Nothing arrives any more, either way.
    case blackout
    /// Nothing of the tunnels arrives; the rest does.
    case tunnelsOnly
    /// So many of a hundred packets are lost at random, either way.
    case randomLoss(percent: Int)
    /// Of every `every` packets from the site, exactly one is lost.
    case exactLoss(every: Int)
    /// Nothing that the site sends arrives; what the cloud sends does.
    case oneWayFromSite

    fileprivate func rules(_ link: String) -> String {
        switch self {
        case .blackout: "iifname \(link) drop\n oifname \(link) drop"
        case .tunnelsOnly:
            "iifname \(link) udp dport { 51820, 51821 } drop\n oifname \(link) udp sport { 51820, 51821 } drop"
        case .randomLoss(let percent):
            "iifname \(link) numgen random mod 100 < \(percent) drop\n oifname \(link) numgen random mod 100 < \(percent) drop"
        case .exactLoss(let every): "iifname \(link) numgen inc mod \(every) 0 drop"
        case .oneWayFromSite: "iifname \(link) drop"
        }
    }
}

extension Lab {
    /// Impairs an underlay until ``heal(_:)``.
    public func impair(_ tunnel: Tunnel, _ impairment: Impairment) throws {
        let table = "impair-\(tunnel.rawValue)"
        let rules = impairment.rules("\"\(tunnel.uplink)\"")
        try cloud.run(
            "nft",
            "-f",
            "-",
            input: """
                table inet \(table)
                delete table inet \(table)
                table inet \(table) {
                  chain in { type filter hook prerouting priority -400; \(rules.split(separator: "\n").filter { $0.contains("iifname") }.joined(separator: "\n")) }
                  chain out { type filter hook postrouting priority 400; \(rules.split(separator: "\n").filter { $0.contains("oifname") }.joined(separator: "\n")) }
                }
                """
        )
    }

    /// Ends an impairment.
    public func heal(_ tunnel: Tunnel) throws {
        try cloud.run("nft", "delete", "table", "inet", "impair-\(tunnel.rawValue)")
    }

    /// Takes the carrier off the site's end of an underlay, or gives it back.
    public func setCarrier(_ tunnel: Tunnel, _ isOn: Bool) throws {
        try cloud.run("ip", "link", "set", tunnel.uplink, isOn ? "up" : "down")
        // A link that went down lost its IPv6 addresses.
        if isOn, tunnel == .b { try cloud.run("ip", "address", "replace", "2001:db8:b::1/64", "dev", "up-b") }
    }
}
