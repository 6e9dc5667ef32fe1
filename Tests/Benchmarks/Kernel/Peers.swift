// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import SystemIO
import Tunnel

/// A thousand peers with ten prefixes each, beside `wg syncconf` on the same kind of interface: in, and once more when
/// nothing is left to do.
struct Peers {
    private let site: BenchSite
    private static let count = 1_000
    private static let rounds = 21

    init(_ site: BenchSite) { self.site = site }

    /// Peers with ten prefixes each.
    static func thousand(from prefixes: [IPPrefix]) -> [WireGuardSettings.Peer] {
        (0..<count).map { number in
            WireGuardSettings.Peer(
                publicKey: BenchSite.key(number),
                presharedKey: nil,
                endpoint: nil,
                keepalive: 0,
                allowedIPs: Set(prefixes[10 * number..<10 * number + 10])
            )
        }
    }

    func measure() throws {
        let peers = Self.thousand(from: BenchSite.prefixes(10 * Self.count, .ipv4))
        let few = BenchSite.prefixes(1, .ipv6)
        var (own, ownAgain): ([Duration], [Duration]) = ([], [])
        var (other, otherAgain): ([Duration], [Duration]) = ([], [])
        let all = "\(site.folder)/all.conf"
        let none = "\(site.folder)/none.conf"
        let head = "[Interface]\nPrivateKey = \(BenchSite.secretText)\n"
        let blocks = peers.map { peer in
            "[Peer]\nPublicKey = \(peer.publicKey)\nAllowedIPs = "
                + peer.allowedIPs.map(\.description).joined(separator: ", ") + "\n"
        }
        try Files.replace(all, with: Array((head + blocks.joined()).utf8))
        try Files.replace(none, with: Array(head.utf8))
        // Each on its own interface, of the same implementation: what takes turns at one is a fight, which pnetd leaves for
        // a while.
        try site.settle(try site.wish(few, on: 1))
        let implementation = site.reconciler.reconcile(try site.wish(few, on: 1)).paths[BenchSite.name("path-1")]?
            .implementation
        try Shell.run(implementation == .kernel ? "ip link add wg-peer type wireguard" : "wireguard-go wg-peer 2>&1")
        try Shell.run("ip link set wg-peer up mtu 1420")
        defer { try? Shell.run("ip link del wg-peer") }
        for round in 0..<Self.rounds {
            try site.settle(try site.wish(few, on: 1))
            try Shell.run("wg syncconf wg-peer \(none)")
            let wish = try site.wish(few, on: 1, peers: peers)
            let mine = {
                // Whoever let go of a thousand peers collects its garbage for a while.
                usleep(400_000)
                own.append(Shell.time { _ = site.reconciler.reconcile(wish) })
                try site.settle(wish)
                ownAgain.append(Shell.time { _ = site.reconciler.reconcile(wish) })
            }
            let theirs = {
                usleep(400_000)
                other.append(try Shell.time { try Shell.run("wg syncconf wg-peer \(all)") })
                otherAgain.append(try Shell.time { try Shell.run("wg syncconf wg-peer \(all)") })
            }
            for turn in round % 2 == 0 ? [mine, theirs] : [theirs, mine] { try turn() }
        }
        try site.settle(try site.wish(few, on: 1))
        for (what, own, other) in [("apply", own, other), ("again", ownAgain, otherAgain)] {
            result(
                "\(what)-1000-peers-10000-prefixes",
                [
                    ("wireguard", implementation?.rawValue ?? "none"),
                    ("median-us", "\(Rounds(own).median.microseconds)"),
                    ("wg-syncconf-us", "\(Rounds(other).median.microseconds)"),
                    ("ratio", ratio(Rounds(own).median, Rounds(other).median)),
                ]
            )
        }
    }
}
