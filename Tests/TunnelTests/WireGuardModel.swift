// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes

@testable import Tunnel

/// What the kernel makes of WG_CMD_SET_DEVICE (drivers/net/wireguard/netlink.c): peers are processed in order, and one
/// table holds the prefixes of all, so that one that is given to a peer is taken from whoever had it.
struct WireGuardModel {
    private var settings = WireGuardDevice()
    private var order: [WireGuardPublicKey] = []
    private var peers: [WireGuardPublicKey: WireGuardDevice.Peer] = [:]
    private var holders: [IPPrefix: WireGuardPublicKey] = [:]
    /// Peers named so far, one that goes on in the next message once for each.
    private(set) var entries = 0
    /// Prefixes that were nobody's for a moment at least.
    private(set) var dropped: Set<IPPrefix> = []
    /// Peers whose prefixes were gone for a moment.
    private(set) var replaced: Set<WireGuardPublicKey> = []

    /// What a dump would tell.
    var device: WireGuardDevice {
        var device = settings
        device.peers = order.compactMap { peers[$0] }
        return device
    }

    mutating func take(_ messages: [NetlinkMessage]) {
        for message in messages {
            for reply in NetlinkReply.parse(Array(message.bytes)) { take(reply) }
        }
    }

    private mutating func take(_ message: NetlinkReply) {
        let attributes = message.attributes(after: genlmsghdr.self)
        precondition(attributes[WGDEVICE_A_FLAGS] == nil, "REPLACE_PEERS ends every session")
        if let key = attributes[WGDEVICE_A_PRIVATE_KEY] { settings.privateKey = WireGuardSecretKey(bytes: key) }
        if let port = attributes.number(WGDEVICE_A_LISTEN_PORT, as: UInt16.self) { settings.listenPort = port }
        if let mark = attributes.number(WGDEVICE_A_FWMARK, as: UInt32.self) { settings.mark = mark }
        for (_, entry) in attributes.nest(WGDEVICE_A_PEERS).items { takePeer(NetlinkAttributes(entry)) }
    }

    private mutating func drop(_ prefix: IPPrefix) {
        holders[prefix] = nil
        dropped.insert(prefix)
    }

    private mutating func takePeer(_ attributes: NetlinkAttributes) {
        entries += 1
        guard let key = attributes[WGPEER_A_PUBLIC_KEY].flatMap({ WireGuardPublicKey(bytes: $0) }) else {
            preconditionFailure("the kernel would refuse a peer without a key")
        }
        let flags = attributes.number(WGPEER_A_FLAGS, as: UInt32.self) ?? 0
        if flags & WGPEER_F_REMOVE_ME.rawValue != 0 {
            for prefix in peers.removeValue(forKey: key)?.allowedIPs ?? [] { drop(prefix) }
            order.removeAll { $0 == key }
            return
        }
        if peers[key] == nil { order.append(key) }
        var peer = peers[key] ?? WireGuardDevice.Peer(publicKey: key)
        if let secret = attributes[WGPEER_A_PRESHARED_KEY].flatMap({ WireGuardSecretKey(bytes: $0) }) {
            peer.presharedKey = secret.isZero ? nil : secret
        }
        if let endpoint = attributes[WGPEER_A_ENDPOINT] { peer.endpoint = SocketEndpoint(kernelForm: endpoint) }
        if let seconds = attributes.number(WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, as: UInt16.self) {
            peer.keepalive = seconds
        }
        if flags & WGPEER_F_REPLACE_ALLOWEDIPS.rawValue != 0 {
            replaced.insert(key)
            for prefix in peer.allowedIPs { drop(prefix) }
            peer.allowedIPs = []
        }
        for (_, entry) in attributes.nest(WGPEER_A_ALLOWEDIPS).items {
            let allowed = NetlinkAttributes(entry)
            guard let address = allowed.address(WGALLOWEDIP_A_IPADDR),
                let family = allowed.number(WGALLOWEDIP_A_FAMILY, as: UInt16.self),
                AddressFamily(kernelNumber: UInt8(family)) == address.family,
                let length = allowed.number(WGALLOWEDIP_A_CIDR_MASK, as: UInt8.self),
                let prefix = IPPrefix(holding: address, length: Int(length))
            else { preconditionFailure("the kernel would refuse this prefix") }
            if let holder = holders.updateValue(key, forKey: prefix) { peers[holder]?.allowedIPs.remove(prefix) }
            peer.allowedIPs.insert(prefix)
        }
        peers[key] = peer
    }
}

extension WireGuardSettings {
    /// A made-up device with so many peers, the same each time: with and without preshared key, endpoint of either
    /// family, keepalive, and with prefixes of both.
    static func made(peers count: Int) -> WireGuardSettings {
        WireGuardSettings(
            privateKey: Sample.secret(7),
            listenPort: 51_820,
            mark: 0x4100_0000,
            peers: (0..<count).map { number in
                WireGuardSettings.Peer(
                    publicKey: key(number),
                    presharedKey: number % 3 == 0 ? secret(number) : nil,
                    endpoint: endpoint(number),
                    keepalive: number % 2 == 0 ? 25 : 0,
                    allowedIPs: [
                        IPPrefix(host: .v4(IPv4Address(bits: 0x0a00_0000 + UInt32(number)))),
                        IPPrefix(host: .v6(IPv6Address(bits: (0xfd00_0020 << 96) + UInt128(number)))),
                    ]
                )
            }
        )
    }

    /// A peer with more prefixes than go into a message, between two others.
    static var madeToSplit: WireGuardSettings {
        var settings = made(peers: 3)
        for number: UInt32 in 0..<3_000 {
            settings.peers[1].allowedIPs.insert(IPPrefix(host: .v4(IPv4Address(bits: 0x0b00_0000 + number))))
        }
        return settings
    }

    private static func endpoint(_ number: Int) -> SocketEndpoint? {
        switch number % 4 {
        case 0: Sample.endpoint("198.51.100.\(number % 254 + 1):51820")
        case 1: Sample.endpoint("[2001:db8::\(number % 9000 + 1)]:51821")
        default: nil
        }
    }

    /// A key that a number makes; Curve25519 has a point for nearly any octets.
    static func key(_ number: Int) -> WireGuardPublicKey {
        guard let key = WireGuardPublicKey(bytes: octets(number)) else { preconditionFailure("32 octets are a key") }
        return key
    }

    private static func secret(_ number: Int) -> WireGuardSecretKey {
        guard let key = WireGuardSecretKey(bytes: octets(~number)) else { preconditionFailure("32 octets are a key") }
        return key
    }

    private static func octets(_ number: Int) -> [UInt8] {
        (0..<32).map { UInt8(truncatingIfNeeded: number >> (8 * ($0 % 8))) ^ UInt8($0 + 1) }
    }

    /// The device that has taken these settings.
    var device: WireGuardDevice {
        WireGuardDevice(
            privateKey: privateKey,
            listenPort: listenPort ?? 0,
            mark: mark,
            peers: peers.map {
                WireGuardDevice.Peer(
                    publicKey: $0.publicKey,
                    presharedKey: $0.presharedKey,
                    endpoint: $0.endpoint,
                    keepalive: $0.keepalive,
                    allowedIPs: $0.allowedIPs
                )
            }
        )
    }
}
