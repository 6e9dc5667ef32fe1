// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import PathHealth
import SystemIO
import Testing

@testable import Tunnel

/// The model that events keep, beside a fresh reading of the same kernel.
@Suite(.serialized)
struct KernelModelTests {
    /// A namespace with two interfaces that stand for tunnels, whose nexthops, groups and routes are ours.
    private static func withModel(
        buffer: Int32? = nil,
        _ body: @escaping (KernelModel, _ ip: (String) throws -> Void) throws -> Void
    ) throws {
        try inFreshNamespace {
            let model = try KernelModel(reserved: Sample.reserved, buffer: buffer)
            _ = try model.refresh(now: SystemClock().now, auditAfter: .zero)
            func ip(_ commands: String) throws {
                for command in commands.split(separator: "\n") {
                    try run("/bin/sh", "-ec", "ip \(command)")
                }
            }
            let setup =
                """
                link add pn-a type veth peer name far-a
                link add pn-b type veth peer name far-b
                link set pn-a addrgenmode none
                link set far-a addrgenmode none
                link set pn-b addrgenmode none
                link set far-b addrgenmode none
                link set pn-a up
                link set far-a up
                link set pn-b up
                link set far-b up
                address add 10.99.0.2/30 dev pn-a
                nexthop add id 7002 dev pn-a protocol 112
                nexthop add id 7003 dev pn-a protocol 112
                nexthop add id 7004 dev pn-b protocol 112
                nexthop add id 7204 group 7002 protocol 112
                nexthop add id 7206 group 7004 protocol 112
                route add 10.20.0.0/16 nhid 7204 metric 100 table 7000 protocol 112
                route add 10.20.0.0/16 nhid 7206 metric 200 table 7000 protocol 112
                route add unreachable 10.20.0.0/16 metric 4294967294 table 7000 protocol 112
                route add 198.51.100.0/24 dev pn-a metric 1024 table 7065 protocol 112
                route add unreachable fd00:20::/48 metric 4294967294 table 7000 protocol 112
                rule add priority 899 lookup 7000 protocol 112
                rule add priority 831 oif pn-a lookup 7001 protocol 112
                route add default via 10.99.0.1
                """
            try run("/bin/sh", "-ec", "echo \"$0\" | ip -batch -", setup)
            try ip("-6 nexthop add id 7205 dev pn-a protocol 112")
            try ip("-6 route add fd00:20::/48 nhid 7205 metric 100 table 7000 protocol 112")
            try body(model, ip)
        }
    }

    /// Both readings, once the kernel's late news have come.
    private static func expectAgreement(_ model: KernelModel, after what: String) throws {
        let fresh = try KernelModel(reserved: Sample.reserved)
        var differences: Set<KernelObject> = []
        for _ in 0..<100 {
            model.drain()
            _ = try fresh.refresh(now: SystemClock().now, auditAfter: .zero)
            differences = model.observed.differences(from: fresh.observed)
            if differences.isEmpty, model.observed.defaultRoutes == fresh.observed.defaultRoutes,
                model.observed.strangers == fresh.observed.strangers,
                model.observed.overtakers == fresh.observed.overtakers
            {
                return
            }
            usleep(20_000)
        }
        Issue.record("after '\(what)': \(differences.map(\.description).sorted())")
    }

