// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import PathHealth
import SystemIO
import Testing

@testable import Tunnel

struct PathMTUTests {
    /// What is known of a path, and the MTU that it comes to.
    struct Case: Sendable {
        var file: Int?
        var isIPv4Only = false
        var roamedTo: String?
        var link: Int? = 1500
        var outer: UInt32?
        /// What the path's interface has now.
        var own: Int? = 1420
        let mtu: Int
    }

    /// A gateway's limit counts where the way has room for more, and the file's word goes before both.
    @Test(
        arguments: [
            (nil, 1500, nil, 1415), (1400, 1500, nil, 1400), (1438, 1500, nil, 1415), (1438, 9000, nil, 1438),
            (1400, 1400, nil, 1315), (1400, 1500, 1450, 1450),
        ] as [(Int?, Int, Int?, Int)]
    )
    func leavesRoomForWhatESPAdds(limit: Int?, link: Int, file: Int?, expected: Int) {
        var path = Sample.path(Sample.first, slot: 1)
        path.mtu = file
        path.kind = .ipsec(
            .init(
                to: IPAddress("192.0.2.1"),
                underlay: .init(Sample.interface("eth0"), gateways: nil),
                largestPacket: limit
            )
        )
        var observed = Sample.bare
        observed.links[Sample.interface("eth0")]?.mtu = link
        #expect(path.mtu(observed) == expected)
    }

    @Test(arguments: [
        Case(mtu: 1420), Case(isIPv4Only: true, mtu: 1440),
        // PPPoE (RFC 2516 section 7) and jumbo frames.
        Case(link: 1492, mtu: 1412), Case(isIPv4Only: true, link: 1492, mtu: 1432), Case(link: 9000, mtu: 8920),
        // An underlay that is not there yet, or no more.
        Case(link: nil, own: nil, mtu: 1420), Case(isIPv4Only: true, link: nil, own: nil, mtu: 1440),
        Case(isIPv4Only: true, link: nil, own: 1340, mtu: 1340), Case(link: nil, own: 1200, mtu: 1280),
        Case(file: 1380, link: nil, own: 1340, mtu: 1380), Case(link: 1500, own: 1340, mtu: 1420),
        Case(isIPv4Only: true, roamedTo: "198.51.100.7:51820", mtu: 1440),
        Case(isIPv4Only: true, roamedTo: "[2001:db8::7]:51820", mtu: 1420),
        // What a router said counts where it says less than the link.
        Case(isIPv4Only: true, outer: 1400, mtu: 1340), Case(link: 1400, outer: 1492, mtu: 1320),
        Case(link: 1300, mtu: 1280), Case(outer: 576, mtu: 1280),
        Case(file: 1380, isIPv4Only: true, link: 1300, outer: 576, mtu: 1380),
    ])
    func leavesRoomForWhatWireGuardAdds(given: Case) {
        var path = Sample.path(Sample.first, slot: 1)
        path.mtu = given.file
        path.tunnel?.callsOverIPv4Only = given.isIPv4Only
        var observed = Sample.bare
        var peer = WireGuardDevice.Peer(publicKey: Sample.publicKey(101))
        peer.endpoint = given.roamedTo.map(Sample.endpoint)
        observed.tunnels[path.interface]?.peers = [peer]
        if let link = given.link {
            observed.links[Sample.interface("eth0")]?.mtu = link
        } else {
            observed.links[Sample.interface("eth0")] = nil
        }
        observed.outerMTUs[path.interface] = given.outer
        if let own = given.own {
            observed.links[path.interface]?.mtu = own
        } else {
            observed.links[path.interface] = nil
        }
        #expect(path.mtu(observed) == given.mtu)
    }

