// SPDX-License-Identifier: Apache-2.0

/// How a path loses packets while it lives: how often, and how often again right after.
///
/// Losses come in bursts (Gilbert's model). What counts for a confirming burst is how likely its packets are lost too,
/// and that is learned from bursts that were answered in the end. Longer outages do not come in here: nobody rides
/// through those.
struct LossModel: Hashable, Sendable, Codable {
    /// Steady questions, and those of them that were lost; the past fades over some half an hour of questions.
    private var questions = 0.0
    private var lost = 0.0
    /// Questions right after a loss, and those of them that were lost.
    private var followUps = 0.0
    private var followUpsLost = 0.0

    private static let memory = 6_000.0
    private static let followUpMemory = 500.0

    /// The share of lost packets; one in a hundred before anything is known.
    var single: Double { (lost + 1) / (questions + 100) }

    /// The share of lost packets among those right after a loss; three in ten before anything is known.
    var again: Double { (followUpsLost + 3) / (followUps + 10) }

    mutating func asked(isLost: Bool) {
        questions += 1 - questions / Self.memory
        lost += (isLost ? 1 : 0) - lost / Self.memory
    }

    mutating func followedUp(isLost: Bool) {
        followUps += 1 - followUps / Self.followUpMemory
        followUpsLost += (isLost ? 1 : 0) - followUpsLost / Self.followUpMemory
    }
}