    /// What is unsigned is ours where the link is as we have set it.
    @Test func disownsWhatItDidToALinkAndNothingElse() throws {
        try Self.withModel { model, ip in
            model.drain()
            func link(_ name: String) throws -> Link {
                model.drain()
                return try #require(model.observed.links[Sample.interface(name)])
            }
            func touch(_ name: String) -> UInt32? {
                model.drain()
                return model.touches[.link(Sample.interface(name))]
            }
            let alias = Link.alias(of: Sample.first)
            try ip("link set pn-a alias '\(alias)'")
            model.drain()
            _ = model.takeTouches()
            try ip("link set pn-a mtu 1400")
            #expect(touch("pn-a") == 0)
            model.disown(try link("pn-a"), of: Sample.first, mtu: 1400)
            #expect(touch("pn-a") == 0, "somebody else's rp_filter")
            for setting in ["rp_filter=2", "src_valid_mark=1"] {
                try run("/sbin/sysctl", "-qw", "net.ipv4.conf.pn-a.\(setting)")
            }
            try ip("link set pn-a mtu 1300")
            try ip("link set pn-a mtu 1400")
            model.disown(try link("pn-a"), of: Sample.first, mtu: 1320)
            #expect(touch("pn-a") == 0, "somebody else's MTU")
            model.disown(try link("pn-a"), of: Sample.second, mtu: 1400)
            #expect(touch("pn-a") == 0, "somebody else's alias")
            model.disown(try link("pn-a"), of: Sample.first, mtu: 1400)
            #expect(touch("pn-a") == nil)

            // Where a kernel signs, what comes unsigned beside it takes nothing back.
            for (mtu, port) in [(1300, 77), (1400, 0)] as [(UInt32, UInt8)] {
                var header = ifinfomsg()
                (header.ifi_index, header.ifi_flags) = (try link("pn-b").index, 1)
                var message = NetlinkMessage(type: RTM_NEWLINK, flags: 0, header: header)
                message.put(IFLA_IFNAME, text: "pn-b")
                message.put(IFLA_MTU, number: mtu)
                var bytes = Array(message.bytes)
                bytes[12] = port
                for reply in NetlinkReply.parse(bytes) { model.take(reply, from: reply.port) }
            }
            model.disown(try link("pn-b"), of: Sample.first, mtu: 1400)
            #expect(model.touches[.link(Sample.interface("pn-b"))] == 77)
        }
    }

    @Test(arguments: [
        "link set pn-a down", "link set far-a down", "link set pn-a down\nlink set pn-a up", "link delete pn-a",
        "link set far-a down\nlink set far-a up", "address delete 10.99.0.2/30 dev pn-a",
        "address add 10.99.0.6/30 dev pn-a", "address add fd00:99::2/126 dev pn-a",
        "address add fd00:99::2/126 dev pn-a\naddress delete fd00:99::2/126 dev pn-a", "link set pn-a mtu 1400",
        "link set pn-a alias 'pnetd path vpn-a'",
        "link set pn-b down\nlink set pn-b name pn-c", "nexthop delete id 7204", "nexthop delete id 7002",
        "nexthop replace id 7204 group 7002/7004 protocol 112", "nexthop delete id 7205",
        "nexthop replace id 7204 group 7002/7004 protocol 112\nnexthop delete id 7002",
        "route delete 10.20.0.0/16 metric 100 table 7000",
        "route replace 10.20.0.0/16 dev pn-b metric 100 table 7000 protocol static",
        "route replace throw 10.20.0.0/16 metric 4294967294 table 7000 protocol static",
        "route replace prohibit 10.20.0.0/16 metric 100 table 7000 protocol static",
        "route replace blackhole 10.20.0.0/16 metric 100 table 7000 protocol 112",
        "-6 route replace blackhole fd00:20::/48 metric 4294967294 table 7000 protocol static",
        "route replace 10.20.0.0/16 dev pn-b metric 100 table 7000 protocol 112",
        "route flush table main", "route replace default via 10.99.0.1 dev pn-b onlink",
        "-6 route delete fd00:20::/48 metric 100 table 7000",
        "route add 10.66.0.0/16 dev pn-b table 7003 protocol static",
        "route replace 10.20.0.0/16 nhid 7204 metric 100 mtu 1300 table 7000 protocol 112",
        "-6 route replace fd00:20::/48 nhid 7205 metric 100 mtu 1300 table 7000 protocol 112",
        "route change default via 10.99.0.1 mtu 1300",
        "route change default via 10.99.0.1 mtu 1300\nroute delete default",
        "route append default via 10.99.0.1 metric 77", "rule delete priority 899",
        "rule add priority 840 lookup 100 protocol static", "rule add not fwmark 51820 lookup 51820",
        "nexthop add id 7900 blackhole protocol static",
    ])
    func followsWhatAnybodyDoes(commands: String) throws {
        try Self.withModel { model, ip in
            try Self.expectAgreement(model, after: "setting up")
            #expect(model.overruns == 0)
            let before = model.observed
            _ = model.takeTouches()
            try ip(commands)
            try Self.expectAgreement(model, after: commands)
            let isNews = model.observed != before || !model.touches.isEmpty
            #expect(isNews, "\(commands) did something")
            #expect(model.overruns == 0)
        }
    }

