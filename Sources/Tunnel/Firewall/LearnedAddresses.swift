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
    private(set) var full: Set<NameSetName> = []

    /// The sets that there are from now on; what is held of others is forgotten.
    mutating func keep(only names: some Sequence<NameSetName>) {
        sets = Dictionary(names.map { ($0, sets[$0] ?? [:]) }) { first, _ in first }
        full.formIntersection(sets.keys)
    }

    /// Notes that an address is held for so many seconds.
    /// - Returns: what has to be put in the kernel for that; nil, and nothing is noted, where a set is unknown or full, or
    ///   the address is none that a packet to it could need leave for.
    mutating func hold(
        _ address: IPAddress,
        in names: [NameSetName],
        lifetime: UInt32,
        now: Instant
    ) -> [Holding]? {
        guard address.isUnicastHost else { return nil }
        // Whatever the resolver says.
        let seconds = min(max(lifetime, NameSetLifetime.bounds.lowerBound), NameSetLifetime.bounds.upperBound)
        let wanted = now + .seconds(Int64(seconds))
        var missing: [Holding] = []
        for name in names {
            guard let known = sets[name] else { return nil }
            if let until = known[address], until >= wanted { continue }
            guard known[address] != nil || hasRoom(name, now: now) else {
                full.insert(name)
                return nil
            }
            full.remove(name)
            missing.append(Holding(set: name, address: address, until: wanted + Self.grace))
        }
        take(missing)
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

    /// Notes that the kernel holds these already.
    mutating func take(_ holdings: [Holding]) {
        for holding in holdings { sets[holding.set]?[holding.address] = holding.until }
    }

    /// Forgets these, which the kernel did not take.
    mutating func drop(_ holdings: [Holding]) {
        for holding in holdings { sets[holding.set]?[holding.address] = nil }
    }

    /// Whether these, which the kernel has of a family in a set, are all that is held there; what is about to end may be
    /// gone.
    func isWhole(_ set: NameSetName, _ family: AddressFamily, _ found: [Holding], now: Instant) -> Bool {
        let addresses = Set(found.map(\.address))
        return (sets[set] ?? [:]).allSatisfy { address, until in
            address.family != family || until <= now + Self.grace / 2 || addresses.contains(address)
        }
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
