// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import SystemIO

/// Keeps the guard table in nf_tables: one transaction replaces it as a whole, so there is no moment without it.
final class Firewall {
    let conversation: NetlinkConversation
    let clock: any TimeSource
    /// What the table's sets of names hold; an earlier run's is read once.
    var learned = LearnedAddresses()
    private var isRecalled = false
    /// Flags that this kernel takes: owned and persistent from Linux 6.9 on, else plain.
    private var tableFlags: UInt32 = NFT_TABLE_F_OWNER.rawValue | UInt32(NFT_TABLE_F_PERSIST)

    /// Takes a conversation of its own: while its socket is open, the table is its own (NFT_TABLE_F_OWNER).
    init(over conversation: NetlinkConversation, clock: any TimeSource = SystemClock()) {
        self.conversation = conversation
        self.clock = clock
    }

    /// Transactions sent so far.
    var mutations: Int { conversation.mutations }

    /// Whether foreign hands cannot touch the table, `nft flush ruleset` included; they can on kernels before 6.9.
    var isOwned: Bool { tableFlags != 0 }

    /// Makes the table what it should be; true where anything had to be sent.
    func reconcile(_ wanted: NftTable) throws(NetlinkError) -> Bool {
        let found = try read()
        if let found, found.contents == NftTable.Contents(of: wanted) {
            guard found.isOrphan else { return false }
            return try own(wanted)
        }
        try replace(wanted)
        return true
    }

    /// Takes over a table that is as it should be; false where this kernel gives tables no owner that lasts.
    func own(_ wanted: NftTable) throws(NetlinkError) -> Bool {
        // An orphan of an earlier run can be had as it is. One without an owner, as a saved ruleset brings along, cannot;
        // where the kernel knows no owners, it is as good as it gets.
        if try (flags() ?? 0) & UInt32(NFT_TABLE_F_PERSIST) != 0 {
            try send([NftMessages.newTable(flags: tableFlags)])
            return true
        }
        do {
            try sendWhole(wanted)
            return true
        } catch  where Self.saysThatThereAreNoOwners(error) {
            tableFlags = 0
            return false
        }
    }

    private static func saysThatThereAreNoOwners(_ error: NetlinkError) -> Bool {
        [EINVAL, EOPNOTSUPP].contains(error.code ?? 0)
    }

    /// Whether there is a table, whatever is in it.
    var isThere: Bool { (try? flags()) != nil }

    /// Makes the table where there is none; true where anything had to be sent.
    func putInPlaceIfMissing(_ wanted: NftTable) throws(NetlinkError) -> Bool {
        guard try flags() == nil else { return false }
        try replace(wanted)
        return true
    }

    /// Removes the table; false where there was none.
    func remove() throws(NetlinkError) -> Bool {
        guard try flags() != nil else { return false }
        if tableFlags != 0 { try? send([NftMessages.newTable(flags: tableFlags)]) }
        try send([NftMessages.deleteTable()])
        return true
    }

    /// Puts the table in the place of whatever has its name, with the flags that this kernel takes.
    func replace(_ wanted: NftTable) throws(NetlinkError) {
        do {
            try sendWhole(wanted)
        } catch  where tableFlags != 0 && Self.saysThatThereAreNoOwners(error) {
            tableFlags = 0
            try sendWhole(wanted)
        }
    }

    private func sendWhole(_ wanted: NftTable) throws(NetlinkError) {
        // Making it first lets the deletion succeed whether it was there or not; with no word about an owner, since one
        // that is there can get none.
        let names = Set(wanted.nameSets.map(\.set))
        let now = clock.now
        try send(
            [
                NftMessages.newTable(flags: nil), NftMessages.deleteTable(),
                NftMessages.newTable(flags: tableFlags),
            ]
                + NftMessages.contents(of: wanted)
                + NftMessages.newElements(learned.living(now: now).filter { names.contains($0.set) }, now: now)
        )
        learned.keep(only: names)
        // What an earlier run left is gone, or was read before.
        isRecalled = true
    }

    func send(
        _ messages: [NetlinkMessage],
        _ operation: String = "put the guard table in place"
    ) throws(NetlinkError) {
        try conversation.batch(
            opening: NftMessages.batch(NFNL_MSG_BATCH_BEGIN),
            messages,
            closing: NftMessages.batch(NFNL_MSG_BATCH_END),
            operation
        )
    }

    /// The netlink port of whoever owns the table now; nil where nobody does.
    var owner: UInt32? {
        let replies = try? conversation.ask(NftMessages.getTable(), "look for the guard table")
        return replies?.first?.attributes(after: nfgenmsg.self)[NFTA_TABLE_OWNER].map { UInt32(networkOrder: $0) }
    }