    /// Which of an uplink's default routes come back with it, and what becomes of one by a nexthop object, the kernel does
    /// not tell: it is read again.
    @Test(arguments: [
        "nexthop add id 5 via 10.99.0.1 dev pn-a\nroute add default nhid 5 metric 7\nnexthop delete id 5",
        """
        address add 10.98.0.2/30 dev pn-b
        route add default metric 9 nexthop via 10.99.0.1 dev pn-a nexthop via 10.98.0.1 dev pn-b
        link set pn-b down
        link set pn-b up
        """,
        """
        -6 route add default metric 9 nexthop via fe80::1 dev pn-a nexthop via fe80::2 dev pn-b
        link set pn-b down
        link set pn-b up
        """,
        """
        route add default via 10.99.0.1 metric 11
        route append default via 10.99.0.1 dev pn-b onlink metric 11
        route replace default dev pn-b metric 11
        """,
    ])
    func readsAgainWhatNobodyTellsOf(commands: String) throws {
        try Self.withModel { model, ip in
            try Self.expectAgreement(model, after: "setting up")
            try ip(commands)
            usleep(100_000)
            let untold = try model.refresh(now: SystemClock().now, auditAfter: .seconds(3600))
            #expect(untold == [], "it was known that something is not known")
            try Self.expectAgreement(model, after: commands)
        }
    }

    /// An answer that overtakes the events that wait.
    @Test func keepsNoRouteOnAnInterfaceThatIsDown() throws {
        try Self.withModel { model, ip in
            try Self.expectAgreement(model, after: "setting up")
            try ip("route add default via 10.99.0.1 metric 12\nlink set pn-a down")
            let asking = NetlinkConversation(over: try NetlinkSocket(bus: NETLINK_ROUTE))
            for reply in try asking.ask(LinkMessages.get(Sample.interface("pn-a")), "ask") { model.take(answer: reply) }
            try Self.expectAgreement(model, after: "an answer before its events")
        }
    }

    @Test func keepsOthersRoutesOut() throws {
        try Self.withModel { model, ip in
            try Self.expectAgreement(model, after: "setting up")
            let before = model.observed
            _ = model.takeTouches()
            try ip("route add 10.67.0.0/16 dev pn-b protocol static")
            model.drain()
            #expect(model.observed == before && model.touches.isEmpty)
        }
    }

    /// What the kernel takes away without a word is known all the same.
    @Test(arguments: ["link set pn-a down", "link set far-a down"])
    func concludesWhatTheKernelDoesNotTell(command: String) throws {
        try Self.withModel { model, ip in
            try Self.expectAgreement(model, after: "setting up")
            try ip(command)
            try Self.expectAgreement(model, after: command)
            #expect(Set(model.observed.nexthops.keys) == [7004, 7206])
            let network = model.observed.routes.keys.filter { $0.table == 7000 && $0.prefix.family == .ipv4 }
            #expect(network.map(\.metric).sorted() == [200, 4_294_967_294])
        }
    }

    /// Read again with all else, and what is found different then is told like the rest.
    @Test func auditsTheGuard() throws {
        try Self.withModel { model, _ in
            let start = SystemClock().now
            func untold(at seconds: Int) throws -> Set<KernelObject> {
                try model.refresh(now: start + .seconds(seconds), auditAfter: .seconds(60))
            }
            let table = Observed.GuardTable(contents: NftTable.Contents())
            _ = try untold(at: 0)
            #expect(model.takeGuardStaleness(), "it was never read")
            model.note(guard: table)
            _ = try untold(at: 59)
            #expect(!model.takeGuardStaleness())
            _ = try untold(at: 61)
            #expect(model.takeGuardStaleness())
            model.note(guard: table)
            #expect(try untold(at: 62) == [])
            _ = try untold(at: 122)
            #expect(model.takeGuardStaleness())
            model.note(guard: nil)
            #expect(try untold(at: 123) == [.guardTable])
            #expect(try untold(at: 124) == [])
        }
    }