    /// One peer's way, or who lies of it, must not narrow a hub.
    @Test(arguments: [(0, 0), (1, 2), (16, 32), (17, 0), (2_000, 0)])
    func asksForTheWaysToAFewPeersOnly(peers: Int, questions: Int) {
        var device = WireGuardDevice()
        for number in 0..<peers {
            var peer = WireGuardDevice.Peer(publicKey: Sample.publicKey(UInt8(truncatingIfNeeded: number)))
            peer.endpoint = SocketEndpoint(address: .v4(IPv4Address(bits: 0xc633_6400 + UInt32(number))), port: 51_820)
            device.peers.append(peer)
        }
        let asked = RouteMessages.questions(device, Sample.reserved.underlayMark(1), Sample.link("eth0", 2))
        #expect(Set(asked).count == questions && asked.count == questions)
    }

    /// By the mark, by the underlay and by neither over IPv6; several peers at one address are asked for once.
    @Test func asksForEachWayAsItsSendersLookItUp() {
        var device = WireGuardDevice()
        for (number, endpoint) in ["198.51.100.1:1", "198.51.100.1:2", "[2001:db8::1]:1"].enumerated() {
            var peer = WireGuardDevice.Peer(publicKey: Sample.publicKey(UInt8(number)))
            peer.endpoint = Sample.endpoint(endpoint)
            device.peers.append(peer)
        }
        let (four, six) = (Sample.endpoint("198.51.100.1:1").address, Sample.endpoint("[2001:db8::1]:1").address)
        #expect(
            RouteMessages.questions(device, 7, Sample.link("eth0", 2)) == [
                WayQuestion(address: four, selector: .mark(7)), WayQuestion(address: four, selector: .output(2)),
                WayQuestion(address: six, selector: .mark(7)), WayQuestion(address: six, selector: .output(2)),
                WayQuestion(address: six, selector: .neither),
            ]
        )
    }

    /// Neither the file's word nor what IPv6 asks for makes a way wider.
    @Test(
        arguments: [
            (nil, 1500, []), (nil, 1360, []),
            (
                nil, 1359,
                [
                    "vpn-a: its MTU of 1280 needs 1360 octets, and the way to its peers by eth0 lets 1359 through: large "
                        + "packets are sent in pieces, or lost"
                ]
            ), (1420, 1500, []),
            (
                1420, 1492,
                [
                    "vpn-a: its MTU of 1420 needs 1500 octets, and the way to its peers by eth0 lets 1492 through: large "
                        + "packets are sent in pieces, or lost"
                ]
            ),
        ] as [(Int?, Int, [String])]
    )
    func saysThatAWayIsTooNarrow(file: Int?, underlay: Int, warnings: [String]) {
        var wish = Sample.desired(.blocked)
        wish.paths[0].mtu = file
        var observed = Sample.bare
        observed.links[Sample.interface("eth0")]?.mtu = underlay
        #expect(observed.narrowWays(wish) == warnings)
    }

    /// An underlay that shrinks is answered by one step, which says what it does.
    @Test func followsItsUnderlayInOneStep() {
        let wish = Sample.desired(.active(Sample.first, standby: Sample.second))
        var observed = Sample.bare
        for step in plan(wish, observed) { observed.take(step) }
        observed.links[Sample.interface("eth0")]?.mtu = 1400
        let steps = plan(wish, observed)
        #expect(steps.map(\.description) == ["set interface pn-a up, MTU 1320"])
        #expect(
            steps.map { $0.effect(on: observed, wish) }
                == [TrafficEffect(.diversion, "packets above 1320 octets are cut into pieces or refused")]
        )
        for step in steps { observed.take(step) }
        #expect(plan(wish, observed) == [])
    }

    /// By the network's MTU and the paths' underlays: what the routes by the active path and by the standby have.
    @Test(
        arguments: [
            (nil, 1500, 1500, [nil, nil]), (1400, 1500, 1500, [1400, 1400]), (1419, 1500, 1400, [1419, nil]),
            (1420, 1500, 1500, [nil, nil]), (1400, 1400, 1500, [nil, 1400]),
        ] as [(Int?, Int, Int, [UInt32?])]
    )
    func givesRoutesAnMTUBelowThePaths(network: Int?, first: Int, second: Int, expected: [UInt32?]) {
        var wish = Sample.desired(.active(Sample.first, standby: Sample.second))
        wish.networks[0].mtu = network
        var observed = Sample.bare
        observed.links[Sample.interface("eth0")]?.mtu = first
        observed.links[Sample.interface("eth1")]?.mtu = second
        for step in plan(wish, observed) { observed.take(step) }
        #expect(plan(wish, observed) == [])
        for prefix in Sample.prefixes {
            let routes = observed.routes.values.filter { $0.table == 7000 && $0.prefix == prefix }
            #expect(routes.sorted { $0.metric < $1.metric }.map(\.mtu) == expected + [nil], "none for the guard")
        }
        // A move changes no route, unless one path has less room than the network's MTU.
        wish.networks[0].outcome = .active(Sample.second, standby: Sample.first)
        let moves = moves(wish, observed)
        #expect(moves.count == (expected[0] == expected[1] ? 4 : 0))
        for step in plan(wish, observed) { observed.take(step) }
        #expect(plan(wish, observed) == [])
    }

    @Test func saysWhatARoutesMTUDoes() {
        var wish = Sample.desired(.active(Sample.first, standby: nil))
        var observed = Sample.bare
        for step in plan(wish, observed) { observed.take(step) }
        wish.networks[0].mtu = 1400
        #expect(
            plan(wish, observed).map { "\($0): \($0.effect(on: observed, wish).text)" } == [
                "set route 10.20.0.0/16 metric 100 in table 7000 by nexthop 7204, MTU 1400: "
                    + "packets above 1400 octets are cut into pieces or refused",
                "set route fd00:20::/48 metric 100 in table 7000 by nexthop 7205, MTU 1400: "
                    + "packets above 1400 octets are cut into pieces or refused",
            ]
        )
    }

    /// The default route's own MTU holds for outer packets as well, which do not go by that route.
    @Test func takesAnUnderlaysRouteWithItsMTU() throws {
        let wish = Sample.desired(.blocked)
        var observed = Sample.bare
        for step in plan(wish, observed) { observed.take(step) }
        var route = try #require(observed.defaultRoutes.first { $0.link == 2 })
        observed.defaultRoutes.remove(route)
        route.mtu = 1400
        observed.defaultRoutes.insert(route)
        let steps = plan(wish, observed)
        #expect(
            steps.map(\.description) == [
                "set route 0.0.0.0/0 metric 1024 in table 7065 by 192.0.2.1 on interface 2, MTU 1400"
            ]
        )
        #expect(steps.map { $0.effect(on: observed, wish) } == [.harmless])
    }
}

