// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import SystemIO
import Testing

@testable import Tunnel

/// Our reading and writing of policies against ip-xfrm(8)'s, with the running kernel between them.
@Suite(.serialized)
struct XFRMPolicyTests {
    @Test func readsWhatIpWrote() throws {
        try inFreshNamespace {
            try ip(
                """
                xfrm policy add src 10.1.0.0/16 dst 10.20.0.0/16 proto udp sport 5 dport 7 dir out priority 5 if_id 42 \
                mark 3 mask 7 tmpl src 192.0.2.1 dst 192.0.2.2 proto comp mode tunnel \
                tmpl proto esp spi 0x100 reqid 9 mode transport level use
                xfrm policy add src 2001:db8:1::/48 dst ::/0 dev lo dir fwd action block
                """
            )
            let policies = try SecurityDatabase().policies().sorted { $0.priority > $1.priority }
            try #require(policies.count == 2)
            #expect(
                policies[0]
                    == SecurityPolicy(
                        selector: TrafficSelector(
                            source: Sample.prefix("10.1.0.0/16"),
                            destination: Sample.prefix("10.20.0.0/16"),
                            sourcePort: TrafficSelector.Port(number: 5, mask: 0xffff),
                            destinationPort: TrafficSelector.Port(number: 7, mask: 0xffff),
                            proto: 17,
                            link: 0
                        ),
                        direction: .output,
                        isOfSocket: false,
                        index: policies[0].index,
                        priority: 5,
                        action: .allow,
                        interfaceID: 42,
                        mark: IPsecMark(value: 3, mask: 7),
                        templates: [
                            SecurityPolicy.Template(
                                source: IPAddress("192.0.2.1"),
                                destination: IPAddress("192.0.2.2"),
                                spi: 0,
                                proto: .comp,
                                mode: .tunnel,
                                requestID: 0,
                                isOptional: false
                            ),
                            SecurityPolicy.Template(
                                source: nil,
                                destination: nil,
                                spi: 0x100,
                                proto: .esp,
                                mode: .transport,
                                requestID: 9,
                                isOptional: true
                            ),
                        ],
                        isSubPolicy: false
                    )
            )
            let block = policies[1]
            #expect(block.selector.source == Sample.prefix("2001:db8:1::/48"))
            #expect(block.selector.destination == Sample.prefix("::/0"))
            let lo = unsafe Int32(if_nametoindex("lo"))
            #expect(block.selector.link == lo)
            #expect((block.direction, block.action, block.interfaceID) == (.forward, .block, 0))
            #expect(block.mark == nil && block.templates.isEmpty)
        }
    }

    /// As IKE daemons have them for the packets of their own.
    @Test func tellsThePoliciesOfSockets() throws {
        try inFreshNamespace {
            let socket = FileDescriptor(owning: udpSocket())
            for direction in [SecurityPolicy.Direction.input, .output] {
                var policy = xfrm_userpolicy_info()
                policy.sel.family = UInt16(AF_INET)
                policy.dir = direction.rawValue
                let size = socklen_t(MemoryLayout<xfrm_userpolicy_info>.size)
                let done = unsafe setsockopt(socket.raw, Int32(IPPROTO_IP), IP_XFRM_POLICY, &policy, size)
                try #require(done == 0)
            }
            let policies = try SecurityDatabase().policies()
            #expect(policies.map(\.isOfSocket) == [true, true])
            #expect(Set(policies.map(\.direction)) == [.input, .output])
        }
    }

    @Test func ipReadsOurBlocks() throws {
        try inFreshNamespace {
            let database = try SecurityDatabase()
            let wanted = BlockPolicy.all(interfaceID: 42)
            try database.apply(BlockPolicy.Difference(missing: wanted, surplus: []))
            let shown = try run("/sbin/ip", "xfrm", "policy")
            for family in ["src 0.0.0.0/0 dst 0.0.0.0/0", "src ::/0 dst ::/0"] {
                for direction in ["in", "out", "fwd"] {
                    let lines = [
                        "\(family) ", "\tdir \(direction) action block priority 4294967294 ptype main ", "\tif_id 0x2a",
                    ]
                    #expect(shown.contains(lines.joined(separator: "\n")), "\(shown)")
                }
            }
            #expect(shown.split(separator: "\n").count == 18)
            #expect(Set(try database.policies().compactMap { BlockPolicy($0, among: 42...42) }) == wanted)
        }
    }

    /// A second run does nothing, and foreign policies stay whatever they are.
    @Test func makesWhatIsMissingAndNoMore() throws {
        try inFreshNamespace {
            let database = try SecurityDatabase()
            func difference(_ wanted: Set<BlockPolicy>) throws -> BlockPolicy.Difference {
                BlockPolicy.difference(wanted: wanted, from: try database.policies(), among: 40...49)
            }
            // Somebody's own: of an interface that is none of ours, and of all packets of one that is.
            try ip(
                """
                xfrm policy add src 0.0.0.0/0 dst 0.0.0.0/0 dir out action block priority 4294967294 if_id 7
                xfrm policy add src 0.0.0.0/0 dst 0.0.0.0/0 dir out action block priority 4294967294 if_id 42
                """
            )
            let (first, second) = (BlockPolicy.all(interfaceID: 42), BlockPolicy.all(interfaceID: 43))
            var step = try difference(first.union(second))
            #expect(step == BlockPolicy.Difference(missing: first.union(second), surplus: []))
            try database.apply(step)
            #expect(try difference(first.union(second)).isEmpty)

            step = try difference(second)
            #expect(step == BlockPolicy.Difference(missing: [], surplus: first))
            try database.apply(step)
            // Gone already: no error.
            try database.apply(step)
            #expect(try difference(second).isEmpty)
            try database.apply(try difference([]))
            #expect(try database.policies().count == 2)
            #expect(try run("/sbin/ip", "xfrm", "policy").split(separator: "\n").count == 6)
        }
    }

    /// An IKE daemon makes the policy of a tunnel for all addresses with our interface's number, changes and deletes it:
    /// ours must be another policy for the kernel, which does not tell them apart by their priorities.
    @Test func staysBesideATunnelOfAllAddresses() throws {
        try inFreshNamespace {
            let database = try SecurityDatabase()
            let wanted: Set = [BlockPolicy(family: .ipv4, direction: .output, interfaceID: 42)]
            func isThere() throws -> Bool {
                BlockPolicy.difference(wanted: wanted, from: try database.policies(), among: 42...42).isEmpty
            }
            let tunnel = "src 0.0.0.0/0 dst 0.0.0.0/0 dir out if_id 42"
            let template = "tmpl src 192.0.2.1 dst 192.0.2.2 proto esp reqid 9 mode tunnel"
            try database.apply(BlockPolicy.Difference(missing: wanted, surplus: []))
            try ip("xfrm policy add \(tunnel) priority 1000 \(template)")
            try ip("xfrm policy update \(tunnel) priority 1001 \(template)")
            #expect(try isThere())
            #expect(try database.policies().count == 2)
            // Ours, put right while the tunnel is up, leaves the tunnel alone.
            try database.apply(BlockPolicy.Difference(missing: wanted, surplus: []))
            #expect(Set(try database.policies().map(\.priority)) == [1001, BlockPolicy.priority])
            try ip("xfrm policy delete \(tunnel)")
            #expect(try isThere())
            try ip("xfrm policy add \(tunnel) priority 1000 \(template)")
            try database.apply(BlockPolicy.Difference(missing: [], surplus: wanted))
            #expect(try database.policies().map(\.priority) == [1000])
        }
    }

    /// The port that does not count does not count: what a block like ours is for goes nowhere, whatever its port is.
    @Test func blocksPacketsOfAnyPort() throws {
        try inFreshNamespace {
            try ip(
                """
                link add v0 type veth peer name v1
                link set v0 up
                link set v1 up
                address add 192.0.2.1/24 dev v0
                neighbour add 192.0.2.2 lladdr 02:00:00:00:00:01 dev v0
                """
            )
            func send(_ port: UInt16) throws -> Bool {
                let socket = FileDescriptor(owning: udpSocket())
                let target = SocketEndpoint(address: try #require(IPAddress("192.0.2.2")), port: port).kernelForm
                return unsafe pn_sendto(socket.raw, target, 1, 0, target, socklen_t(target.count)) == 1
            }
            let ports: [UInt16] = [9, BlockPolicy.port.number, 65_535]
            for port in ports { #expect(try send(port)) }
            // Of no interface: this kernel may have none that has a number.
            let block = BlockPolicy(family: .ipv4, direction: .output, interfaceID: 0)
            let before = try XFRMStatistics.read(from: "/proc/thread-self/net/xfrm_stat")
            try SecurityDatabase().apply(BlockPolicy.Difference(missing: [block], surplus: []))
            for port in ports { #expect(try !send(port), "port \(port)") }
            let after = try XFRMStatistics.read(from: "/proc/thread-self/net/xfrm_stat")
            #expect(after.growth(since: before).packets == [.outPolicyBlock: 3])
        }
    }

    @Test func writesABlockAsTheKernelReadsIt() {
        let block = BlockPolicy(family: .ipv6, direction: .forward, interfaceID: 42)
        let zeros = [UInt8](repeating: 0, count: 16)
        let selector: [UInt8] =
            zeros + zeros  // daddr, saddr
            + [0x70, 0x6e, 0, 0, 0, 0, 0, 0]  // dport and its mask, sport and its mask
            + [10, 0, 0, 0, 0, 0, 0, 0]  // AF_INET6, prefix lengths, proto, padding
            + [0, 0, 0, 0, 0, 0, 0, 0]  // ifindex, user
        let number: [UInt8] = [8, 0, 31, 0, 42, 0, 0, 0]  // XFRMA_IF_ID
        let infinite = [UInt8](repeating: 0xff, count: 32)
        let never = [UInt8](repeating: 0, count: 32)
        #expect(
            Array(block.installation.bytes)
                == [192, 0, 0, 0, 25, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]  // XFRM_MSG_UPDPOLICY, REQUEST
                + selector + infinite + never + never  // limits of octets and packets; of time; what was carried
                + [0xfe, 0xff, 0xff, 0xff, 0, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0]  // priority, index, fwd, block
                + number
        )
        #expect(
            Array(block.removal.bytes)
                == [88, 0, 0, 0, 20, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]  // XFRM_MSG_DELPOLICY, REQUEST
                + selector + [0, 0, 0, 0, 2, 0, 0, 0]  // index, fwd
                + number
        )
    }
}

/// Runs lines of ip(8).
func ip(_ lines: String) throws {
    try run("/bin/sh", "-ec", "echo \"$0\" | ip -batch -", lines)
}

/// A UDP socket in this thread's namespace.
private func udpSocket() -> Int32 {
    socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
}
