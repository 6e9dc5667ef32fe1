// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes
import SystemIO

/// An answer that is kept, for people to see.
public struct KeptAnswer: Hashable, Sendable {
    /// The name that was asked for.
    public let name: DomainName
    /// The type, as a number.
    public let type: UInt16
    /// What the answer says.
    public let code: ResponseCode
    /// How many records answer.
    public let answers: UInt16
    /// The zone that it is counted for; nil where it was learned under a decision that is over.
    public let zone: String?
    /// How long it is answered yet, in seconds; below zero for how long it is over and kept as the last known good.
    public let secondsLeft: Int64
    /// When a server said so, in seconds before now.
    public let secondsOld: Int64
    /// Whether it was given again because no server answers.
    public let isStale: Bool
    /// The octets that it takes.
    public let size: Int
}

extension AnswerCache {
    /// What is kept of a name and all below it, the oldest first.
    ///
    /// - Parameter label: of a scope; nil where the scope is over.
    func entries(
        below name: DomainName,
        limit: Int,
        now: Instant,
        label: (UInt64) -> String?
    ) -> [KeptAnswer] {
        var found: [KeptAnswer] = []
        for offset in 0..<count where found.count < limit {
            let slot = slots[(oldest + offset) % slots.count]
            guard !slot.isDead, let owner = owner(of: slot), owner.isWithin(name) else { continue }
            found.append(
                KeptAnswer(
                    name: owner,
                    type: slot.type.rawValue,
                    code: slot.head.code,
                    answers: slot.head.answers,
                    zone: label(slot.scope),
                    secondsLeft: (slot.expires - now).nanoseconds / 1_000_000_000,
                    secondsOld: (now - slot.learned).nanoseconds / 1_000_000_000,
                    isStale: slot.remark == .stale,
                    size: slot.size
                )
            )
        }
        return found
    }

    /// Forgets all that is kept of a name and of all below it, and how it was last known.
    /// - Returns: how many answers that were.
    mutating func flush(below name: DomainName) -> Int {
        var flushed = 0
        for offset in 0..<count {
            let number = (oldest + offset) % slots.count
            guard !slots[number].isDead, let owner = owner(of: slots[number]), owner.isWithin(name) else { continue }
            slots[number].isDead = true
            flushed += 1
        }
        return flushed
    }

    private func owner(of slot: Slot) -> DomainName? {
        let start = Int(slot.start)
        return DomainName(wire: octets[start..<start + Int(slot.nameCount)])
    }
}