    @Test func saysWhoItWas() throws {
        try Self.withModel { model, ip in
            model.drain()
            _ = model.takeTouches()
            let conversation = NetlinkSocketAndPort()
            try conversation.delete(nexthop: 7206)
            model.drain()
            #expect(model.takeTouches()[.nexthop(7206)] == conversation.port)
        }
    }

    private struct NetlinkSocketAndPort {
        private let socket = try? NetlinkSocket(bus: NETLINK_ROUTE)
        var port: UInt32? { socket?.port }

        func delete(nexthop: UInt32) throws {
            let socket = try #require(socket)
            try NetlinkConversation(over: socket).change(NexthopMessages.delete(nexthop), "delete")
        }
    }

    /// Writes files for ip(8) that add 25,000 routes and delete them again: fifty thousand events.
    private static func withStorm(_ body: (_ adding: String, _ deleting: String) throws -> Void) throws {
        let lines = (0..<25_000).map { "10.\(100 + $0 / 65_536).\($0 / 256 % 256).\($0 % 256)/32 dev pn-b\n" }
        let folder = "/tmp/pnetd-storm-\(UInt64.random(in: 0...UInt64.max))"
        try Files.makeDirectory(folder)
        defer { _ = try? run("/bin/rm", "-rf", folder) }
        let files = try ["add", "delete"].map { word in
            let text = lines.map { "route \(word) \($0)" }.joined()
            try Files.replace("\(folder)/\(word)", with: Array(text.utf8))
            return "\(folder)/\(word)"
        }
        try body(files[0], files[1])
    }

    /// Into a buffer for about two hundred that nobody reads: most are lost, and nothing stays wrong.
    @Test func outlivesAStorm() throws {
        try Self.withModel(buffer: 212_992) { model, ip in
            try Self.expectAgreement(model, after: "setting up")
            try Self.withStorm { adding, deleting in
                try ip("-batch \(adding)\nnexthop delete id 7206\n-batch \(deleting)")
            }
            model.drain()
            #expect(model.overruns > 0, "the buffer was too small for it")
            let untold = try model.refresh(now: SystemClock().now, auditAfter: .seconds(3600))
            #expect(untold.contains(.nexthop(7206)), "what was lost with the events is found and told")
            try Self.expectAgreement(model, after: "the storm")
            let again = try model.refresh(now: SystemClock().now, auditAfter: .seconds(3600))
            #expect(again == [])
        }
    }

    /// Read while it rages, as the agent's loop does it: two seconds after its end the model is right.
    @Test func isRightSoonAfterAStorm() throws {
        try Self.withModel(buffer: 212_992) { model, _ in
            try Self.expectAgreement(model, after: "setting up")
            let clock = SystemClock()
            var end = clock.now
            try Self.withStorm { adding, deleting in
                let commands = "ip -batch \(adding); ip nexthop delete id 7206; ip -batch \(deleting)"
                try run("/bin/sh", "-ec", "( \(commands); : > \(adding).done ) > /dev/null 2>&1 &")
                let limit = clock.now + .seconds(60)
                while (try? Files.status(of: "\(adding).done")) == nil, clock.now < limit {
                    _ = try model.refresh(now: clock.now, auditAfter: .seconds(3600))
                    usleep(1_000)
                }
                end = clock.now
                #expect(end < limit, "the storm is over")
            }
            _ = try model.refresh(now: clock.now, auditAfter: .seconds(3600))
            try Self.expectAgreement(model, after: "the storm")
            let time = clock.now - end
            print("right \(time.shortText) after the storm, \(model.overruns) overruns")
            #expect(time <= .seconds(2))
            #expect(model.observed.nexthops[7206] == nil)
        }
    }
}