extension ReconcileTests {
    /// A namespace that stands for the way of a path: a router whose other side takes 1400 octets.
    private static func withRouter(
        of path: Int = 0,
        _ body: @escaping (Reconciler, _ wish: Desired) throws -> Void
    ) throws {
        try withReconciler { reconciler in
            let name = "pnetd-router-\(getpid())"
            let near = path == 0 ? "192.0.2" : "203.0.113"
            try run("/sbin/ip", "netns", "add", name)
            defer { _ = try? run("/sbin/ip", "netns", "delete", name) }
            try run("/sbin/ip", "link", "set", "far\(path)", "netns", name)
            let commands = """
                ip address add 2001:db8::2/64 dev eth\(path) nodad
                ip route add default via 2001:db8::1 metric 20
                ip -n \(name) link set far\(path) up
                ip -n \(name) address add \(near).1/24 dev far\(path)
                ip -n \(name) address add 2001:db8::1/64 dev far\(path) nodad
                ip -n \(name) link add beyond mtu 1400 type veth peer name end
                ip -n \(name) link set end up
                ip -n \(name) link set beyond up
                ip -n \(name) address add 198.51.100.254/24 dev beyond
                ip -n \(name) address add 2001:db8:1::2/64 dev beyond nodad
                ip -n \(name) neighbour add 198.51.100.1 lladdr 02:00:00:00:00:01 dev beyond
                ip -n \(name) neighbour add 2001:db8:1::1 lladdr 02:00:00:00:00:01 dev beyond
                ip netns exec \(name) sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
                sysctl -qw net.ipv4.route.mtu_expires=2
                """
            try run("/bin/sh", "-ec", commands)
            var wish = Sample.desired(both)
            wish.paths[0].tunnel?.callsOverIPv4Only = true
            try body(reconciler, wish)
        }
    }

