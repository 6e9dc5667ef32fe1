// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import SystemIO
import Testing

@testable import Tunnel

/// Associations of ESP in the running kernel, beside what ip-xfrm(8) shows of them.
///
/// In the guest, what the kernel sends goes to the folder of results: `Tests/Lab/Guest/capture` keeps it.
@Suite(.serialized, .enabled(if: isESPInTheKernel, "this kernel has no ESP; the guest's has"))
struct XFRMKernelTests {
    @Test func readsWhatIpWrote() throws {
        try inFreshNamespace {
            let events = try XFRMEvents(hearsAcquires: false)
            try ip(FakeAssociations.lines)
            let recorder = try RecordingSocket()
            let read = try SecurityDatabase(over: recorder).associations()
            #expect(FakeAssociations.comparable(read) == FakeAssociations.expected)
            let told = events.drain()
            #expect(told.count == 2)
            #expect(
                Set(told.map(\.event)) == Set(read.map(XFRMEvent.newAssociation)),
                "events tell the same as dumps"
            )
            guard let results = EnvironmentVariable.text("PNETD_LAB_RESULTS") else { return }
            let messages = recorder.received.flatMap { NetlinkReply.parse($0) }
            #expect(messages.count == 3)
            try Files.replace("\(results)/xfrm-associations.netlink", with: Array(recorder.received.joined()))
        }
    }

    /// A tunnel for all addresses, the block beside it, and traffic through the interface of both.
    @Test func countsAsIpDoesAndBlocksWithoutATunnel() throws {
        try inFreshNamespace {
            try ip(
                """
                link add v0 type veth peer name v1
                link set v0 up
                link set v1 up
                address add 192.0.2.1/24 dev v0
                neighbour add 192.0.2.2 lladdr 02:00:00:00:00:01 dev v0
                link add pn-b type xfrm dev v0 if_id 42
                link set pn-b up
                address add 10.98.0.2/30 dev pn-b
                route add 10.20.0.0/16 dev pn-b
                """
            )
            let database = try SecurityDatabase()
            func ping() throws { try run("/bin/sh", "-c", "ping -c 3 -i 0.2 -W 1 10.20.0.4 > /dev/null 2>&1; true") }
            func statistics() throws -> XFRMStatistics {
                try XFRMStatistics.read(from: "/proc/thread-self/net/xfrm_stat")
            }
            let blocks = BlockPolicy.all(interfaceID: 42)
            try database.apply(BlockPolicy.Difference(missing: blocks, surplus: []))
            let before = try statistics()
            try ping()
            let growth = try statistics().growth(since: before)
            #expect(growth.packets[.outPolicyBlock] ?? 0 >= 3, "\(growth)")

            try ip(
                """
                xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 0x1001 reqid 9 mode tunnel if_id 42 \
                aead rfc4106(gcm(aes)) 0x\(FakeAssociations.hexadecimal(20)) 128
                xfrm policy add src 0.0.0.0/0 dst 0.0.0.0/0 dir out if_id 42 priority 1000 \
                tmpl src 192.0.2.1 dst 192.0.2.2 proto esp reqid 9 mode tunnel
                """
            )
            try ping()
            let association = try #require(try database.associations().first)
            let traffic = association.traffic
            #expect(traffic.packets == 3 && association.replay.lastSent == 3)
            let shown = try run("/sbin/ip", "-s", "xfrm", "state")
            #expect(shown.contains("\(traffic.bytes)(bytes), \(traffic.packets)(packets)"), "\(shown)")
            #expect(try #require(traffic.firstUsed) >= traffic.added)

            // The daemon is gone: its policy goes, ours is still there.
            try ip("xfrm policy delete src 0.0.0.0/0 dst 0.0.0.0/0 dir out if_id 42")
            try ping()
            #expect(try database.associations().first?.traffic.packets == 3)
            #expect(
                BlockPolicy.difference(wanted: blocks, from: try database.policies(), among: 42...42).isEmpty
            )
        }
    }

    @Test func tellsOfTheEndOfAnAssociationsLife() throws {
        try inFreshNamespace {
            let events = try XFRMEvents(hearsAcquires: false)
            try ip(
                """
                xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 0x1001 reqid 9 mode tunnel if_id 42 \
                limit time-soft 1 limit time-hard 2 aead rfc4106(gcm(aes)) 0x\(FakeAssociations.hexadecimal(20)) 128
                """
            )
            var notices = events.drain()
            for _ in 0..<1_000 where notices.count < 3 {
                usleep(20_000)
                notices += events.drain()
            }
            let ends = notices.dropFirst().compactMap { notice -> Bool? in
                guard case .expired(let association, let isHard) = notice.event, notice.port == 0,
                    (association.spi, association.interfaceID) == (0x1001, 42)
                else { return nil }
                return isHard
            }
            #expect(ends == [false, true], "\(notices)")
            #expect(try SecurityDatabase().associations().isEmpty)
        }
    }

    @Test func explainsAnSPIThatIsUnknown() throws {
        try inFreshNamespace {
            let before = try XFRMStatistics.read(from: "/proc/thread-self/net/xfrm_stat")
            let socket = FileDescriptor(owning: socket(AF_INET, Int32(SOCK_RAW.rawValue), Int32(IPPROTO_ESP)))
            let target = Sample.endpoint("127.0.0.1:50").kernelForm
            // SPI, sequence number, and what would be encrypted.
            let packet: [UInt8] = [0, 0, 0x20, 1, 0, 0, 0, 1] + Array(repeating: 0, count: 32)
            for _ in 0..<2 {
                let sent = unsafe pn_sendto(socket.raw, packet, packet.count, 0, target, socklen_t(target.count))
                #expect(sent == packet.count)
            }
            let growth = try XFRMStatistics.read(from: "/proc/thread-self/net/xfrm_stat").growth(since: before)
            #expect(growth.packets == [.inNoStates: 2])
            #expect(growth.explanations.first?.contains("the peer uses an SPI that we do not have") == true)
        }
    }

    /// A peer whose packets come from another port than its association says, as when a NAT has forgotten. Nothing changes
    /// by itself: it is for the IKE daemon to tell the kernel.
    @Test func tellsThatThePeerMoved() throws {
        try inFreshNamespace {
            let far = "pnetd-xfrm-\(getpid())"
            try run("/sbin/ip", "netns", "add", far)
            defer { _ = try? run("/sbin/ip", "netns", "delete", far) }
            let keys = """
                enc cbc(aes) 0x\(FakeAssociations.hexadecimal(16)) \
                auth-trunc hmac(sha256) 0x\(FakeAssociations.hexadecimal(32)) 128
                """
            let association = "xfrm state add src 192.0.2.2 dst 192.0.2.1 proto esp spi 0x1002 reqid 10 mode tunnel"
            try ip(
                """
                link add v0 type veth peer name v1 netns \(far)
                link set v0 up
                address add 192.0.2.1/24 dev v0
                address add 10.1.0.1/32 dev lo
                \(association) encap espinudp 4500 4500 0.0.0.0 \(keys)
                """
            )
            let peer = """
                link set v1 up
                address add 192.0.2.2/24 dev v1
                route add 10.1.0.1 via 192.0.2.1
                \(association) encap espinudp 50000 4500 0.0.0.0 \(keys)
                xfrm policy add src 0.0.0.0/0 dst 10.1.0.1/32 dir out \
                tmpl src 192.0.2.2 dst 192.0.2.1 proto esp reqid 10 mode tunnel
                """
            try run("/bin/sh", "-ec", "echo \"$0\" | ip -netns $1 -batch -", peer, far)

            let listener = FileDescriptor(owning: socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0))
            var kind = UDP_ENCAP_ESPINUDP
            let size = socklen_t(MemoryLayout<Int32>.size)
            let isESP = unsafe setsockopt(listener.raw, Int32(IPPROTO_UDP), UDP_ENCAP, &kind, size)
            let own = Sample.endpoint("0.0.0.0:4500").kernelForm
            let isBound = unsafe pn_bind(listener.raw, own, socklen_t(own.count))
            try #require(isESP == 0 && isBound == 0)

            let events = try XFRMEvents(hearsAcquires: false)
            let before = try XFRMStatistics.read(from: "/proc/thread-self/net/xfrm_stat")
            let pings = "ip netns exec \(far) ping -c 2 -i 0.2 -W 1 10.1.0.1 > /dev/null 2>&1; true"
            try run("/bin/sh", "-c", pings)
            let mapping = XFRMEvent.Mapping(
                id: try #require(try SecurityDatabase().associations().first).id,
                requestID: 10,
                old: Sample.endpoint("192.0.2.2:4500"),
                new: Sample.endpoint("192.0.2.2:50000")
            )
            let notices = events.drain()
            #expect(notices.first == XFRMNotice(event: .mapping(mapping), port: 0), "\(notices)")
            let growth = try XFRMStatistics.read(from: "/proc/thread-self/net/xfrm_stat").growth(since: before)
            #expect(growth.packets == [.inNoPolicies: 2], "there is no policy to let them in")
        }
    }
}

private var isESPInTheKernel: Bool { (try? SecurityDatabase().lacksESP(.ipv4)) == false }

/// A socket that remembers what the kernel sent.
private final class RecordingSocket: NetlinkTransport {
    private let socket: NetlinkSocket
    var received: [[UInt8]] = []

    init() throws {
        socket = try NetlinkSocket(bus: NETLINK_XFRM)
    }

    func send(_ bytes: ArraySlice<UInt8>) throws(NetlinkError) {
        try socket.send(bytes)
    }

    func receive() throws(NetlinkError) -> [UInt8]? {
        let datagram = try socket.receive()
        if let datagram { received.append(datagram) }
        return datagram
    }
}
