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
    /// So many of a hundred packets from the site are lost at random; what the cloud sends arrives.
    case lossFromSite(percent: Int)
    /// So many of a hundred packets to the site are lost at random; what the site sends arrives.
    case lossToSite(percent: Int)
    /// Nothing that the site sends arrives; what the cloud sends does.
    case oneWayFromSite
    /// Nothing that the cloud sends arrives; what the site sends does.
    case oneWayFromCloud

    /// nft rules for what the cloud receives and what it sends.
    fileprivate var rules: (receiving: String, sending: String) {
        switch self {
        case .blackout: ("drop", "drop")
        case .tunnelsOnly: ("udp dport { 51820, 51821 } drop", "udp sport { 51820, 51821 } drop")
        case .randomLoss(let percent):
            ("numgen random mod 100 < \(percent) drop", "numgen random mod 100 < \(percent) drop")
        case .exactLoss(let every): ("numgen inc mod \(every) 0 drop", "")
        case .oneWayFromSite: ("drop", "")
        case .lossFromSite(let percent): ("numgen random mod 100 < \(percent) drop", "")
        case .lossToSite(let percent): ("", "numgen random mod 100 < \(percent) drop")
        case .oneWayFromCloud: ("", "drop")
        }
    }
}

extension Lab {
    /// Impairs an underlay until ``heal(_:)``. What the kernel's netem can do it does, where there is one; the rest is
    /// rules of nft.
    public func impair(_ tunnel: Tunnel, _ impairment: Impairment) throws {
        if Stage.here.hasNetem, case .randomLoss(let percent) = impairment {
            return try shape(tunnel) { $0.lossPercent = percent }
        }
        let table = "impair-\(tunnel.rawValue)"
        let (receiving, sending) = impairment.rules
        let link = "\"\(tunnel.uplink)\""
        try cloud.run(
            "nft",
            "-f",
            "-",
            input: """
                table inet \(table)
                delete table inet \(table)
                table inet \(table) {
                  chain receiving {
                    type filter hook prerouting priority -400
                    \(receiving.isEmpty ? "" : "iifname \(link) \(receiving)")
                  }
                  chain sending {
                    type filter hook postrouting priority 400
                    \(sending.isEmpty ? "" : "oifname \(link) \(sending)")
                  }
                }
                """
        )
    }

    /// Ends an impairment.
    public func heal(_ tunnel: Tunnel) throws {
        if let netem = netem[tunnel], netem.lossPercent > 0 { return try shape(tunnel) { $0.lossPercent = 0 } }
        try cloud.run("nft", "delete", "table", "inet", "impair-\(tunnel.rawValue)")
    }

    /// Takes the carrier off the site's end of an underlay, or gives it back.
    public func setCarrier(_ tunnel: Tunnel, _ isOn: Bool) throws {
        try cloud.run("ip", "link", "set", tunnel.uplink, isOn ? "up" : "down")
        // A link that went down lost its IPv6 addresses.
        if isOn, tunnel == .b { try cloud.run("ip", "address", "replace", "2001:db8:b::1/64", "dev", "up-b") }
    }
}