    /// What does not fit and must not be cut into pieces; nobody answers, but the router says what it can take.
    private static func sendTooMuch(to address: String, _ options: [String]) {
        _ = try? run("/bin/ping", ["-M", "do", "-s", "1452", "-c", "1", "-W", "1"] + options + [address])
    }

    /// As the kernel's WireGuard sends: the packet has a mark, the socket that hears of it has none. 1500 octets.
    private static func sendTooMuch(to endpoint: SocketEndpoint, markedOnlyWith mark: UInt32) throws {
        let socket = try FileDescriptor(socket(AF_INET6, Int32(SOCK_DGRAM.rawValue), 0), from: "socket")
        var (address, payload) = (endpoint.kernelForm, [UInt8](repeating: 0, count: 1_452))
        // struct cmsghdr: length, level and type; then the mark, padded to eight octets.
        var control: [UInt64] = [20, UInt64(UInt32(SOL_SOCKET)) | UInt64(UInt32(SO_MARK)) << 32, UInt64(mark)]
        let sent = unsafe address.withUnsafeMutableBytes { address in
            unsafe payload.withUnsafeMutableBytes { payload in
                unsafe control.withUnsafeMutableBytes { control in
                    var part = unsafe iovec(iov_base: payload.baseAddress, iov_len: payload.count)
                    return unsafe withUnsafeMutablePointer(to: &part) { part in
                        var message = unsafe msghdr()
                        unsafe (message.msg_name, message.msg_namelen) = (address.baseAddress, socklen_t(address.count))
                        unsafe (message.msg_iov, message.msg_iovlen) = (part, 1)
                        unsafe (message.msg_control, message.msg_controllen) = (control.baseAddress, control.count)
                        return unsafe sendmsg(socket.raw, &message, 0)
                    }
                }
            }
        }
        guard sent == 1_452 else { throw SystemError.last("sendmsg") }
        // The router's word comes to this socket.
        usleep(100_000)
    }

    private static func mtu(of interface: String = "pn-a") throws -> String? {
        let words = try run("/sbin/ip", "link", "show", interface).split(separator: " ")
        return words.firstIndex(of: "mtu").map { String(words[$0 + 1]) }
    }

    /// By the mark of outer packets, as wireguard-go sends them, and by the underlay, as others send there.
    @Test(arguments: [["-m", "1090519040"], ["-I", "eth0"]])
    func followsWhatARouterSaidUntilItExpires(options: [String]) throws {
        try Self.withRouter { reconciler, wish in
            let result = try Self.settle(reconciler, wish)
            #expect(result.failures == [])
            #expect(try Self.mtu() == "1440")
            Self.sendTooMuch(to: "198.51.100.1", options)
            #expect(reconciler.hasTunnelToRepair(wish))
            #expect(reconciler.reconcile(wish).changes == ["set interface pn-a up, MTU 1340"])
            #expect(try Self.mtu() == "1340")
            let sent = reconciler.mutations
            #expect(reconciler.reconcile(wish).changes == [] && reconciler.mutations == sent)
            usleep(2_200_000)
            #expect(reconciler.hasTunnelToRepair(wish))
            #expect(reconciler.reconcile(wish).changes == ["set interface pn-a up, MTU 1440"])
        }
    }

