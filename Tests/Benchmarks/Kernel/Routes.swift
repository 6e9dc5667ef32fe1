// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import SystemIO
import Tunnel

/// Prefixes by the ten thousand: in, from path to path, and what they weigh.
struct Routes {
    private let site: BenchSite

    init(_ site: BenchSite) { self.site = site }

    func measure() throws {
        for family in AddressFamily.allCases {
            try apply(family)
            try lead(family)
        }
        for compatibility in [0, 1] {
            try Shell.run("echo \(compatibility) > /proc/sys/net/ipv4/nexthop_compat_mode")
            for family in AddressFamily.allCases {
                for count in [1, 100, 10_000] { try move(count, family, compatibility) }
            }
        }
        try Shell.run("echo 0 > /proc/sys/net/ipv4/nexthop_compat_mode")
    }

    /// The whole pass (plan, guard table, all routes) beside `ip -batch` with the same routes alone.
    private func apply(_ family: AddressFamily) throws {
        let prefixes = BenchSite.prefixes(10_000, family)
        let list = "\(site.folder)/routes"
        try Files.replace(list, with: Array(Self.lines(prefixes.dropFirst(), family).joined().utf8))
        var own: [Duration] = []
        var other: [Duration] = []
        for _ in 0..<5 {
            try site.settle(try site.wish(Array(prefixes.prefix(1)), on: 1))
            let wish = try site.wish(prefixes, on: 1)
            own.append(Shell.time { _ = site.reconciler.reconcile(wish) })
            try site.settle(wish)
            // The same routes again by ip(8), once they are out.
            try site.settle(try site.wish(Array(prefixes.prefix(1)), on: 1))
            other.append(try Shell.time { try Shell.run("ip -batch \(list)") })
            try site.settle(wish)
        }
        result(
            "apply-10000-prefixes-\(family)",
            [
                ("routes", "\(5 * 9_999)"), ("median-ms", "\(Rounds(own).median.microseconds / 1_000)"),
                ("ip-batch-ms", "\(Rounds(other).median.microseconds / 1_000)"),
                ("ratio", ratio(Rounds(own).median, Rounds(other).median)),
            ]
        )
    }

    /// A network that was blocked is led to its paths: guard and tables are there, so both sides do the same work.
    private func lead(_ family: AddressFamily) throws {
        let prefixes = BenchSite.prefixes(10_000, family)
        let list = "\(site.folder)/led-routes"
        let led = Self.lines(prefixes, family).joined().split(separator: "\n").filter { $0.contains("table 7000") }
        let routes = led.filter { !$0.contains("unreachable") }
        try Files.replace(list, with: Array(routes.joined(separator: "\n").utf8))
        let (blocked, wish) = (try site.wish(prefixes, on: nil), try site.wish(prefixes, on: 1))
        let six = family == .ipv4 ? 0 : 1
        let groups = ["7204": 7002, "7206": 7004].map { id, member in
            "ip nexthop add id \((Int(id) ?? 0) + six) group \(member + six) protocol 112"
        }
        var own: [Duration] = []
        var other: [Duration] = []
        for _ in 0..<5 {
            try site.settle(blocked)
            own.append(Shell.time { _ = site.reconciler.reconcile(wish) })
            try site.settle(wish)
            try site.settle(blocked)
            for group in groups { try Shell.run(group) }
            other.append(try Shell.time { try Shell.run("ip -batch \(list)") })
            try site.settle(wish)
        }
        result(
            "lead-10000-prefixes-\(family)",
            [
                ("routes", "\(routes.count)"), ("median-ms", "\(Rounds(own).median.microseconds / 1_000)"),
                ("ip-batch-ms", "\(Rounds(other).median.microseconds / 1_000)"),
                ("ratio", ratio(Rounds(own).median, Rounds(other).median)),
            ]
        )
    }

    /// What a prefix comes to: guard, active, standby, and one in the table of each path.
    private static func lines(_ prefixes: some Sequence<IPPrefix>, _ family: AddressFamily) -> [String] {
        let six = family == .ipv4 ? 0 : 1
        return prefixes.map { prefix in
            """
            route add unreachable \(prefix) metric 4294967294 table 7000 protocol 112
            route add \(prefix) nhid \(7204 + six) metric 100 table 7000 protocol 112
            route add \(prefix) nhid \(7206 + six) metric 200 table 7000 protocol 112
            route add \(prefix) nhid \(7002 + six) metric 1024 table 7001 protocol 112
            route add \(prefix) nhid \(7004 + six) metric 1024 table 7002 protocol 112

            """
        }
    }

    private func move(_ count: Int, _ family: AddressFamily, _ compatibility: Int) throws {
        let prefixes = BenchSite.prefixes(count, family)
        try site.settle(try site.wish(prefixes, on: 1))
        let wishes = [try site.wish(prefixes, on: 2), try site.wish(prefixes, on: 1)]
        var times: [Duration] = []
        for round in 0..<50 {
            let wish = wishes[round % 2]
            times.append(Shell.time { _ = site.reconciler.move(wish) })
            // What the agent does a moment later; its share of the work is not the switch's.
            _ = site.reconciler.reconcile(wish)
        }
        result(
            "switch-\(count)-prefixes-\(family)",
            [
                ("compat-mode", "\(compatibility)"), ("median-us", "\(Rounds(times).median.microseconds)"),
                ("max-us", "\(Rounds(times).most.microseconds)"),
            ]
        )
    }
}
