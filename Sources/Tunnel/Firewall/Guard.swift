// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes

/// What the guard table has to hold, in the words of the file.
struct Guard: Codable, Hashable, Sendable {
    struct Network: Codable, Hashable, Sendable {
        let slot: Int
        let name: NetworkName
        let prefixes: [IPPrefix]
        /// The interfaces of all its paths, whichever is active.
        let interfaces: [InterfaceName]
    }

    struct Path: Codable, Hashable, Sendable {
        let name: PathName
        let interface: InterfaceName
        let addresses: [IPAddress]
        let mark: UInt32
        /// Sources that leave with the path's own address; nil: none, as in a copy that an earlier version wrote.
        let natSources: [IPPrefix]?
        /// The slots of the networks whose traffic alone is marked, since the interface is not ours and carries other
        /// traffic as well; nil: all that goes by the interface, as in a copy that an earlier version wrote.
        let networksAlone: [Int]?
        /// The request id of an IPsec path's security associations; nil where it has none, as in a copy that an earlier
        /// version wrote.
        let requestID: UInt32?
    }

    let networks: [Network]
    let paths: [Path]
    let markMask: UInt32
    /// Sets of names whose addresses rules may ask for; nil: none, as in a copy that an earlier version wrote.
    let nameSets: [NameSetName]?

    /// The table that drops, both ways, what travels outside its network's paths, clamps the MSS, marks connections, and
    /// translates sources where the file asks for it.
    var table: NftTable {
        let shares = AddressShares(of: networks.flatMap { network in network.prefixes.map { ($0, network.slot) } })
        var sets: [NftTable.Set] = []
        var leaving: [NftTable.Rule] = []
        var arriving: [NftTable.Rule] = []
        for network in networks {
            let paths = "net\(network.slot)-if"
            let loopback = InterfaceName("lo").map { [$0] } ?? []
            sets.append(NftTable.Set(name: paths, contents: .interfaces(network.interfaces.sorted() + loopback)))
            for family in AddressFamily.allCases {
                let ranges = (shares.ranges[network.slot] ?? []).filter { $0.first.family == family }
                guard !ranges.isEmpty else { continue }
                let protected = "net\(network.slot)-\(family)"
                sets.append(NftTable.Set(name: protected, contents: .addresses(family, ranges)))
                leaving += sealing(of: network, protected, family)
                leaving.append(
                    NftTable.Rule(
                        "to \(network.name) only by its paths",
                        [.meta(NFT_META_OIFNAME), .lookup(set: paths, inverted: true)]
                            + Self.inSet(protected, family, .destination) + [.counter, .drop]
                    )
                )
                arriving.append(
                    NftTable.Rule(
                        "from \(network.name) only by its paths",
                        [.meta(NFT_META_IIFNAME), .lookup(set: paths, inverted: true)]
                            + Self.inSet(protected, family, .source) + [.counter, .drop]
                    )
                )
            }
        }
        for path in paths {
            for address in path.addresses { arriving.append(Self.ownAddress(address, of: path)) }
            arriving += marked(path, .source, sets).map { marking(arrivalsBy: path, $0) }
        }
        let translation = translation
        sets += translation.map(\.set)
        sets.append(NftTable.Set(name: "paths-if", contents: .interfaces(paths.map(\.interface).sorted())))
        for name in nameSets ?? [] {
            for family in AddressFamily.allCases {
                sets.append(NftTable.Set(name: NftTable.nameSet(name, family), contents: .learned(family)))
            }
        }
        return NftTable(
            sets: sets,
            chains: [
                // Before connection tracking and NAT look at it.
                NftTable.Chain(
                    name: "arriving",
                    hook: UInt32(NF_INET_PRE_ROUTING.rawValue),
                    priority: -300,
                    rules: arriving
                ),
                // Where the interface is final, for forwarded and local packets alike.
                NftTable.Chain(
                    name: "leaving",
                    hook: UInt32(NF_INET_POST_ROUTING.rawValue),
                    priority: 0,
                    rules: leaving
                ),
                NftTable.Chain(
                    name: "clamp",
                    hook: UInt32(NF_INET_FORWARD.rawValue),
                    priority: -150,
                    rules: Self.clamping
                ),
                // Not "mark": a saved ruleset with a word of nft's own for a name cannot be loaded again.
                NftTable.Chain(
                    name: "marking",
                    hook: UInt32(NF_INET_POST_ROUTING.rawValue),
                    priority: -150,
                    rules: paths.flatMap { path in
                        marked(path, .destination, sets).map { marking(connectionsOf: path, $0) }
                    }
                ),
            ] + (translation.isEmpty ? [] : [Self.translating(translation.map(\.rule))])
        )
    }

    /// What an xfrm interface takes comes by here a second time, on its way out by the underlay and not yet sealed
    /// (`xfrm4_output`): the security association that it is for tells it from what leaves in the open.
    private func sealing(
        of network: Network,
        _ protected: String,
        _ family: AddressFamily
    ) -> [NftTable.Rule] {
        paths.compactMap { path in
            guard let id = path.requestID, network.interfaces.contains(path.interface) else { return nil }
            return NftTable.Rule(
                "to \(network.name), sealed for \(path.name)",
                [.outboundRequestID, .compare(NFT_CMP_EQ, Self.native(id))]
                    + Self.inSet(protected, family, .destination) + [.accept]
            )
        }
    }