    @Test func followsWhatARouterSaidOverIPv6() throws {
        try Self.withRouter { reconciler, wish in
            var wish = wish
            wish.paths[0].wireGuard?.peers[0].endpoint = Sample.endpoint("[2001:db8:1::1]:51820")
            wish.paths[0].tunnel?.callsOverIPv4Only = false
            let result = try Self.settle(reconciler, wish)
            #expect(result.failures == [])
            #expect(try Self.mtu() == "1420")
            Self.sendTooMuch(to: "2001:db8:1::1", ["-m", "1090519040"])
            _ = reconciler.reconcile(wish)
            #expect(try Self.mtu() == "1320")
        }
    }

    /// The kernel writes down what a router said to its WireGuard at the main table's best route, here the other
    /// underlay's. That route's own MTU, though it came from a router and expires, says nothing of this path.
    @Test func followsWhatARouterSaidOverIPv6OfAnUnderlayThatIsNotTheBest() throws {
        try Self.withRouter(of: 1) { reconciler, wish in
            var wish = wish
            let endpoint = Sample.endpoint("[2001:db8:1::1]:51820")
            wish.paths[1].wireGuard?.peers[0].endpoint = endpoint
            let best = "default via 2001:db8:2::1 dev eth0 metric 10 expires 600"
            try run("/sbin/ip", "address", "add", "2001:db8:2::2/64", "dev", "eth0", "nodad")
            try run("/bin/sh", "-ec", "ip -6 route add \(best) mtu 1300")
            let result = try Self.settle(reconciler, wish)
            #expect(result.failures == [])
            #expect(try Self.mtu(of: "pn-b") == "1420")
            try run("/bin/sh", "-ec", "ip -6 route change \(best)")
            try Self.sendTooMuch(to: endpoint, markedOnlyWith: Sample.reserved.underlayMark(2))
            for selector in ["oif eth1", "mark \(Sample.reserved.underlayMark(2))"] {
                let way = try run("/bin/sh", "-ec", "ip -6 route get 2001:db8:1::1 \(selector)")
                #expect(!way.contains("mtu"), "asked so, the kernel says nothing: \(way)")
            }
            #expect(reconciler.hasTunnelToRepair(wish))
            _ = try Self.settle(reconciler, wish)
            #expect(try Self.mtu(of: "pn-b") == "1320")
        }
    }

    /// Events tell of the link and of the default route; the next pass has nothing left to do.
    @Test(arguments: [
        ("link set eth0 mtu 1400", "1320"), ("link set eth0 mtu 1492", "1412"), ("link set eth0 mtu 1300", "1280"),
        ("route change default via 192.0.2.1 metric 1 mtu 1400", "1320"),
        ("route add 198.51.100.1 via 192.0.2.1 mtu 1400", "1320"),
    ])
    func followsItsUnderlay(command: String, mtu: String) throws {
        try Self.withReconciler { reconciler in
            let wish = Sample.desired(Self.both)
            _ = try Self.settle(reconciler, wish)
            #expect(try Self.mtu() == "1420")
            try run("/bin/sh", "-ec", "ip \(command)")
            let result = try Self.settle(reconciler, wish)
            #expect(result.failures == [] && result.repairs == [])
            #expect(try Self.mtu() == mtu)
            let sent = reconciler.mutations
            _ = reconciler.reconcile(wish)
            #expect(reconciler.mutations == sent, "a second run changes nothing")
        }
    }

    @Test func aMoveForgetsNoHindrance() throws {
        try Self.withReconciler { reconciler in
            try run("/sbin/ip", "link", "set", "eth0", "mtu", "1300")
            let warnings = try Self.settle(reconciler, Sample.desired(Self.both)).hindrances
            #expect(warnings.count == 1)
            let turned = Sample.desired(.active(Sample.second, standby: Sample.first))
            let moved = reconciler.move(turned)
            #expect(moved.changes != [] && moved.hindrances == warnings)
            try run("/sbin/ip", "link", "set", "eth0", "mtu", "1500")
            #expect(reconciler.reconcile(turned).hindrances == [])
            #expect(reconciler.move(Sample.desired(Self.both)).hindrances == [])
        }
    }

