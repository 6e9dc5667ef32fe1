// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes

/// A table of nf_tables with sets, chains on hooks, and rules; family inet.
struct NftTable: Hashable, Sendable {
    static let name = "pnetd"

    /// A set of addresses or interface names.
    struct Set: Hashable, Sendable {
        /// What is in it, with nft's own numbers for the types (`nft describe`).
        enum Contents: Hashable, Sendable {
            case addresses(AddressFamily, [AddressRange])
            case interfaces([InterfaceName])
            /// Addresses that come and go by themselves, each with a time of its own; see ``LearnedAddresses``.
            case learned(AddressFamily)
        }

        let name: String
        let contents: Contents
    }

    /// A chain on a hook of the packet's way.
    struct Chain: Hashable, Sendable {
        /// What a chain may do beside passing and dropping.
        enum Kind: String, Sendable {
            case filter
            /// It sees the first packet of a connection only, and what it says of it holds for the others.
            case nat
        }

        let name: String
        var kind = Kind.filter
        /// NF_INET_PRE_ROUTING and so on.
        let hook: UInt32
        let priority: Int32
        let rules: [Rule]
    }

    /// A rule, with a comment for those who read `nft list ruleset`.
    struct Rule: Hashable, Sendable {
        let comment: String
        let expressions: [NftExpression]

        init(_ comment: String, _ expressions: [NftExpression]) {
            self.comment = comment
            self.expressions = expressions
        }

        /// The comment and a digest of the expressions: by this a rule of ours is known again when it is read back.
        var label: String {
            var message = NetlinkMessage(type: 0, flags: 0)
            for expression in expressions { expression.put(into: &message) }
            // FNV-1a, 64 bits: told apart, not protected.
            let digest = message.bytes.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
                ($0 ^ UInt64($1)) &* 0x100_0000_01b3
            }
            return "\(comment) #\(String(digest, radix: 16))"
        }
    }

    var sets: [Set]
    var chains: [Chain]
}

extension NftTable {
    /// A table by what can be compared: whether it does anything at all, chains with what they do and the labels of their
    /// rules in order, sets with their elements.
    struct Contents: Hashable, Sendable {
        /// Switched off as a whole (NFT_TABLE_F_DORMANT).
        var isDormant = false
        var rules: [String: [String]] = [:]
        var sets: [String: Swift.Set<Set.Element>] = [:]
        /// The sets whose elements come and go by themselves, with the type of their keys.
        var learned: [String: UInt32] = [:]

        init() {}

        init(of table: NftTable) {
            for chain in table.chains {
                let kind = chain.kind.rawValue
                let key = Self.key(chain.name, kind, chain.hook, chain.priority, policy: UInt32(NF_ACCEPT))
                rules[key] = chain.rules.map(\.label)
            }
            for set in table.sets {
                if set.isLearned { learned[set.name] = set.keyType } else { sets[set.name] = Swift.Set(set.elements) }
            }
        }

        /// All that makes a chain what it is, but its rules.
        static func key(_ name: String, _ kind: String, _ hook: UInt32, _ priority: Int32, policy: UInt32) -> String {
            "\(name) \(kind) \(hook) \(priority) \(policy)"
        }
    }
}

extension NftTable.Set {
    /// An element as the kernel has it: its key, and whether an interval ends before it.
    struct Element: Hashable, Sendable {
        let key: [UInt8]
        let isEnd: Bool
    }

    var isInterval: Bool {
        if case .addresses = contents { return true }
        return false
    }

    var isLearned: Bool {
        if case .learned = contents { return true }
        return false
    }

    /// nft's number for the key's type: ipv4_addr 7, ipv6_addr 8, ifname 41.
    var keyType: UInt32 {
        switch contents {
        case .addresses(.ipv4, _), .learned(.ipv4): 7
        case .addresses(.ipv6, _), .learned(.ipv6): 8
        case .interfaces: 41
        }
    }

    var keyLength: UInt32 {
        switch contents {
        case .addresses(.ipv4, _), .learned(.ipv4): 4
        case .addresses(.ipv6, _), .learned(.ipv6), .interfaces: 16
        }
    }

    var elements: [Element] {
        switch contents {
        case .learned:
            return []
        case .interfaces(let names):
            return names.map { Element(key: $0.paddedKey, isEnd: false) }
        case .addresses(let family, let ranges):
            return ranges.flatMap { range in
                let start = Element(key: range.first.bytes, isEnd: false)
                let maximum: UInt128 = family == .ipv4 ? UInt128(UInt32.max) : .max
                guard range.last.bits < maximum else { return [start] }
                let end = IPAddress(family: family, bits: range.last.bits + 1)
                return [start, Element(key: end.bytes, isEnd: true)]
            }
        }
    }
}

extension InterfaceName {
    /// The name as a register holds it: 16 octets (IFNAMSIZ), zeros behind.
    var paddedKey: [UInt8] {
        Array(text.utf8) + Array(repeating: 0, count: 16 - text.utf8.count)
    }
}
