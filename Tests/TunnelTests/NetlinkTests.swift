// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import Testing

@testable import Tunnel

/// A made-up kernel: answers come from a script, requests are kept.
final class ScriptedKernel: NetlinkTransport {
    var answers: [[UInt8]]
    var sent: [[UInt8]] = []

    init(_ answers: [[UInt8]]) {
        self.answers = answers
    }

    func send(_ bytes: ArraySlice<UInt8>) throws(NetlinkError) {
        sent.append(Array(bytes))
    }

    func receive() throws(NetlinkError) -> [UInt8]? {
        answers.isEmpty ? nil : answers.removeFirst()
    }

    /// A message as the kernel writes it.
    static func message(_ type: Int32, flags: Int32 = 0, sequence: UInt32, _ payload: [UInt8]) -> [UInt8] {
        func bytes<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
            (0..<MemoryLayout<Number>.size).map { UInt8(truncatingIfNeeded: number >> (8 * Number($0))) }
        }
        return bytes(UInt32(16 + payload.count)) + bytes(UInt16(type)) + bytes(UInt16(truncatingIfNeeded: flags))
            + bytes(sequence) + bytes(UInt32(0)) + payload + Array(repeating: 0, count: (4 - payload.count % 4) % 4)
    }

    static func acknowledgement(_ code: Int32, sequence: UInt32, text: String? = nil) -> [UInt8] {
        let raw = UInt32(bitPattern: code)
        var payload = (0..<4).map { UInt8(truncatingIfNeeded: raw >> (8 * $0)) } + Array(repeating: 0, count: 16)
        if let text {
            let value = Array(text.utf8) + [0]
            // NLMSGERR_ATTR_MSG
            payload += [UInt8(4 + value.count), 0, 1, 0] + value
        }
        return message(NLMSG_ERROR, flags: text == nil ? 0 : Int32(NLM_F_ACK_TLVS), sequence: sequence, payload)
    }
}

struct NetlinkTests {
    private let link = LinkMessages.dump()

