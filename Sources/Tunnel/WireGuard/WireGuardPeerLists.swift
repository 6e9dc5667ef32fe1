// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes

/// The peers of a change as the kernel reads them, written straight into the octets of WGDEVICE_A_PEERS.
///
/// One message holds one such list. A peer whose prefixes do not fit goes on in the next with its key and the rest of
/// them; only where it is named first are its earlier prefixes replaced, else the rest would throw the beginning out.
struct WireGuardPeerLists {
    private var lists: [[UInt8]] = []
    private var octets: [UInt8] = []

    /// What goes into WGDEVICE_A_PEERS, for each message.
    static func lists(of peers: [WireGuardChange.Peer]) -> [[UInt8]] {
        var lists = WireGuardPeerLists()
        for peer in peers { lists.append(peer) }
        lists.finish()
        return lists.lists
    }

    /// The length of an attribute has 16 bits, but the kernel holds the lock of all routing while it goes through a
    /// message, and takes a good part of a millisecond for each new peer where the processor is slow.
    private static let capacity = 16_384
    /// A peer with all that it can have and one prefix of IPv6: two headers of nests; key 36, preshared key 36,
    /// flags 8, endpoint 32, keepalive 8.
    private static let longestStart = 8 + 36 + 36 + 8 + 32 + 8 + longestPrefix
    /// A prefix of IPv6: the nest's header, family 8, address 20, length 8.
    private static let longestPrefix = 4 + 8 + 20 + 8

    private mutating func append(_ peer: WireGuardChange.Peer) {
        if octets.count + Self.longestStart > Self.capacity { finish() }
        var entry = open(0)
        put(WGPEER_A_PUBLIC_KEY, peer.publicKey.bytes)
        if peer.remove {
            put(WGPEER_A_FLAGS, number: WGPEER_F_REMOVE_ME.rawValue)
        } else {
            putSettings(of: peer)
            var prefixes = (peer.allowedIPs ?? []).sorted()[...]
            while !prefixes.isEmpty {
                prefixes = putAsFit(prefixes)
                guard !prefixes.isEmpty else { break }
                close(entry)
                finish()
                entry = open(0)
                put(WGPEER_A_PUBLIC_KEY, peer.publicKey.bytes)
            }
        }
        close(entry)
    }

    private mutating func putSettings(of peer: WireGuardChange.Peer) {
        if peer.allowedIPs != nil, !peer.keepsAllowedIPs {
            put(WGPEER_A_FLAGS, number: WGPEER_F_REPLACE_ALLOWEDIPS.rawValue)
        }
        if let key = peer.presharedKey { put(WGPEER_A_PRESHARED_KEY, key.bytes) }
        if let endpoint = peer.endpoint { put(WGPEER_A_ENDPOINT, endpoint.kernelForm) }
        if let keepalive = peer.keepalive { put(WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, number: keepalive) }
    }

    /// Puts as many prefixes as the message has room for; returns the rest.
    private mutating func putAsFit(_ prefixes: ArraySlice<IPPrefix>) -> ArraySlice<IPPrefix> {
        let list = open(WGPEER_A_ALLOWEDIPS)
        defer { close(list) }
        for (index, prefix) in zip(prefixes.indices, prefixes) {
            guard octets.count + Self.longestPrefix <= Self.capacity else { return prefixes[index...] }
            let entry = open(0)
            put(WGALLOWEDIP_A_FAMILY, number: UInt16(prefix.family.kernelNumber))
            switch prefix.address {
            case .v4(let address): put(WGALLOWEDIP_A_IPADDR, number: address.bits.bigEndian)
            case .v6(let address): put(WGALLOWEDIP_A_IPADDR, number: address.bits.bigEndian)
            }
            put(WGALLOWEDIP_A_CIDR_MASK, number: UInt8(prefix.length))
            close(entry)
        }
        return []
    }

    /// Ends the list of one message.
    private mutating func finish() {
        guard !octets.isEmpty else { return }
        lists.append(octets)
        octets.removeAll()
        octets.reserveCapacity(Self.capacity)
    }

    /// Begins an attribute that holds others; returns where it is.
    private mutating func open(_ type: some AttributeCode) -> Int {
        let start = octets.count
        // Its length is known when it ends.
        append(UInt16(0))
        append(type.attributeCode | UInt16(NLA_F_NESTED))
        return start
    }

    private mutating func close(_ start: Int) {
        unsafe withUnsafeBytes(of: UInt16(octets.count - start)) { length in
            octets[start] = unsafe length[0]
            octets[start + 1] = unsafe length[1]
        }
    }

    private mutating func put(_ type: some AttributeCode, _ value: [UInt8]) {
        append(UInt16(4 + value.count))
        append(type.attributeCode)
        octets += value
        pad()
    }

    private mutating func put(_ type: some AttributeCode, number: some FixedWidthInteger & BitwiseCopyable) {
        append(UInt16(4 + number.bitWidth / 8))
        append(type.attributeCode)
        append(number)
        pad()
    }

    private mutating func append(_ number: some FixedWidthInteger & BitwiseCopyable) {
        unsafe withUnsafeBytes(of: number) { unsafe octets.append(contentsOf: $0) }
    }

    /// Attributes begin at whole words.
    private mutating func pad() {
        while octets.count % 4 != 0 { octets.append(0) }
    }
}
