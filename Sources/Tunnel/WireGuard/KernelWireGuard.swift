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
        var message = request(WG_CMD_GET_DEVICE)
        message.put(WGDEVICE_A_IFNAME, text: interface.text)
        do {
            return Self.parse(try conversation.dump(message, "read WireGuard interface \(interface)"))
        } catch {
            throw .netlink(error)
        }
    }

    func apply(_ change: WireGuardChange, to interface: InterfaceName) throws(WireGuardError) {
        for message in messages(for: change, interface) {
            do { try conversation.change(message, "configure WireGuard interface \(interface)") } catch {
                throw .netlink(error)
            }
        }
    }

    private func request(_ command: wg_cmd) -> NetlinkMessage {
        NetlinkMessage(
            type: family,
            flags: 0,
            header: genlmsghdr(cmd: UInt8(command.rawValue), version: UInt8(WG_GENL_VERSION), reserved: 0)
        )
    }

    /// A peer that does not fit into one message of the dump goes on in the next with its key and the rest of its
    /// prefixes: adjacent entries with one key are one peer.
    static func parse(_ replies: [NetlinkReply]) -> WireGuardDevice {
        var device = WireGuardDevice()
        for reply in replies {
            let attributes = reply.attributes(after: genlmsghdr.self)
            if let key = attributes[WGDEVICE_A_PRIVATE_KEY].flatMap({ WireGuardSecretKey(bytes: $0) }), !key.isZero {
                device.privateKey = key
            }
            device.listenPort = attributes.number(WGDEVICE_A_LISTEN_PORT, as: UInt16.self) ?? device.listenPort
            device.mark = attributes.number(WGDEVICE_A_FWMARK, as: UInt32.self) ?? device.mark
            for (_, value) in attributes.nest(WGDEVICE_A_PEERS).items {
                guard let peer = peer(NetlinkAttributes(value)) else { continue }
                if let last = device.peers.last, last.publicKey == peer.publicKey {
                    device.peers[device.peers.count - 1].allowedIPs.formUnion(peer.allowedIPs)
                } else {
                    device.peers.append(peer)
                }
            }
        }
        return device
    }

    private static func peer(_ attributes: NetlinkAttributes) -> WireGuardDevice.Peer? {
        guard let key = attributes[WGPEER_A_PUBLIC_KEY].flatMap({ WireGuardPublicKey(bytes: $0) }) else { return nil }
        var peer = WireGuardDevice.Peer(publicKey: key)
        if let secret = attributes[WGPEER_A_PRESHARED_KEY].flatMap({ WireGuardSecretKey(bytes: $0) }), !secret.isZero {
            peer.presharedKey = secret
        }
        peer.endpoint = attributes[WGPEER_A_ENDPOINT].flatMap(SocketEndpoint.init(kernelForm:))
        peer.keepalive = attributes.number(WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, as: UInt16.self) ?? 0
        peer.received = attributes.number(WGPEER_A_RX_BYTES, as: UInt64.self) ?? 0
        peer.sent = attributes.number(WGPEER_A_TX_BYTES, as: UInt64.self) ?? 0
        // struct __kernel_timespec: i64 seconds, i64 nanoseconds; zero for never.
        if let time = attributes[WGPEER_A_LAST_HANDSHAKE_TIME], time.count >= 16 {
            let nanoseconds = Int64(hostOrder: time) * 1_000_000_000 + Int64(hostOrder: time.dropFirst(8))
            peer.lastHandshake = nanoseconds == 0 ? nil : nanoseconds
        }
        for (_, value) in attributes.nest(WGPEER_A_ALLOWEDIPS).items {
            let allowed = NetlinkAttributes(value)
            guard let address = allowed.address(WGALLOWEDIP_A_IPADDR),
                let length = allowed.number(WGALLOWEDIP_A_CIDR_MASK, as: UInt8.self),
                let prefix = IPPrefix(holding: address, length: Int(length))
            else { continue }
            peer.allowedIPs.insert(prefix)
        }
        return peer
    }

    /// The change as messages: one for the device, one a peer and so many prefixes, each well under the 64 KiB that
    /// an attribute's 16-bit length allows. Only a peer's first message replaces its prefixes.
    func messages(for change: WireGuardChange, _ interface: InterfaceName) -> [NetlinkMessage] {
        var messages: [NetlinkMessage] = []
        if change.privateKey != nil || change.listenPort != nil || change.mark != nil {
            var message = request(WG_CMD_SET_DEVICE)
            message.put(WGDEVICE_A_IFNAME, text: interface.text)
            if let key = change.privateKey { message.put(WGDEVICE_A_PRIVATE_KEY, key.bytes) }
            if let port = change.listenPort { message.put(WGDEVICE_A_LISTEN_PORT, number: port) }
            if let mark = change.mark { message.put(WGDEVICE_A_FWMARK, number: mark) }
            messages.append(message)
        }
        for peer in change.peers {
            let prefixes = (peer.allowedIPs ?? []).sorted()
            for start in stride(from: 0, to: max(prefixes.count, 1), by: Self.prefixesAMessage) {
                let part = prefixes[start..<min(start + Self.prefixesAMessage, prefixes.count)]
                var message = request(WG_CMD_SET_DEVICE)
                message.put(WGDEVICE_A_IFNAME, text: interface.text)
                message.nest(WGDEVICE_A_PEERS) { list in
                    list.nest(0) { Self.put(peer, part, isFirst: start == 0, into: &$0) }
                }
                messages.append(message)
            }
        }
        return messages
    }

    private static let prefixesAMessage = 500

    private static func put(
        _ peer: WireGuardChange.Peer,
        _ prefixes: ArraySlice<IPPrefix>,
        isFirst: Bool,
        into message: inout NetlinkMessage
    ) {
        message.put(WGPEER_A_PUBLIC_KEY, peer.publicKey.bytes)
        guard !peer.remove else {
            message.put(WGPEER_A_FLAGS, number: WGPEER_F_REMOVE_ME.rawValue)
            return
        }
        if isFirst {
            if peer.allowedIPs != nil { message.put(WGPEER_A_FLAGS, number: WGPEER_F_REPLACE_ALLOWEDIPS.rawValue) }
            if let key = peer.presharedKey { message.put(WGPEER_A_PRESHARED_KEY, key.bytes) }
            if let endpoint = peer.endpoint { message.put(WGPEER_A_ENDPOINT, endpoint.kernelForm) }
            if let keepalive = peer.keepalive {
                message.put(WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, number: keepalive)
            }
        }
        guard !prefixes.isEmpty else { return }
        message.nest(WGPEER_A_ALLOWEDIPS) { list in
            for prefix in prefixes {
                list.nest(0) { entry in
                    entry.put(WGALLOWEDIP_A_FAMILY, number: UInt16(prefix.family.kernelNumber))
                    entry.put(WGALLOWEDIP_A_IPADDR, prefix.address.bytes)
                    entry.put(WGALLOWEDIP_A_CIDR_MASK, number: UInt8(prefix.length))
                }
            }
        }
    }
}

