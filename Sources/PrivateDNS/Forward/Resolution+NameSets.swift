// SPDX-License-Identifier: Apache-2.0
// The firewall hears of the addresses of names in sets before clients do: a client that is told of an address may use it
// at once.

import NetworkTypes

extension Resolution {
    /// The sets that an answer's question, or a name in its chain of aliases, is in. Allocates nothing.
    private mutating func mask(of answer: Span<UInt8>, in sets: NameSets) -> NameSetMask {
        var section = AnswerSection(answer)
        guard section.nameLength > 0 else { return 0 }
        owner.take(answer, at: MessageSize.header, count: section.nameLength)
        var mask = sets.mask(of: owner)
        var last = MessageSize.header
        while let record = section.next(in: answer) {
            let beginning = WireName.beginning(answer, at: record.owner)
            guard beginning != last else { continue }
            last = beginning
            var room = ownerOctets.mutableSpan
            let count = WireName.write(answer, at: record.owner, into: &room, at: 0)
            Self.take(ownerOctets, count, into: &owner)
            mask |= sets.mask(of: owner)
        }
        return mask
    }

    private static func take(_ octets: [UInt8], _ count: Int, into name: inout LookupName) {
        name.take(octets.span, at: 0, count: count)
    }

    /// Whether the firewall holds all that an answer leads to, as far as it is to. Where a policy has no sets, this is
    /// the one check that it costs.
    @inline(__always)
    mutating func isHeld(_ answer: Span<UInt8>, _ policy: Policy, now: Instant) -> Bool {
        guard let sets = policy.nameSets else { return true }
        return isHeld(answer, in: sets, now: now)
    }

    private mutating func isHeld(_ answer: Span<UInt8>, in sets: NameSets, now: Instant) -> Bool {
        let mask = mask(of: answer, in: sets)
        guard mask != 0 else { return true }
        var addresses = AnswerAddresses(answer)
        while let (address, ttl) = addresses.next(in: answer) {
            let key = Learning.Key(sets: mask, address: address)
            if address.isUnicastHost, !learning.holds(key, for: ttl, now: now) { return false }
        }
        return true
    }

    /// What the firewall is to hold before an answer leaves, and whether the answer leads to more than that: to what was
    /// refused a moment ago, or to too much.
    private mutating func unheld(
        _ answer: Span<UInt8>,
        in sets: NameSets,
        now: Instant
    ) -> (addresses: [Learning.Address], leadsBeyond: Bool) {
        let mask = mask(of: answer, in: sets)
        guard mask != 0 else { return ([], false) }
        var addresses = AnswerAddresses(answer)
        var unheld: [Learning.Address] = []
        var leadsBeyond = false
        while let (address, ttl) = addresses.next(in: answer) {
            let key = Learning.Key(sets: mask, address: address)
            guard address.isUnicastHost, !learning.holds(key, for: ttl, now: now) else { continue }
            guard !learning.isRefused(key, now: now) else {
                leadsBeyond = true
                continue
            }
            guard unheld.count < Learning.addressLimit else { return (unheld, true) }
            unheld.append(Learning.Address(key: key, lifetime: Learning.lifetime(of: ttl)))
        }
        return (unheld, leadsBeyond)
    }

    /// Looks at the answers that are about to leave: those that lead to what the firewall does not hold yet wait.
    mutating func letLeave(now: Instant) {
        let answers = leaving
        leaving = []
        for var answer in answers {
            guard let policy, let sets = policy.nameSets else {
                leave(answer, isHeld: true)
                continue
            }
            let addresses: [Learning.Address]
            (addresses, answer.leadsBeyond) = unheld(answer.message.span, in: sets, now: now)
            guard !addresses.isEmpty else {
                leave(answer, isHeld: true)
                continue
            }
            // Who has too many questions in flight is not waited for.
            guard defence.beginsToWait(answer.waiter.client, policy.clientLimits) else {
                leave(answer, isHeld: false)
                continue
            }
            switch learning.wait(answer, for: addresses, now: now) {
            case .tell(let serial):
                let learned = addresses.map {
                    LearnedAddress(sets: sets.names(of: $0.key.sets), address: $0.key.address, lifetime: $0.lifetime)
                }
                actions.append(.tell(serial, learned))
            case .joined: break
            case .full: endToWait(answer, isHeld: false)
            }
        }
    }

    private mutating func endToWait(_ answer: Learning.Leaving, isHeld: Bool) {
        if let policy { defence.endsToWait(answer.waiter.client, policy.clientLimits) }
        leave(answer, isHeld: isHeld)
    }

    private mutating func leave(_ answer: Learning.Leaving, isHeld: Bool) {
        if !isHeld || answer.leadsBeyond { tally.unheldAnswers &+= 1 }
        tally.count(answer.code)
        actions.append(.answer(answer.waiter.client, answer.message))
    }

    /// Takes the word of what became of a telling: the firewall holds its addresses, but those at these places.
    mutating func heard(_ serial: UInt64, except refused: Set<Int>, now: Instant) {
        for answer in learning.heard(serial, except: refused, now: now) {
            endToWait(answer, isHeld: refused.isEmpty)
        }
    }

    /// Lets the answers leave that have waited for long enough.
    mutating func expireLearning(now: Instant) {
        for answer in learning.expire(now: now) { endToWait(answer, isHeld: false) }
    }

    /// The sets whose addresses an answer has, for an explanation.
    mutating func noteSets(_ waiter: Waiter, _ answer: [UInt8]) {
        guard let sets = policy?.nameSets else { return }
        let mask = mask(of: answer.span, in: sets)
        guard mask != 0 else { return }
        var addresses = AnswerAddresses(answer.span)
        while let (address, _) = addresses.next(in: answer.span) {
            if address.isUnicastHost { return note(waiter, .inSets(sets.names(of: mask))) }
        }
    }
}
