// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import Testing

@testable import Tunnel

/// Connections as conntrack(8) makes them and reads them back.
@Suite(.serialized)
struct ConnectionTrackingTests {
    /// A connection of a host of the site, by the UDP port that tells it from the others.
    private static func track(_ port: Int, from source: String, to target: String, as own: String?, _ mark: UInt32)
        throws
    {
        var arguments = ["-I", "-p", "udp", "-s", source, "-d", target, "-t", "300"]
        arguments += ["--sport", "\(port)", "--dport", "7", "-m", "\(mark)"]
        if let own { arguments += ["-n", own] }
        try run("/usr/sbin/conntrack", arguments)
    }

    private static var ports: Set<Int> {
        get throws {
            let listings = try ["ipv4", "ipv6"].map {
                try run("/usr/sbin/conntrack", ["-L", "-f", $0])
            }
            let words = listings.joined().split { " \n".contains($0) }.filter { $0.hasPrefix("sport=") }
            return Set(words.compactMap { Int($0.dropFirst("sport=".count)) }.filter { $0 != 7 })
        }
    }

    /// Both paths carry a second network, whose prefix lies inside the first one's, and which stays on the first path.
    private static var moved: Desired {
        var desired = Sample.desired(.active(Sample.second, standby: Sample.first))
        desired.networks.append(
            Desired.Network(
                name: Sample.name("aws"),
                slot: 2,
                prefixes: [Sample.prefix("10.20.4.0/24")],
                paths: [Sample.first, Sample.second],
                outcome: .active(Sample.first, standby: Sample.second)
            )
        )
        return desired
    }

    /// More than go into one message, and some of them of a network that stays.
    @Test func cutsManyAtOnce() throws {
        try inFreshNamespace {
            let mark = UInt32(1 << 24)
            let lines = (0..<1_000).map { number in
                let target = number % 4 == 0 ? "10.20.4.4" : "10.20.0.4"
                return
                    "-I -p udp -s 10.1.0.77 -d \(target) -t 300 --sport \(1_000 + number) --dport 7 -m \(mark) -n 10.99.1.2"
            }
            try run("/bin/sh", "-ec", "echo \"$0\" | conntrack -R -", lines.joined(separator: "\n"))
            #expect(try Self.ports.count == 1_000)
            let tracking = try ConnectionTracking()
            #expect(try tracking.cutStranded(Sample.name("azure"), in: Self.moved) == [Sample.first: 750])
            #expect(try Self.ports == Set((0..<1_000).filter { $0 % 4 == 0 }.map { 1_000 + $0 }))
            #expect(try tracking.cutStranded(Sample.name("azure"), in: Self.moved) == [:])
        }
    }

    @Test func cutsWhatHasTheAddressOfAPathThatTheNetworkHasLeft() throws {
        try inFreshNamespace {
            let (first, second) = (UInt32(1 << 24), UInt32(2 << 24))
            try Self.track(1001, from: "10.1.0.77", to: "10.20.0.4", as: "10.99.1.2", first)
            // A mark of somebody else's beside ours.
            try Self.track(1002, from: "10.1.0.77", to: "10.20.0.5", as: "10.99.1.2", first | 5)
            try Self.track(1003, from: "fd00:1::77", to: "fd00:20::4", as: "fd00:99:1::2", first)
            try Self.track(2001, from: "10.1.0.77", to: "10.20.0.4", as: nil, first)
            try Self.track(2002, from: "fd00:1::77", to: "fd00:20::4", as: nil, first)
            // The other network's, an address that is no path's, the path that leads there now, no path's mark.
            try Self.track(3001, from: "10.1.0.77", to: "10.20.4.4", as: "10.99.1.2", first)
            try Self.track(3002, from: "10.1.0.77", to: "10.20.0.4", as: "10.7.7.7", first)
            try Self.track(3003, from: "10.1.0.77", to: "10.20.0.4", as: "10.99.2.2", second)
            try Self.track(3004, from: "10.1.0.77", to: "203.0.113.9", as: "192.0.2.2", 0)
            #expect(try Self.ports.count == 9)
            let tracking = try ConnectionTracking()
            #expect(try tracking.cutStranded(Sample.name("azure"), in: Self.moved) == [Sample.first: 3])
            #expect(try Self.ports == [2001, 2002, 3001, 3002, 3003, 3004])
            #expect(try tracking.cutStranded(Sample.name("azure"), in: Self.moved) == [:])
        }
    }

    @Test func cutsNothingWhileANetworkIsBlocked() throws {
        try inFreshNamespace {
            try Self.track(1001, from: "10.1.0.77", to: "10.20.0.4", as: "10.99.1.2", 1 << 24)
            let tracking = try ConnectionTracking()
            #expect(try tracking.cutStranded(Sample.name("azure"), in: Sample.desired(.blocked)) == [:])
            #expect(try tracking.cutStranded(Sample.name("other"), in: Self.moved) == [:])
            #expect(try Self.ports == [1001])
        }
    }
}
