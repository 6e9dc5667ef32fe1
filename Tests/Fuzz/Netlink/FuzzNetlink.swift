// SPDX-License-Identifier: Apache-2.0
// Fuzzes what the kernel answers: the splitting into messages, and everything that reads one.

import CLinux
import FuzzKit
import NetworkTypes

@testable import Tunnel

/// The first octet says what the rest is. Those who begin have connections and associations as the kernel told them, in Tests/Fuzz/Seeds.
@c(LLVMFuzzerTestOneInput)
public func fuzzNetlink(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    guard let first = input.first else { return 0 }
    let kernel = FuzzedKernel(input.dropFirst())
    let conversation = NetlinkConversation(over: kernel)
    switch first % 8 {
    case 0:
        read(NetlinkReply.parse(Array(input.dropFirst())))
        readCounts(input.dropFirst())
    // One message whose frame is right: most inputs would never get so far otherwise.
    case 1...4: read(NetlinkReply.parse(FuzzedKernel.message(types[Int(first / 8) % types.count], input.dropFirst())))
    case 5: follow(input.dropFirst())
    case 6: _ = try? KernelWireGuard(over: conversation).read(interface)
    default:
        let firewall = Firewall(over: conversation)
        _ = try? firewall.reconcile(NftTable(sets: [], chains: []))
        _ = try? firewall.remove()
    }
    return 0
}

private let types = [
    RTM_NEWLINK, RTM_NEWADDR, RTM_NEWROUTE, RTM_NEWRULE, RTM_NEWNEXTHOP,
    Int(NFNL_SUBSYS_NFTABLES) << 8 | Int(NFT_MSG_NEWTABLE.rawValue), wireGuard, wireGuard,
    Int(NFNL_SUBSYS_CTNETLINK) << 8 | Int(IPCTNL_MSG_CT_NEW.rawValue), RTM_NEWNEIGH,
    XFRM_MSG_NEWSA, XFRM_MSG_DELSA, XFRM_MSG_EXPIRE, XFRM_MSG_NEWPOLICY, XFRM_MSG_DELPOLICY, XFRM_MSG_POLEXPIRE,
    XFRM_MSG_ACQUIRE, XFRM_MSG_MAPPING, XFRM_MSG_FLUSHSA, XFRM_MSG_GETDEFAULT,
    Int(SOCK_DIAG_BY_FAMILY),
]
/// What the kernel happens to give to WireGuard; any number above those of netlink itself.
private let wireGuard = 32
private let reserved = ReservedNumbers(
    routeProtocol: 112,
    firstTable: 7000,
    firstPriority: 700,
    markMask: 0x7f00_0000,
    firstNexthop: 7000
)
private let interface: InterfaceName = {
    guard let interface = InterfaceName("pn-a") else { preconditionFailure("this is a name") }
    return interface
}()

/// Events of all kinds, one after the other, into what is known of the kernel.
private func follow(_ input: ArraySlice<UInt8>) {
    let kinds = [
        RTM_NEWLINK, RTM_DELLINK, RTM_NEWADDR, RTM_DELADDR, RTM_NEWROUTE, RTM_DELROUTE, RTM_NEWRULE, RTM_DELRULE,
        RTM_NEWNEXTHOP, RTM_DELNEXTHOP, RTM_NEWNEIGH, RTM_DELNEIGH,
    ]
    var world = Observed()
    var rest = input
    while let kind = rest.popFirst() {
        let count = Int(rest.popFirst() ?? 0)
        let message = FuzzedKernel.message(kinds[Int(kind) % kinds.count], rest.prefix(count))
        rest = rest.dropFirst(count)
        for reply in NetlinkReply.parse(message) { world.take(reply, reserved) }
    }
    _ = (world.collisions, world.precedences, world.differences(from: Observed()))
    precondition(world.differences(from: world).isEmpty)
}

