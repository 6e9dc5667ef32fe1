// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes
import SystemIO

extension Reconciler {
    /// Holds addresses, each for so many seconds, in sets of names: elements of the guard table that go by themselves when
    /// their time is over, and stay when the guard is replaced or this process ends.
    /// - Returns: the places in the list of those that cannot be held: their set is none of the guard's, or full.
    /// - Throws: what the kernel says; then none of them is held that was not before.
    public func hold(
        _ addresses: [(sets: [NameSetName], address: IPAddress, lifetime: UInt32)]
    ) throws(NetlinkError) -> Set<Int> {
        try firewall.hold(addresses)
    }

    /// How many addresses each set of names holds.
    public var nameSetCounts: [NameSetName: Int] { firewall.learned.counts(now: clock.now) }

    /// Sets of names that had no room for an address, and have none now.
    public var fullNameSets: Set<NameSetName> { firewall.learned.full(now: clock.now) }
}
