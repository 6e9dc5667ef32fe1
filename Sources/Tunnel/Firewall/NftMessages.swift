// SPDX-License-Identifier: Apache-2.0

import CLinux

/// The nf_tables messages that put a table in place and read it back (linux/netfilter/nf_tables.h).
enum NftMessages {
    private static let inet = UInt8(NFPROTO_INET)

    static func message(_ type: nf_tables_msg_types, flags: Int32 = 0) -> NetlinkMessage {
        NetlinkMessage(
            type: Int(NFNL_SUBSYS_NFTABLES) << 8 | Int(type.rawValue),
            flags: flags,
            header: nfgenmsg(nfgen_family: inet, version: UInt8(NFNETLINK_V0), res_id: 0)
        )
    }

    static func isType(_ reply: NetlinkReply, _ type: nf_tables_msg_types) -> Bool {
        reply.type == Int(NFNL_SUBSYS_NFTABLES) << 8 | Int(type.rawValue)
    }

    /// Whether an event tells of our table, or of anything in it: the first attribute of every object but the ruleset's
    /// generation is the table's name.
    static func concernsOurTable(_ reply: NetlinkReply) -> Bool {
        guard !isType(reply, NFT_MSG_NEWGEN) else { return false }
        return reply.attributes(after: nfgenmsg.self).text(NFTA_TABLE_NAME) == NftTable.name
    }

    static func batch(_ type: Int32) -> NetlinkMessage {
        NetlinkMessage(
            type: Int(type),
            flags: 0,
            header: nfgenmsg(
                nfgen_family: UInt8(AF_UNSPEC),
                version: UInt8(NFNETLINK_V0),
                res_id: UInt16(NFNL_SUBSYS_NFTABLES).bigEndian
            )
        )
    }

    static func newTable(flags: UInt32?) -> NetlinkMessage {
        var message = message(NFT_MSG_NEWTABLE, flags: NLM_F_CREATE)
        message.put(NFTA_TABLE_NAME, text: NftTable.name)
        if let flags { message.put(NFTA_TABLE_FLAGS, bigEndian: flags) }
        return message
    }

    static func deleteTable() -> NetlinkMessage {
        var message = message(NFT_MSG_DELTABLE)
        message.put(NFTA_TABLE_NAME, text: NftTable.name)
        return message
    }

    static func contents(of table: NftTable) -> [NetlinkMessage] {
        var messages: [NetlinkMessage] = []
        for (index, set) in table.sets.enumerated() {
            messages.append(newSet(set, id: UInt32(index + 1)))
            let elements = set.elements
            for start in stride(from: 0, to: elements.count, by: 500) {
                let part = elements[start..<min(start + 500, elements.count)]
                messages.append(newElements(part, set: set.name, id: UInt32(index + 1)))
            }
        }
        messages += table.chains.map(newChain)
        for chain in table.chains {
            messages += chain.rules.map { newRule($0, chain: chain.name) }
        }
        return messages
    }

    private static func newSet(_ set: NftTable.Set, id: UInt32) -> NetlinkMessage {
        var message = message(NFT_MSG_NEWSET, flags: NLM_F_CREATE)
        message.put(NFTA_SET_TABLE, text: NftTable.name)
        message.put(NFTA_SET_NAME, text: set.name)
        let kind = set.isInterval ? NFT_SET_INTERVAL.rawValue : set.isLearned ? NFT_SET_TIMEOUT.rawValue : 0
        message.put(NFTA_SET_FLAGS, bigEndian: kind)
        message.put(NFTA_SET_KEY_TYPE, bigEndian: set.keyType)
        message.put(NFTA_SET_KEY_LEN, bigEndian: set.keyLength)
        message.put(NFTA_SET_ID, bigEndian: id)
        // For those who read `nft list`: type 0, 4 octets, the byte order of the keys (1 host, 2 network).
        let order = UInt32(set.isInterval || set.isLearned ? 2 : 1)
        message.put(NFTA_SET_USERDATA, [0, 4] + (unsafe withUnsafeBytes(of: order) { unsafe Array($0) }))
        return message
    }

    private static func newElements(
        _ elements: ArraySlice<NftTable.Set.Element>,
        set: String,
        id: UInt32
    ) -> NetlinkMessage {
        var message = message(NFT_MSG_NEWSETELEM, flags: NLM_F_CREATE)
        message.put(NFTA_SET_ELEM_LIST_TABLE, text: NftTable.name)
        message.put(NFTA_SET_ELEM_LIST_SET, text: set)
        message.put(NFTA_SET_ELEM_LIST_SET_ID, bigEndian: id)
        message.nest(NFTA_SET_ELEM_LIST_ELEMENTS) { list in
            for element in elements {
                list.nest(NFTA_LIST_ELEM) { entry in
                    entry.nest(NFTA_SET_ELEM_KEY) { $0.put(NFTA_DATA_VALUE, element.key) }
                    if element.isEnd { entry.put(NFTA_SET_ELEM_FLAGS, bigEndian: NFT_SET_ELEM_INTERVAL_END.rawValue) }
                }
            }
        }
        return message
    }

    private static func newChain(_ chain: NftTable.Chain) -> NetlinkMessage {
        var message = message(NFT_MSG_NEWCHAIN, flags: NLM_F_CREATE)
        message.put(NFTA_CHAIN_TABLE, text: NftTable.name)
        message.put(NFTA_CHAIN_NAME, text: chain.name)
        message.put(NFTA_CHAIN_TYPE, text: chain.kind.rawValue)
        message.nest(NFTA_CHAIN_HOOK) { hook in
            hook.put(NFTA_HOOK_HOOKNUM, bigEndian: chain.hook)
            hook.put(NFTA_HOOK_PRIORITY, bigEndian: chain.priority)
        }
        message.put(NFTA_CHAIN_POLICY, bigEndian: UInt32(NF_ACCEPT))
        return message
    }

    private static func newRule(_ rule: NftTable.Rule, chain: String) -> NetlinkMessage {
        var message = message(NFT_MSG_NEWRULE, flags: NLM_F_CREATE | NLM_F_APPEND)
        message.put(NFTA_RULE_TABLE, text: NftTable.name)
        message.put(NFTA_RULE_CHAIN, text: chain)
        message.nest(NFTA_RULE_EXPRESSIONS) { list in
            for expression in rule.expressions { expression.put(into: &list) }
        }
        // A comment as nft(8) writes it: type 0, its length, the text with its zero.
        let text = Array(rule.label.utf8.prefix(250)) + [0]
        message.put(NFTA_RULE_USERDATA, [0, UInt8(text.count)] + text)
        return message
    }

    static func getTable() -> NetlinkMessage {
        var message = message(NFT_MSG_GETTABLE)
        message.put(NFTA_TABLE_NAME, text: NftTable.name)
        return message
    }

    static func dumpChains() -> NetlinkMessage { message(NFT_MSG_GETCHAIN) }

    static func dumpRules() -> NetlinkMessage {
        var message = message(NFT_MSG_GETRULE)
        message.put(NFTA_RULE_TABLE, text: NftTable.name)
        return message
    }

    static func dumpSets() -> NetlinkMessage {
        var message = message(NFT_MSG_GETSET)
        message.put(NFTA_SET_TABLE, text: NftTable.name)
        return message
    }

    static func dumpElements(of set: String) -> NetlinkMessage {
        var message = message(NFT_MSG_GETSETELEM)
        message.put(NFTA_SET_ELEM_LIST_TABLE, text: NftTable.name)
        message.put(NFTA_SET_ELEM_LIST_SET, text: set)
        return message
    }
}
