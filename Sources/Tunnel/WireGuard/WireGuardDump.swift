// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes

/// A WireGuard device as its dump tells it, message by message.
///
/// What concerns the device is in the first message only. A peer that does not fit into one goes on in the next with
/// its key and the rest of its prefixes: adjacent entries with one key are one peer.
struct WireGuardDump {
    private(set) var device = WireGuardDevice()

    mutating func take(_ reply: NetlinkReply) {
        for (type, value) in AttributeWalk(reply.payload.dropFirst(MemoryLayout<genlmsghdr>.size)) {
            switch wgdevice_attribute(type) {
            case WGDEVICE_A_PRIVATE_KEY: device.privateKey = Self.secret(value) ?? device.privateKey
            case WGDEVICE_A_LISTEN_PORT: device.listenPort = value.hostOrder() ?? device.listenPort
            case WGDEVICE_A_FWMARK: device.mark = value.hostOrder() ?? device.mark
            case WGDEVICE_A_PEERS:
                for (_, entry) in AttributeWalk(value) { takePeer(entry) }
            default: break
            }
        }
    }

    private mutating func takePeer(_ octets: ArraySlice<UInt8>) {
        guard let peer = Self.peer(octets) else { return }
        // The last peer must not be held in a variable here: its prefixes would be copied each time it goes on.
        if let last = device.peers.indices.last, device.peers[last].publicKey == peer.publicKey {
            device.peers[last].allowedIPs.formUnion(peer.allowedIPs)
        } else {
            device.peers.append(peer)
        }
    }

    private static func peer(_ octets: ArraySlice<UInt8>) -> WireGuardDevice.Peer? {
        var key: WireGuardPublicKey?
        for (type, value) in AttributeWalk(octets) where wgpeer_attribute(type) == WGPEER_A_PUBLIC_KEY {
            key = WireGuardPublicKey(bytes: value)
        }
        guard let key else { return nil }
        var peer = WireGuardDevice.Peer(publicKey: key)
        for (type, value) in AttributeWalk(octets) {
            switch wgpeer_attribute(type) {
            case WGPEER_A_PRESHARED_KEY: peer.presharedKey = secret(value)
            case WGPEER_A_ENDPOINT: peer.endpoint = SocketEndpoint(kernelForm: value)
            case WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL: peer.keepalive = value.hostOrder() ?? 0
            case WGPEER_A_RX_BYTES: peer.received = value.hostOrder() ?? 0
            case WGPEER_A_TX_BYTES: peer.sent = value.hostOrder() ?? 0
            // struct __kernel_timespec: i64 seconds, i64 nanoseconds.
            case WGPEER_A_LAST_HANDSHAKE_TIME where value.count >= 16:
                peer.lastHandshake = WireGuardDevice.Peer.instant(
                    seconds: Int64(hostOrder: value),
                    nanoseconds: Int64(hostOrder: value.dropFirst(8))
                )
            case WGPEER_A_ALLOWEDIPS: peer.allowedIPs = prefixes(value)
            default: break
            }
        }
        return peer
    }

    /// The zero key stands for none.
    private static func secret(_ octets: ArraySlice<UInt8>) -> WireGuardSecretKey? {
        guard octets.contains(where: { $0 != 0 }) else { return nil }
        return WireGuardSecretKey(bytes: octets)
    }

    private static func prefixes(_ octets: ArraySlice<UInt8>) -> Set<IPPrefix> {
        // A prefix of IPv4 has 28 octets, one of IPv6 has 40.
        var prefixes = Set<IPPrefix>(minimumCapacity: octets.count / 28)
        for (_, entry) in AttributeWalk(octets) {
            var address: IPAddress?
            var length: UInt8?
            for (type, value) in AttributeWalk(entry) {
                switch wgallowedip_attribute(type) {
                case WGALLOWEDIP_A_IPADDR where value.count == 4:
                    address = .v4(IPv4Address(bits: UInt32(networkOrder: value)))
                case WGALLOWEDIP_A_IPADDR where value.count == 16:
                    address = .v6(IPv6Address(bits: UInt128(networkOrder: value)))
                case WGALLOWEDIP_A_CIDR_MASK: length = value.first
                default: break
                }
            }
            guard let address, let length, let prefix = IPPrefix(holding: address, length: Int(length)) else {
                continue
            }
            prefixes.insert(prefix)
        }
        return prefixes
    }
}

/// Attributes one after the other, none kept: ``NetlinkAttributes`` makes an array of those of each peer and prefix.
private struct AttributeWalk: Sequence, IteratorProtocol {
    private var rest: ArraySlice<UInt8>

    init(_ octets: ArraySlice<UInt8>) {
        rest = octets
    }

    /// The next attribute; nil at the first that does not fit.
    mutating func next() -> (type: UInt32, value: ArraySlice<UInt8>)? {
        // struct nlattr: u16 length (header included), u16 type with two flag bits; padded to 4 (NLA_ALIGNTO).
        guard rest.count >= 4 else { return nil }
        let length = Int(UInt16(hostOrder: rest))
        guard length >= 4, length <= rest.count else { return nil }
        let start = rest.startIndex
        let type = UInt32(UInt16(hostOrder: rest[(start + 2)...]) & nlaTypeMask)
        let value = rest[start + 4..<start + length]
        rest = rest.dropFirst((length + 3) & ~3)
        return (type, value)
    }
}

/// `NLA_TYPE_MASK`: all but NLA_F_NESTED and NLA_F_NET_BYTEORDER (an expression macro that is not imported).
private let nlaTypeMask: UInt16 = 0x3fff

extension ArraySlice<UInt8> {
    /// A number in host byte order, where there are octets enough.
    fileprivate func hostOrder<Number: FixedWidthInteger & BitwiseCopyable>() -> Number? {
        count >= MemoryLayout<Number>.size ? Number(hostOrder: self) : nil
    }
}
