// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes

/// How much longer than the wire takes a tunnel's outer packets are on their way.
public struct Delay: Sendable {
    /// How long a packet is held, each way.
    public var eachWay: Duration
    /// How much longer at random, at most; packets may overtake each other.
    public var jitter: Duration

    /// Makes a delay.
    public init(eachWay: Duration, jitter: Duration = .zero) {
        self.eachWay = eachWay
        self.jitter = jitter
    }
}

/// What the kernel's netem does to an underlay, each way by itself.
struct Netem {
    var delay: Delay?
    var lossPercent = 0

    /// It in tc(8)'s words. There jitter goes both ways from the middle.
    var words: [String] {
        var words = ["netem"]
        if let delay {
            let half = delay.jitter.nanoseconds / 2_000
            words += ["delay", "\(delay.eachWay.nanoseconds / 1_000 + half)us", "\(half)us"]
        }
        return lossPercent > 0 ? words + ["loss", "\(lossPercent)%"] : words
    }
}

extension Lab {
    /// Holds a tunnel's outer packets: by netem on its underlay where the kernel has it, else by a relay in front of
    /// the gateway, which takes the place of an earlier one. The site finds the one or the other at the tunnel's
    /// `delayedEndpoint`.
    public func delay(_ tunnel: Tunnel, _ delay: Delay) throws {
        guard !Stage.here.hasNetem else { return try shape(tunnel) { $0.delay = delay } }
        try relays[tunnel]?.stop()
        relays[tunnel] = try cloud.start(
            "relay-\(tunnel.rawValue)",
            "\(try Daemon.programs)/lab-relay",
            tunnel.relayEndpoint,
            tunnel.endpoint,
            delay.eachWay.shortText,
            delay.jitter.shortText
        )
    }

    /// Changes what netem does to an underlay.
    ///
    /// It works on what leaves. What comes from the site is therefore led around by an ifb, so that all of it is at the
    /// cloud's end, behind the captures: what the site sends is seen there also if it is lost.
    func shape(_ tunnel: Tunnel, _ change: (inout Netem) -> Void) throws {
        let around = "ifb-\(tunnel.rawValue)"
        if netem[tunnel] == nil {
            try cloud.run("ip", "link", "add", around, "type", "ifb")
            try cloud.run("ip", "link", "set", around, "up")
            try cloud.run("tc", "qdisc", "add", "dev", tunnel.uplink, "ingress")
            let redirect = ["matchall", "action", "mirred", "egress", "redirect", "dev", around]
            try cloud.run(["tc", "filter", "add", "dev", tunnel.uplink, "ingress"] + redirect)
        }
        change(&netem[tunnel, default: Netem()])
        let words = netem[tunnel, default: Netem()].words
        for link in [tunnel.uplink, around] {
            try cloud.run(["tc", "qdisc", "replace", "dev", link, "root"] + words)
        }
    }
}
