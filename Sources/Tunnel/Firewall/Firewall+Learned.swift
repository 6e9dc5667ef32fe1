// SPDX-License-Identifier: Apache-2.0
// The addresses of names in sets (`name-sets` of the file) are elements with timeouts of sets in the guard's own table: a
// set is seen by the rules of its table alone, and the guard's is where rules are that lead traffic. The table is
// replaced as a whole where the guard changes; what the sets hold goes into the same transaction, with the time that it has
// left, so that there is no moment without it. A new agent takes over what it finds in the kernel.

import CLinux
import NetworkTypes
import SystemIO

extension NftTable {
    /// What the kernel calls a family's half of a set of names.
    static func nameSet(_ name: NameSetName, _ family: AddressFamily) -> String { "names-\(name)-\(family)" }

    /// The sets of names that a table has a half of.
    var nameSets: [(name: String, set: NameSetName)] {
        sets.compactMap { set in
            guard set.isLearned, let name = Self.setName(set.name) else { return nil }
            return (set.name, name)
        }
    }

    /// The set of names that has a half of this name in the kernel.
    static func setName(_ name: String) -> NameSetName? {
        guard name.hasPrefix("names-"), let end = name.lastIndex(of: "-") else { return nil }
        return NameSetName(String(name[..<end].dropFirst("names-".count)))
    }

    /// The family that a set of this name in the kernel is half of.
    static func family(_ name: String) -> AddressFamily? { AddressFamily.allCases.first { name.hasSuffix("-\($0)") } }
}

extension Firewall {
    /// Holds addresses, each for so many seconds, in sets of names.
    /// - Returns: the places in the list of those that it cannot hold: their set is unknown, or full.
    /// - Throws: what the kernel says; then it holds none of those that it did not hold before.
    func hold(
        _ addresses: [(sets: [NameSetName], address: IPAddress, lifetime: UInt32)]
    ) throws(NetlinkError) -> Set<Int> {
        let now = clock.now
        var refused: Set<Int> = []
        var missing: [LearnedAddresses.Renewal] = []
        for (place, wish) in addresses.enumerated() {
            let renewals = learned.hold(wish.address, in: wish.sets, lifetime: wish.lifetime, now: now)
            if let renewals { missing += renewals } else { refused.insert(place) }
        }
        guard !missing.isEmpty else { return refused }
        // An element that is there keeps its timeout when it is added, on kernels before 6.12; one that is not cannot be
        // deleted. Added, deleted and added again, it has the new one either way.
        let once = Self.merged(missing.map(\.holding))
        let added = NftMessages.newElements(once, now: now)
        do throws(NetlinkError) {
            try send(added + NftMessages.deleteElements(once) + added, "hold the addresses of name sets")
        } catch {
            learned.restore(missing)
            throw error
        }
        return refused
    }

    /// A year, in milliseconds.
    private static let longestLeft: UInt64 = 31_536_000_000

    /// One holding for each address of a set, the longest: two names of a list may lead to one.
    private static func merged(_ holdings: [LearnedAddresses.Holding]) -> [LearnedAddresses.Holding] {
        struct Key: Hashable {
            let set: NameSetName
            let address: IPAddress
        }
        let longest = Dictionary(holdings.map { (Key(set: $0.set, address: $0.address), $0) }) {
            $0.until > $1.until ? $0 : $1
        }
        return Array(longest.values)
    }

    /// What the kernel has in a set of names. What somebody else put there may have no end: it is far off then.
    func holdings(of set: String) throws(NetlinkError) -> [LearnedAddresses.Holding] {
        guard let name = NftTable.setName(set) else { return [] }
        let now = clock.now
        var holdings: [LearnedAddresses.Holding] = []
        for reply in try conversation.dump(NftMessages.dumpElements(of: set), "read the set \(set)") {
            for (_, value) in reply.attributes(after: nfgenmsg.self).nest(NFTA_SET_ELEM_LIST_ELEMENTS).items {
                let element = NetlinkAttributes(value)
                guard let key = element.nest(NFTA_SET_ELEM_KEY)[NFTA_DATA_VALUE], let address = IPAddress(bytes: key)
                else { continue }
                let left = element[NFTA_SET_ELEM_EXPIRATION].map { UInt64(networkOrder: $0) } ?? .max
                let until = now + .milliseconds(Int64(min(left, Self.longestLeft)))
                holdings.append(LearnedAddresses.Holding(set: name, address: address, until: until))
            }
        }
        return holdings
    }
}

extension NftMessages {
    /// The addresses as elements of the sets that they are in, with the time that each has left.
    static func newElements(_ holdings: [LearnedAddresses.Holding], now: Instant) -> [NetlinkMessage] {
        elements(holdings, NFT_MSG_NEWSETELEM, flags: NLM_F_CREATE) { holding, entry in
            let left = UInt64(clamping: (holding.until - now).nanoseconds / 1_000_000)
            entry.put(NFTA_SET_ELEM_TIMEOUT, bigEndian: max(left, 1))
        }
    }

    /// Takes the addresses out of the sets that they are in.
    static func deleteElements(_ holdings: [LearnedAddresses.Holding]) -> [NetlinkMessage] {
        elements(holdings, NFT_MSG_DELSETELEM, flags: 0) { _, _ in }
    }

    private static func elements(
        _ holdings: [LearnedAddresses.Holding],
        _ type: nf_tables_msg_types,
        flags: Int32,
        _ put: (LearnedAddresses.Holding, inout NetlinkMessage) -> Void
    ) -> [NetlinkMessage] {
        let sets = Dictionary(grouping: holdings) { NftTable.nameSet($0.set, $0.address.family) }
        return sets.sorted { $0.key < $1.key }.flatMap { set, holdings in
            stride(from: 0, to: holdings.count, by: 500).map { start in
                var message = message(type, flags: flags)
                message.put(NFTA_SET_ELEM_LIST_TABLE, text: NftTable.name)
                message.put(NFTA_SET_ELEM_LIST_SET, text: set)
                message.nest(NFTA_SET_ELEM_LIST_ELEMENTS) { list in
                    for holding in holdings[start..<min(start + 500, holdings.count)] {
                        list.nest(NFTA_LIST_ELEM) { entry in
                            entry.nest(NFTA_SET_ELEM_KEY) { $0.put(NFTA_DATA_VALUE, holding.address.bytes) }
                            put(holding, &entry)
                        }
                    }
                }
                return message
            }
        }
    }
}
