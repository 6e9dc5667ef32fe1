// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import Testing

@testable import Tunnel

/// The interface that ties routes and security associations together.
@Suite(.serialized)
struct XFRMLinkTests {
    @Test func writesOneAsTheKernelReadsIt() {
        let message = LinkMessages.create(Sample.interface("pn-b"), .xfrm(interfaceID: 42))
        #expect(
            Array(message.bytes) == [
                72, 0, 0, 0, 16, 0, 0x01, 0x06, 0, 0, 0, 0, 0, 0, 0, 0,  // length, RTM_NEWLINK, REQUEST|EXCL|CREATE
                0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  // ifinfomsg
                9, 0, 3, 0, 0x70, 0x6e, 0x2d, 0x62, 0, 0, 0, 0,  // IFLA_IFNAME pn-b
                28, 0, 18, 0x80,  // IFLA_LINKINFO
                9, 0, 1, 0, 0x78, 0x66, 0x72, 0x6d, 0, 0, 0, 0,  // IFLA_INFO_KIND xfrm
                12, 0, 2, 0x80,  // IFLA_INFO_DATA
                8, 0, 2, 0, 42, 0, 0, 0,  // IFLA_XFRM_IF_ID
            ]
        )
    }

    @Test func readsTheNumberOfThatKindAlone() throws {
        var message = LinkMessages.create(Sample.interface("pn-b"), .xfrm(interfaceID: 42))
        let link = try #require(NetlinkReply.parse(Array(message.bytes)).first.flatMap(LinkMessages.parse))
        #expect((link.kind, link.xfrmInterfaceID) == ("xfrm", 42))
        // Of a VLAN, the attribute with that number means its protocol or flags.
        message = NetlinkMessage(type: RTM_NEWLINK, flags: 0, header: ifinfomsg())
        message.put(IFLA_IFNAME, text: "eth0.5")
        message.nest(IFLA_LINKINFO) { information in
            information.put(IFLA_INFO_KIND, text: "vlan")
            information.nest(IFLA_INFO_DATA) { $0.put(IFLA_XFRM_IF_ID, number: UInt32(42)) }
        }
        let other = try #require(NetlinkReply.parse(Array(message.bytes)).first.flatMap(LinkMessages.parse))
        #expect(other.xfrmInterfaceID == nil)
    }

    /// Either the kernel makes one, or it is known why not.
    @Test func makesOneOrSaysThatThisKernelHasNone() throws {
        try inFreshNamespace {
            let kernel = NetlinkConversation(over: try NetlinkSocket(bus: NETLINK_ROUTE))
            do {
                try kernel.change(
                    LinkMessages.create(Sample.interface("pn-b"), .xfrm(interfaceID: 0x2a)),
                    "make pn-b"
                )
            } catch let error as NetlinkError {
                #expect(IPsecLack(makingInterface: error) == .interface)
                #expect(throws: ProgramFailure.self) {
                    try run("/sbin/ip", "link", "add", "pn-c", "type", "xfrm", "if_id", "0x2a")
                }
                return
            }
            #expect(try run("/sbin/ip", "-d", "link", "show", "pn-b").contains("if_id 0x2a"))
            try run("/sbin/ip", "link", "add", "pn-c", "type", "xfrm", "if_id", "0x2b")
            let links = try kernel.dump(LinkMessages.dump(), "read the links").compactMap(LinkMessages.parse)
            let numbers = links.compactMap { link in link.xfrmInterfaceID.map { "\(link.name) \($0)" } }
            #expect(Set(numbers) == ["pn-b 42", "pn-c 43"])
            let error = #expect(throws: NetlinkError.self) {
                try kernel.change(LinkMessages.create(Sample.interface("pn-d"), .xfrm(interfaceID: 42)), "make pn-d")
            }
            #expect(error?.code == EEXIST)
            #expect(error.flatMap { IPsecLack(makingInterface: $0) } == nil)
        }
    }

    @Test func tellsAMissingKernelFeatureFromOtherErrors() {
        func lack(_ code: Int32) -> IPsecLack? {
            IPsecLack(makingInterface: .refused(operation: "make pn-b", code: code, text: nil))
        }
        #expect(lack(EOPNOTSUPP) == .interface)
        #expect(lack(EPERM) == nil && lack(EEXIST) == nil)
        #expect(IPsecLack(makingInterface: .noAnswer(operation: "make pn-b")) == nil)
    }
}