    /// The table's flags; nil where there is no table.
    private func flags() throws(NetlinkError) -> UInt32? {
        do {
            let replies = try conversation.ask(NftMessages.getTable(), "look for the guard table")
            let flags = replies.first?.attributes(after: nfgenmsg.self)[NFTA_TABLE_FLAGS]
            return flags.map { UInt32(networkOrder: $0) } ?? 0
        } catch  where error.code == ENOENT {
            return nil
        }
    }

    /// Reads the table back; nil where there is none.
    func read() throws(NetlinkError) -> Observed.GuardTable? {
        guard let flags = try flags() else { return nil }
        var contents = NftTable.Contents()
        contents.isDormant = flags & NFT_TABLE_F_DORMANT.rawValue != 0
        var keys: [String: String] = [:]
        for reply in try conversation.dump(NftMessages.dumpChains(), "read the guard's chains") {
            let chain = reply.attributes(after: nfgenmsg.self)
            guard NftMessages.isType(reply, NFT_MSG_NEWCHAIN), chain.text(NFTA_CHAIN_TABLE) == NftTable.name,
                let name = chain.text(NFTA_CHAIN_NAME)
            else { continue }
            let kind = chain.text(NFTA_CHAIN_TYPE) ?? ""
            let hook = chain.nest(NFTA_CHAIN_HOOK)
            let number = hook[NFTA_HOOK_HOOKNUM].map { UInt32(networkOrder: $0) } ?? .max
            let priority = hook[NFTA_HOOK_PRIORITY].map { Int32(networkOrder: $0) } ?? 0
            let policy = chain[NFTA_CHAIN_POLICY].map { UInt32(networkOrder: $0) } ?? .max
            let key = NftTable.Contents.key(name, kind, number, priority, policy: policy)
            keys[name] = key
            contents.rules[key] = []
        }
        for reply in try conversation.dump(NftMessages.dumpRules(), "read the guard's rules") {
            let rule = reply.attributes(after: nfgenmsg.self)
            guard NftMessages.isType(reply, NFT_MSG_NEWRULE), rule.text(NFTA_RULE_TABLE) == NftTable.name,
                let key = rule.text(NFTA_RULE_CHAIN).flatMap({ keys[$0] })
            else { continue }
            let label = (rule[NFTA_RULE_USERDATA] ?? []).dropFirst(2).prefix { $0 != 0 }
            contents.rules[key, default: []].append(String(decoding: label, as: UTF8.self))
        }
        for reply in try conversation.dump(NftMessages.dumpSets(), "read the guard's sets") {
            let set = reply.attributes(after: nfgenmsg.self)
            guard NftMessages.isType(reply, NFT_MSG_NEWSET), set.text(NFTA_SET_TABLE) == NftTable.name,
                let name = set.text(NFTA_SET_NAME)
            else { continue }
            let flags = set[NFTA_SET_FLAGS].map { UInt32(networkOrder: $0) } ?? 0
            guard flags & NFT_SET_TIMEOUT.rawValue != 0 else {
                contents.sets[name] = try elements(of: name)
                continue
            }
            contents.learned[name] = set[NFTA_SET_KEY_TYPE].map { UInt32(networkOrder: $0) } ?? 0
        }
        try lookAtNameSets(&contents)
        return Observed.GuardTable(contents: contents, isOrphan: tableFlags != 0 && flags != tableFlags)
    }

    /// Takes over what an earlier run left, the first time; later, a set of which something is missing, or that has
    /// what nobody told of, is not as it should be.
    private func lookAtNameSets(_ contents: inout NftTable.Contents) throws(NetlinkError) {
        if !isRecalled { learned.keep(only: contents.learned.keys.compactMap(NftTable.setName)) }
        for set in contents.learned.keys.sorted() {
            let found = try holdings(of: set)
            if !isRecalled {
                learned.take(found, now: clock.now)
            } else if let name = NftTable.setName(set), let family = NftTable.family(set),
                !learned.isAsHeld(name, family, found, now: clock.now)
            {
                contents.learned[set] = nil
            }
        }
        isRecalled = true
    }

    private func elements(of set: String) throws(NetlinkError) -> Swift.Set<NftTable.Set.Element> {
        var elements: Swift.Set<NftTable.Set.Element> = []
        for reply in try conversation.dump(NftMessages.dumpElements(of: set), "read the guard's set \(set)") {
            let list = reply.attributes(after: nfgenmsg.self).nest(NFTA_SET_ELEM_LIST_ELEMENTS)
            for (_, value) in list.items {
                let element = NetlinkAttributes(value)
                guard let key = element.nest(NFTA_SET_ELEM_KEY)[NFTA_DATA_VALUE] else { continue }
                let flags = element[NFTA_SET_ELEM_FLAGS].map { UInt32(networkOrder: $0) } ?? 0
                let isEnd = flags & NFT_SET_ELEM_INTERVAL_END.rawValue != 0
                elements.insert(NftTable.Set.Element(key: Array(key), isEnd: isEnd))
            }
        }
        return elements
    }
}
