// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import Lab
import NetworkTypes
import SystemIO
import Testing

extension Scenarios {
    /// pnetd at both ends of the same tunnels: traffic each way follows the other.
    @Suite(.serialized, .anyKernel)
    struct BothEnds {
        /// So soon one direction follows the other: three BFD packets where one end tells the other; a probe's interval of
        /// 300 ms, and a tenth of a second for the programs, where each end finds out for itself.
        private static func interval(bfd: Bool) -> Duration { bfd ? .milliseconds(300) : .milliseconds(400) }

        /// What is to be cut is known in 300 ms; what is to stay rides through a busy machine's pause.
        private static let multipliers: [(Tunnel, Int)] = [(.a, 3), (.b, 10)]

        private func options(bfd: Bool) -> SiteFile {
            var options = SiteFile()
            options.failback = "1s"
            options.damping = false
            guard bfd else { return options }
            for (tunnel, multiplier) in Self.multipliers {
                options.bfd[tunnel] = "{peer: \(tunnel.gatewayAddress), interval: 100ms, multiplier: \(multiplier)}"
            }
            return options
        }

        /// Both agents run, and both networks are on the first path with the other one to go to.
        private func bothEnds(_ label: String, bfd: Bool, _ body: (Lab, Daemon, Daemon) throws -> Void) throws {
            let options = options(bfd: bfd)
            try scenario(label, options, farEnd: .agent) { lab, site in
                let cloud = try Daemon(lab, farEndOf: options)
                do {
                    try cloud.start()
                    try site.start()
                    for end in [site, cloud] { try settle(end, bfd: bfd) }
                    try body(lab, site, cloud)
                } catch {
                    Issue.record("\(error)\n--- the log of the far end's pnetd\n\(cloud.log.suffix(4_000))")
                    throw error
                }
            }
        }

        private func settle(_ end: Daemon, bfd: Bool) throws {
            try end.waitFor(path: .a)
            try end.waitFor(.b, .up)
            guard bfd else { return }
            for (tunnel, multiplier) in Self.multipliers {
                try waitUntil("the timers of \(tunnel.path) are agreed on") {
                    let session = try end.status().paths.first { "\($0.name)" == tunnel.path }?.bfd
                    return session?.state == .up && session?.detectionMs == Double(100 * multiplier)
                }
            }
        }

        /// Both directions of the stream, and how much later the later one came by the tunnel.
        private func moves(
            _ streams: Stream.Results,
            to tunnel: Tunnel,
            from instant: Instant,
            _ what: String
        ) throws -> (outward: Duration, inward: Duration, lag: Duration) {
            let outward = try #require(streams.outward.first(by: tunnel, from: instant)) - instant
            let inward = try #require(streams.inward.first(by: tunnel, from: instant)) - instant
            let lag = max(outward, inward) - min(outward, inward)
            print(
                "both ends, \(what): to \(tunnel.path) outward after \(outward.shortText), inward after "
                    + "\(inward.shortText), lag \(lag.shortText), lost \(streams.outward.lost) of "
                    + "\(streams.outward.sent) and \(streams.inward.lost) of \(streams.inward.sent), gaps "
                    + "\(streams.outward.longestGap.shortText) and \(streams.inward.longestGap.shortText)"
            )
            return (outward, inward, lag)
        }

        /// Each fault in turn; then both are back on the first path.
        private func faults(_ lab: Lab, _ site: Daemon, _ cloud: Daemon, bfd: Bool, within limit: Duration) throws {
            let faults: [(String, Impairment)] = [
                ("cut", .blackout), ("lost from the site", .oneWayFromSite), ("lost to the site", .oneWayFromCloud),
            ]
            for (what, impairment) in faults {
                var instant = SystemClock().now
                let streams = try Stream.bothWays(lab) {
                    instant = SystemClock().now
                    try lab.impair(.a, impairment)
                    for end in [site, cloud] { try end.waitFor(path: .b, within: .seconds(3)) }
                    // Probing takes a shorter outage for one of the path's losses, and learns to ride through the next.
                    pause(bfd ? .milliseconds(200) : .milliseconds(2_500))
                }
                let moved = try moves(streams, to: .b, from: instant, bfd ? "BFD, \(what)" : what)
                #expect(moved.outward <= limit && moved.inward <= limit)
                #expect(moved.lag <= Self.interval(bfd: bfd))
                // What the fault does not touch goes on until it moves, and the move costs nothing.
                if case .oneWayFromSite = impairment { #expect(streams.inward.lost == 0) }
                if case .oneWayFromCloud = impairment { #expect(streams.outward.lost == 0) }
                if streams.outward.lost > 0 && streams.inward.lost > 0 && what != "cut" {
                    print("--- the site's log\n\(site.log.suffix(2_000))")
                    print("--- the far end's log\n\(cloud.log.suffix(2_000))")
                }
                try lab.heal(.a)
                for end in [site, cloud] { try settle(end, bfd: bfd) }
            }
        }

        @Test func bothDirectionsLeaveADeadPath() throws {
            try bothEnds("both-ends", bfd: false) { lab, site, cloud in
                try faults(lab, site, cloud, bfd: false, within: .milliseconds(1_200))
            }
        }

        @Test func withBFDEachEndTellsTheOther() throws {
            try bothEnds("both-ends-bfd", bfd: true) { lab, site, cloud in
                try faults(lab, site, cloud, bfd: true, within: .milliseconds(700))
            }
        }

        @Test func whatIsDrainedAtOneEndIsLeftAtTheOther() throws {
            try bothEnds("both-ends-drain", bfd: true) { lab, site, cloud in
                var (drained, undrained) = (SystemClock().now, SystemClock().now)
                let streams = try Stream.bothWays(lab) {
                    drained = SystemClock().now
                    #expect(try site.pnetctl("drain", "vpn-a").status == 0)
                    try cloud.waitFor(path: .b, within: .seconds(2))
                    #expect(
                        try cloud.network().paths.first?.reasons == [
                            "BFD with 10.99.0.2: the far end took it out by hand (administratively down)"
                        ]
                    )
                    pause(.milliseconds(500))
                    undrained = SystemClock().now
                    #expect(try site.pnetctl("undrain", "vpn-a").status == 0)
                    for end in [site, cloud] { try settle(end, bfd: true) }
                    pause(.milliseconds(200))
                }
                let left = try moves(streams, to: .b, from: drained, "drained")
                #expect(left.lag <= Self.interval(bfd: true))
                _ = try moves(streams, to: .a, from: undrained, "given back")
                #expect(streams.outward.lost == 0 && streams.inward.lost == 0)
            }
        }
    }
}