private func read(_ replies: [NetlinkReply]) {
    for reply in replies {
        _ = (LinkMessages.parse(reply), AddressMessages.parse(reply), RouteMessages.parse(reply))
        _ = (RuleMessages.parse(reply, reserved), RuleMessages.foreign(reply, reserved))
        _ = (NexthopMessages.parse(reply, reserved), NexthopMessages.foreign(reply, reserved))
        _ = (NeighbourMessages.parse(reply), NftMessages.concernsOurTable(reply))
        _ = TCPConnectionMessages.parse(reply)
        _ = TrackedConnection.wasHeard(.v4(IPv4Address(bits: 0x0a14_0004)), reply)
        if let connection = TrackedConnection(reply) {
            precondition(NetlinkReply.parse(Array(connection.deletion.bytes)).count == 1)
        }
    }
    tellAgain(KernelWireGuard.parse(replies))
    readSecurity(replies)
}

/// What the kernel tells of IPsec. No association has room for a key, and a block of ours is written as it was read.
private func readSecurity(_ replies: [NetlinkReply]) {
    for reply in replies {
        _ = (XFRMEvent(reply), AssociationMessages.parse(reply)?.id)
        guard let policy = PolicyMessages.parse(reply), let block = BlockPolicy(policy, among: 1...UInt32.max) else {
            continue
        }
        let written = NetlinkReply.parse(Array(block.installation.bytes)).compactMap(PolicyMessages.parse)
        precondition(written.compactMap { BlockPolicy($0, among: 1...UInt32.max) } == [block])
        precondition(NetlinkReply.parse(Array(block.removal.bytes)).count == 1)
    }
}

/// The kernel's counts, which are text.
private func readCounts(_ text: ArraySlice<UInt8>) {
    let statistics = XFRMStatistics(text: text)
    precondition(statistics.growth(since: statistics).isEmpty)
    let growth = statistics.growth(since: XFRMStatistics(text: text.prefix(text.count / 2)))
    precondition(growth.explanations.count == growth.packets.count)
}

/// What was understood of a WireGuard device can be told to another, and is understood in the same way.
private func tellAgain(_ device: WireGuardDevice) {
    var again = WireGuardDump()
    let change = WireGuardChange(from: WireGuardDevice(), to: device.settings, toldBefore: [:])
    for message in KernelWireGuard.messages(for: change, interface, family: wireGuard) {
        precondition(message.length < 1 << 16)
        for reply in NetlinkReply.parse(Array(message.bytes)) { again.take(reply) }
    }
    precondition(again.device == device.fresh)
}

/// Answers every question with messages out of an input: their number, and for each its length and its octets.
private final class FuzzedKernel: NetlinkTransport {
    private var input: ArraySlice<UInt8>
    private var answers: [[UInt8]] = []

    init(_ input: ArraySlice<UInt8>) {
        self.input = input
    }

    func send(_ bytes: ArraySlice<UInt8>) throws(NetlinkError) {
        for request in NetlinkReply.parse(Array(bytes)) {
            // Of any object, the kernel tells by the type that makes one; WireGuard by its family's.
            let answer =
                switch request.type {
                case Int(NLMSG_MIN_TYPE), wireGuard: request.type
                case RTM_NEWLINK..<(1 << 8): request.type & ~3
                default: request.type - 1
                }
            for _ in 0..<(input.popFirst() ?? 0) % 4 {
                let count = Int(input.popFirst() ?? 0) * 2
                answers.append(Self.message(answer, input.prefix(count), sequence: request.sequence))
                input = input.dropFirst(count)
            }
            // struct nlmsgerr: no error.
            answers.append(Self.message(Int(NLMSG_ERROR), [0, 0, 0, 0], sequence: request.sequence))
        }
    }

    func receive() throws(NetlinkError) -> [UInt8]? {
        answers.isEmpty ? nil : answers.removeFirst()
    }

    static func message(_ type: Int, _ payload: ArraySlice<UInt8>, sequence: UInt32 = 0) -> [UInt8] {
        let length = UInt32(16 + payload.count)
        let fields = [length, UInt32(truncatingIfNeeded: type) & 0xffff, sequence, 0]
        let header = fields.flatMap { unsafe withUnsafeBytes(of: $0) { unsafe Array($0) } }
        return header + payload + Array(repeating: 0, count: (4 - payload.count % 4) % 4)
    }
}
