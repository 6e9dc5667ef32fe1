// SPDX-License-Identifier: Apache-2.0
// What the firewall holds of names' addresses, within bounds: the resolver, which tells of them, faces strangers.

import NetworkTypes
import SystemIO

/// The addresses in each set of names, and until when each is held.
struct LearnedAddresses {
    /// An address in a set, held until a moment.
    struct Holding: Hashable {
        let set: NameSetName
        let address: IPAddress
        let until: Instant
    }

    /// What a holding is about to be, and until when the address was held before; nil where it was not.
    struct Renewal: Hashable {
        let holding: Holding
        let former: Instant?
    }

    /// The most addresses of one set, of both families together.
    static let limit = 4096
    /// The most of all sets: when the guard is replaced they go in one message with it, which the socket has to take.
    static let totalLimit = 16_384
    /// How much longer an address is held than was asked for: for who connects with an answer's last second.
    static let grace = Duration.seconds(60)

    private var sets: [NameSetName: [IPAddress: Instant]] = [:]
    /// When the sets were last rid of what is over: that takes its time, and a full set may be asked for room often.
    private var cleared: Instant?
    /// Sets that had no room for the last address that was for them.
    private var lacking: Set<NameSetName> = []

    /// The sets that there are from now on; what is held of others is forgotten.
    mutating func keep(only names: some Sequence<NameSetName>) {
        sets = Dictionary(names.map { ($0, sets[$0] ?? [:]) }) { first, _ in first }
        lacking.formIntersection(sets.keys)
    }

    /// Notes that an address is held for so many seconds.
    /// - Returns: what has to be put in the kernel for that; nil, and nothing is noted, where a set is unknown or full, or
    ///   the address is none that a packet to it could need leave for.
    mutating func hold(
        _ address: IPAddress,
        in names: [NameSetName],
        lifetime: UInt32,
        now: Instant
    ) -> [Renewal]? {
        guard address.isUnicastHost else { return nil }
        // Whatever the resolver says.
        let seconds = min(max(lifetime, NameSetLifetime.bounds.lowerBound), NameSetLifetime.bounds.upperBound)
        let wanted = now + .seconds(Int64(seconds))
        var missing: [Renewal] = []
        for name in names {
            guard let known = sets[name] else { return nil }
            if let until = known[address], until >= wanted { continue }
            if known[address] == nil {
                guard hasRoom(name, now: now) else {
                    lacking.insert(name)
                    return nil
                }
                lacking.remove(name)
            }
            let holding = Holding(set: name, address: address, until: wanted + Self.grace)
            missing.append(Renewal(holding: holding, former: known[address]))
        }
        for holding in missing.map(\.holding) { sets[holding.set]?[address] = holding.until }
        return missing
    }

    private mutating func hasRoom(_ name: NameSetName, now: Instant) -> Bool {
        if isBelowLimits(name) { return true }
        if let cleared, now - cleared < .seconds(1) { return false }
        cleared = now
        sets = sets.mapValues { $0.filter { $0.value > now } }
        return isBelowLimits(name)
    }

    private func isBelowLimits(_ name: NameSetName) -> Bool {
        (sets[name]?.count ?? 0) < Self.limit && sets.values.reduce(0) { $0 + $1.count } < Self.totalLimit
    }

    /// Notes that the kernel holds these already. What an earlier run cannot have put there is left out.
    mutating func take(_ holdings: [Holding], now: Instant) {
        let latest = now + .seconds(Int64(NameSetLifetime.bounds.upperBound)) + Self.grace
        for holding in holdings
        where holding.address.isUnicastHost && holding.until <= latest && isBelowLimits(holding.set) {
            sets[holding.set]?[holding.address] = holding.until
        }
    }

    /// Takes back renewals, which the kernel did not take.
    mutating func restore(_ renewals: [Renewal]) {
        // An address may be there twice, the later renewal after the earlier.
        for renewal in renewals.reversed() { sets[renewal.holding.set]?[renewal.holding.address] = renewal.former }
    }

    /// Whether these, which the kernel has of a family in a set, are what is held there and nothing else; what is about to
    /// end may be gone, or there still.
    func isAsHeld(_ set: NameSetName, _ family: AddressFamily, _ found: [Holding], now: Instant) -> Bool {
        let (known, soon) = (sets[set] ?? [:], now + Self.grace / 2)
        let addresses = Set(found.map(\.address))
        return known.allSatisfy { address, until in
            address.family != family || until <= soon || addresses.contains(address)
        } && found.allSatisfy { $0.until <= soon || known[$0.address] != nil }
    }

    /// Sets that had no room for the last address that was for them, and have none now.
    func full(now: Instant) -> Set<NameSetName> {
        guard !lacking.isEmpty else { return [] }
        let counts = counts(now: now)
        guard counts.values.reduce(0, +) < Self.totalLimit else { return lacking }
        return lacking.filter { counts[$0] ?? 0 >= Self.limit }
    }

    /// All that is held.
    func living(now: Instant) -> [Holding] {
        sets.flatMap { name, addresses in
            addresses.filter { $0.value > now }.map { Holding(set: name, address: $0.key, until: $0.value) }
        }
    }

    /// How many addresses each set holds.
    func counts(now: Instant) -> [NameSetName: Int] { sets.mapValues { $0.values.count { $0 > now } } }
}
