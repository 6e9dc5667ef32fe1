// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes

/// The kernel's WireGuard over generic netlink (linux/wireguard.h).
struct KernelWireGuard: WireGuardControl {
    private let conversation: NetlinkConversation
    private let family: Int

    /// Looks the family up. Throws ENOENT where the kernel has no WireGuard.
    init(over conversation: NetlinkConversation) throws(NetlinkError) {
        self.conversation = conversation
        var message = NetlinkMessage(
            type: Int(controllerFamily),
            flags: 0,
            header: genlmsghdr(cmd: UInt8(CTRL_CMD_GETFAMILY), version: 1, reserved: 0)
        )
        message.put(Int(CTRL_ATTR_FAMILY_NAME), text: WG_GENL_NAME)
        let replies = try conversation.ask(message, "look for the kernel's WireGuard")
        let id = replies.first?.attributes(after: genlmsghdr.self).number(Int(CTRL_ATTR_FAMILY_ID), as: UInt16.self)
        guard let id else { throw .refused(operation: "look for the kernel's WireGuard", code: ENOENT, text: nil) }
        family = Int(id)
    }

    func read(_ interface: InterfaceName) throws(WireGuardError) -> WireGuardDevice {
        let message = Self.request(WG_CMD_GET_DEVICE, interface, family: family)
        do {
            return Self.parse(try conversation.dump(message, "read WireGuard interface \(interface)"))
        } catch {
            throw .netlink(error)
        }
    }

    func apply(_ change: WireGuardChange, to interface: InterfaceName) throws(WireGuardError) {
        for message in Self.messages(for: change, interface, family: family) {
            do { try conversation.change(message, "configure WireGuard interface \(interface)") } catch {
                throw .netlink(error)
            }
        }
    }

    private static func request(_ command: wg_cmd, _ interface: InterfaceName, family: Int) -> NetlinkMessage {
        var message = NetlinkMessage(
            type: family,
            flags: 0,
            header: genlmsghdr(cmd: UInt8(command.rawValue), version: UInt8(WG_GENL_VERSION), reserved: 0)
        )
        message.put(WGDEVICE_A_IFNAME, text: interface.text)
        return message
    }

    /// Reads the messages of a dump.
    static func parse(_ replies: [NetlinkReply]) -> WireGuardDevice {
        var dump = WireGuardDump()
        for reply in replies { dump.take(reply) }
        return dump.device
    }

    /// The change as messages, in the order in which they have to be sent: what concerns the device goes with the
    /// first, and as many peers as go in go with each.
    static func messages(for change: WireGuardChange, _ interface: InterfaceName, family: Int) -> [NetlinkMessage] {
        guard !change.isEmpty else { return [] }
        var first = request(WG_CMD_SET_DEVICE, interface, family: family)
        let following = first
        if let key = change.privateKey { first.put(WGDEVICE_A_PRIVATE_KEY, key.bytes) }
        if let port = change.listenPort { first.put(WGDEVICE_A_LISTEN_PORT, number: port) }
        if let mark = change.mark { first.put(WGDEVICE_A_FWMARK, number: mark) }
        let lists = WireGuardPeerLists.lists(of: change.peers)
        guard !lists.isEmpty else { return [first] }
        return lists.enumerated().map { index, list in
            var message = index == 0 ? first : following
            message.put(Int(WGDEVICE_A_PEERS.rawValue) | Int(NLA_F_NESTED), list)
            return message
        }
    }
}

/// GENL_ID_CTRL, an expression macro over NLMSG_MIN_TYPE.
private let controllerFamily = NLMSG_MIN_TYPE