    @Test func keepsItsMTUWhileTheUnderlayIsGone() throws {
        try Self.withReconciler { reconciler in
            let wish = Sample.desired(Self.both)
            try run("/sbin/ip", "link", "set", "eth0", "mtu", "1400")
            _ = try Self.settle(reconciler, wish)
            #expect(try Self.mtu() == "1320")
            try run("/sbin/ip", "link", "delete", "eth0")
            _ = try Self.settle(reconciler, wish)
            #expect(try Self.mtu() == "1320")
            try run("/bin/sh", "-ec", "ip link add eth0 type veth peer name far0; ip link set eth0 up")
            _ = try Self.settle(reconciler, wish)
            #expect(try Self.mtu() == "1420")
        }
    }

    /// The kernel signs nobody's change of a link. Ours is not taken for a stranger's, and a stranger's is still found.
    @Test func anUnderlayThatFlapsIsNobodysDispute() throws {
        try Self.withReconciler { reconciler in
            let wish = Sample.desired(Self.both)
            _ = try Self.settle(reconciler, wish)
            for flap in 0..<20 {
                try run("/sbin/ip", "link", "set", "eth0", "mtu", flap % 2 == 0 ? "1400" : "1500")
                let result = reconciler.reconcile(wish)
                #expect(result.repairs == [] && result.disputes == [] && result.pause == nil && result.failures == [])
                #expect(try Self.mtu() == (flap % 2 == 0 ? "1320" : "1420"))
            }
            let commands = [
                "pn-a mtu 1300", "pn-a down", "eth0 mtu 1400", "pn-a mtu 1300", "eth0 mtu 1500", "pn-a down",
            ]
            for command in commands {
                try run("/bin/sh", "-ec", "ip link set \(command)")
                let isOurs = command.hasPrefix("pn-a")
                #expect(reconciler.reconcile(wish).repairs.map(\.object) == (isOurs ? ["interface pn-a"] : []))
            }
        }
    }

    /// The kernel changes the MTU of IPv6 routes with that of their interface, without a word (`rt6_mtu_change`).
    @Test func routesKeepTheirMTUWhateverTheirInterfaceDoes() throws {
        try Self.withReconciler { reconciler in
            var wish = Sample.desired(Self.both)
            wish.networks[0].mtu = 1400
            func settled() throws -> [Bool] {
                _ = try Self.settle(reconciler, wish)
                let sent = reconciler.mutations
                let fresh = try KernelModel(reserved: Sample.reserved)
                _ = try fresh.refresh(now: SystemClock().now, auditAfter: .zero)
                #expect(plan(wish, fresh.observed).filter { if case .putRoute = $0 { true } else { false } } == [])
                _ = reconciler.reconcile(wish)
                #expect(reconciler.mutations == sent, "a second run changes nothing")
                return try [["route"], ["-6", "route"]].map { words in
                    try run("/sbin/ip", words + ["show", "table", "7000", "metric", "100"]).contains("mtu 1400")
                }
            }
            #expect(try settled() == [true, true])
            #expect(try run("/sbin/ip", "route", "get", "10.20.0.1").contains("mtu 1400"))
            for (mtu, isSmaller) in [(1400, false), (1500, true), (1460, false), (1492, true)] {
                try run("/sbin/ip", "link", "set", "eth0", "mtu", "\(mtu)")
                #expect(try settled() == [isSmaller, isSmaller], "over an underlay with \(mtu)")
            }
            let turned = Sample.desired(.active(Sample.second, standby: Sample.first))
            wish.networks[0].outcome = turned.networks[0].outcome
            #expect(reconciler.move(wish).changes.count == 4)
            #expect(try settled() == [true, true])
        }
    }
}