/// GENL_ID_CTRL, an expression macro over NLMSG_MIN_TYPE.
private let controllerFamily = NLMSG_MIN_TYPE

extension SocketEndpoint {
    /// Reads struct sockaddr_in (16 octets) or sockaddr_in6 (28 octets).
    init?(kernelForm bytes: ArraySlice<UInt8>) {
        guard bytes.count >= 16 else { return nil }
        let port = UInt16(networkOrder: bytes.dropFirst(2))
        switch AddressFamily(kernelNumber: UInt8(truncatingIfNeeded: UInt16(hostOrder: bytes))) {
        case .ipv4: self.init(bytes.dropFirst(4).prefix(4), port)
        case .ipv6 where bytes.count >= 28: self.init(bytes.dropFirst(8).prefix(16), port)
        case .ipv6, nil: return nil
        }
    }

    private init?(_ address: ArraySlice<UInt8>, _ port: UInt16) {
        guard let address = IPAddress(bytes: address) else { return nil }
        self.init(address: address, port: port)
    }

    /// struct sockaddr_in or sockaddr_in6.
    var kernelForm: [UInt8] {
        let family = unsafe withUnsafeBytes(of: UInt16(address.family.kernelNumber)) { unsafe Array($0) }
        let port = [UInt8(port >> 8), UInt8(truncatingIfNeeded: port)]
        switch address {
        case .v4(let address): return family + port + address.bytes + Array(repeating: 0, count: 8)
        case .v6(let address): return family + port + [0, 0, 0, 0] + address.bytes + [0, 0, 0, 0]
        }
    }
}