    enum End {
        case source
        case destination
    }

    private static func address(_ family: AddressFamily, _ end: End) -> [NftExpression] {
        let offset: UInt32 =
            switch (family, end) {
            case (.ipv4, .source): 12
            case (.ipv4, .destination): 16
            case (.ipv6, .source): 8
            case (.ipv6, .destination): 24
            }
        return [
            .meta(NFT_META_NFPROTO),
            .compare(NFT_CMP_EQ, [UInt8(family == .ipv4 ? NFPROTO_IPV4 : NFPROTO_IPV6)]),
            .payload(NFT_PAYLOAD_NETWORK_HEADER, offset: offset, length: UInt32(family.width / 8)),
        ]
    }

    static func inSet(_ set: String, _ family: AddressFamily, _ end: End) -> [NftExpression] {
        address(family, end) + [.lookup(set: set, inverted: false)]
    }

    private static func ownAddress(_ address: IPAddress, of path: Path) -> NftTable.Rule {
        let elsewhere = [path.interface.paddedKey, InterfaceName("lo")?.paddedKey ?? []].flatMap { key in
            [NftExpression.meta(NFT_META_IIFNAME), .compare(NFT_CMP_NEQ, key)]
        }
        let own = Self.address(address.family, .destination) + [.compare(NFT_CMP_EQ, address.bytes)]
        return NftTable.Rule("to \(path.name)'s address only by it", elsewhere + own + [.counter, .drop])
    }

    /// Both directions: the SYN that leaves by a path and the SYN that comes in by one.
    private static let clamping: [NftTable.Rule] = [(NFT_META_OIFNAME, "out of"), (NFT_META_IIFNAME, "into")].map {
        key,
        direction in
        NftTable.Rule(
            "clamp the MSS \(direction) the paths",
            [
                .meta(key), .lookup(set: "paths-if", inverted: false),
                .meta(NFT_META_L4PROTO), .compare(NFT_CMP_EQ, [UInt8(IPPROTO_TCP)]),
                // The flags' octet: SYN (2) without RST (4).
                .payload(NFT_PAYLOAD_TRANSPORT_HEADER, offset: 13, length: 1),
                .bitwise(mask: [6], xor: [0]), .compare(NFT_CMP_EQ, [2]),
                .routeMSS, .toNetworkOrder16, .clampMSS,
            ]
        )
    }

    /// What tells a path's traffic from the rest that goes by its interface, one a rule: on an interface of ours nothing has
    /// to; on another, clients of the site may come in by it too, and what they send goes by the network's decision.
    private func marked(_ path: Path, _ end: End, _ sets: [NftTable.Set]) -> [[NftExpression]] {
        guard let slots = path.networksAlone else { return [[]] }
        return slots.flatMap { slot in
            AddressFamily.allCases.compactMap { family in
                let name = "net\(slot)-\(family)"
                return sets.contains { $0.name == name } ? Self.inSet(name, family, end) : nil
            }
        }
    }

    /// Marks what comes in by a path, so that the kernel looks its source up in the path's own table (src_valid_mark):
    /// while a network is blocked, its guard route would make the answers to our probes look spoofed to rp_filter.
    private func marking(arrivalsBy path: Path, _ which: [NftExpression]) -> NftTable.Rule {
        NftTable.Rule(
            "arrived by \(path.name)",
            [.meta(NFT_META_IIFNAME), .compare(NFT_CMP_EQ, path.interface.paddedKey)] + which
                + [.meta(NFT_META_MARK), .bitwise(mask: Self.native(~markMask), xor: Self.native(path.mark)), .setMark]
        )
    }

    /// Marks a connection by the path that its first packet leaves by. One without an answer is new with every packet,
    /// and would get the mark of the path that it was moved to: what has a mark keeps it.
    private func marking(connectionsOf path: Path, _ which: [NftExpression]) -> NftTable.Rule {
        NftTable.Rule(
            "connections begun by \(path.name)",
            [.meta(NFT_META_OIFNAME), .compare(NFT_CMP_EQ, path.interface.paddedKey)] + which + [
                .connection(NFT_CT_STATE), .bitwise(mask: Self.native(Self.stateNew), xor: Self.native(0)),
                .compare(NFT_CMP_NEQ, Self.native(0)),
                .connection(NFT_CT_MARK), .bitwise(mask: Self.native(markMask), xor: Self.native(0)),
                .compare(NFT_CMP_EQ, Self.native(0)),
                .connection(NFT_CT_MARK),
                .bitwise(mask: Self.native(~markMask), xor: Self.native(path.mark)), .setConnectionMark,
            ]
        )
    }

    private static func native(_ number: UInt32) -> [UInt8] { unsafe withUnsafeBytes(of: number) { unsafe Array($0) } }

    /// NF_CT_STATE_BIT(IP_CT_NEW), an expression macro: 1 << (IP_CT_NEW % IP_CT_IS_REPLY + 1).
    private static let stateNew: UInt32 = 1 << (IP_CT_NEW.rawValue % IP_CT_IS_REPLY.rawValue + 1)
}