    @Test func writesARouteAsTheKernelReadsIt() {
        let route = Route(
            table: 7000,
            prefix: Sample.prefix("10.20.0.0/16"),
            metric: 100,
            destination: .nexthop(7204)
        )
        let message = RouteMessages.put(route, Sample.reserved)
        #expect(
            Array(message.bytes) == [
                64, 0, 0, 0, 24, 0, 0x01, 0x05, 0, 0, 0, 0, 0, 0, 0, 0,  // length, RTM_NEWROUTE, REQUEST|REPLACE|CREATE
                2, 16, 0, 0, 0, 112, 0, 1, 0, 0, 0, 0,  // AF_INET /16, protocol 112, scope universe, unicast
                8, 0, 15, 0, 0x58, 0x1b, 0, 0,  // RTA_TABLE 7000
                8, 0, 1, 0, 10, 20, 0, 0,  // RTA_DST
                8, 0, 6, 0, 100, 0, 0, 0,  // RTA_PRIORITY
                8, 0, 30, 0, 0x24, 0x1c, 0, 0,  // RTA_NH_ID 7204
                4, 0, 8, 0x80,  // RTA_METRICS, empty
            ]
        )
        var small = route
        small.mtu = 1400
        #expect(
            RouteMessages.put(small, Sample.reserved).bytes.suffix(12) == [
                12, 0, 8, 0x80, 8, 0, 2, 0, 0x78, 0x05, 0, 0,  // RTA_METRICS with RTAX_MTU 1400
            ]
        )
        var lent = route
        lent.source = IPAddress("10.1.0.1")
        #expect(
            RouteMessages.put(lent, Sample.reserved).bytes.suffix(12) == [
                8, 0, 7, 0, 10, 1, 0, 1,  // RTA_PREFSRC
                4, 0, 8, 0x80,  // RTA_METRICS, empty
            ]
        )
        #expect(RouteMessages.delete(small, Sample.reserved).bytes.count == 60, "whatever its MTU is")
    }

    @Test func writesAGroupOfNexthops() {
        let message = NexthopMessages.put(
            Nexthop(id: 7204, family: .ipv4, destination: .group([7002])),
            Sample.reserved
        )
        #expect(
            Array(message.bytes.dropFirst(16)) == [
                0, 0, 112, 0, 0, 0, 0, 0,  // no family, protocol 112
                8, 0, 1, 0, 0x24, 0x1c, 0, 0,  // NHA_ID 7204
                12, 0, 2, 0, 0x5a, 0x1b, 0, 0, 0, 0, 0, 0,  // NHA_GROUP: 7002, weight 1
            ]
        )
    }

    @Test func carriesTheKernelsOwnWords() {
        let kernel = ScriptedKernel([
            ScriptedKernel.acknowledgement(-EINVAL, sequence: 1, text: "Nexthop id is unknown")
        ])
        let error = #expect(throws: NetlinkError.self) {
            try NetlinkConversation(over: kernel).change(link, "set route 10.20.0.0/16")
        }
        #expect(error?.description == "set route 10.20.0.0/16: Nexthop id is unknown (Invalid argument)")
        #expect(error?.code == EINVAL)
    }

    @Test func asksAgainWhereADumpWasInterrupted() throws {
        let payload = [UInt8](repeating: 0, count: 16)
        let kernel = ScriptedKernel([
            ScriptedKernel.message(16, flags: NLM_F_MULTI | NLM_F_DUMP_INTR, sequence: 1, payload)
                + ScriptedKernel.message(NLMSG_DONE, sequence: 1, [0, 0, 0, 0]),
            ScriptedKernel.message(16, flags: NLM_F_MULTI, sequence: 2, payload)
                + ScriptedKernel.message(NLMSG_DONE, sequence: 2, [0, 0, 0, 0]),
        ])
        #expect(try NetlinkConversation(over: kernel).dump(link, "read").count == 1)
        #expect(kernel.sent.count == 2)
    }

    @Test func givesUpOnAKernelThatNeverStandsStill() {
        let payload = [UInt8](repeating: 0, count: 16)
        let kernel = ScriptedKernel(
            (1...10).map { sequence in
                ScriptedKernel.message(16, flags: NLM_F_MULTI | NLM_F_DUMP_INTR, sequence: UInt32(sequence), payload)
                    + ScriptedKernel.message(NLMSG_DONE, sequence: UInt32(sequence), [0, 0, 0, 0])
            }
        )
        #expect(throws: NetlinkError.neverConsistent(operation: "read")) {
            try NetlinkConversation(over: kernel).dump(link, "read")
        }
    }

    @Test func ignoresAnswersToOthersQuestions() throws {
        let kernel = ScriptedKernel([
            ScriptedKernel.acknowledgement(-EPERM, sequence: 77), ScriptedKernel.acknowledgement(0, sequence: 1),
        ])
        try NetlinkConversation(over: kernel).change(link, "set")
    }

    @Test func noticesADumpThatFailedAtItsEnd() {
        let raw = UInt32(bitPattern: -EMSGSIZE)
        let code = (0..<4).map { UInt8(truncatingIfNeeded: raw >> (8 * $0)) }
        let kernel = ScriptedKernel([ScriptedKernel.message(NLMSG_DONE, sequence: 1, code)])
        #expect(throws: NetlinkError.refused(operation: "read", code: EMSGSIZE, text: nil)) {
            try NetlinkConversation(over: kernel).dump(link, "read")
        }
    }

    @Test func saysThatTheKernelDidNotAnswer() {
        #expect(throws: NetlinkError.noAnswer(operation: "set")) {
            try NetlinkConversation(over: ScriptedKernel([])).change(link, "set")
        }
    }

    /// What a kernel would never send must not harm either: cut, stretched and random octets.
    @Test func readsHostileOctetsWithoutHarm() {
        var seed: UInt64 = 3
        let good = Array(
            RuleMessages.add(
                Rule(family: .ipv4, priority: 1, selector: .mark(1, mask: 1), action: .lookup(7)),
                Sample.reserved
            ).bytes
        )
        for _ in 0..<5_000 {
            var bytes = good
            for _ in 0..<4 {
                seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                bytes[Int(seed >> 33) % bytes.count] = UInt8(truncatingIfNeeded: seed >> 20)
            }
            for reply in NetlinkReply.parse(bytes) {
                _ = (LinkMessages.parse(reply), RouteMessages.parse(reply), AddressMessages.parse(reply))
                _ = (RuleMessages.parse(reply, Sample.reserved), NexthopMessages.parse(reply, Sample.reserved))
                _ = KernelWireGuard.parse([reply])
            }
        }
    }
}
