// SPDX-License-Identifier: Apache-2.0

/// Tells where packets are lost, from two numbers in each answer: the question's own, and the reflector's, which counts the
/// questions that reached it (RFC 8762 section 4.3).
///
///     questions      0 . 2 3 4 5 6        4 got lost on the way there: the reflector's numbers go on without it
///     reflector's    0   1 2   3 4        the answer to 5 got lost on the way back: its number is missed
///     answers        0   1 2     4
public struct OneWayLossMeter: Sendable {
    /// How the far end numbers its answers.
    public enum Numbering: Hashable, Sendable {
        /// Not known yet.
        case unknown
        /// By itself (a stateful reflector).
        case own
        /// As the questions (a stateless one): where packets are lost cannot be told.
        case copied
    }

    /// What was counted up to a moment, by the newest answer.
    private struct Counts: Sendable {
        var asked = 0
        var reflected = 0
        var answered = 0
    }

    /// How the far end numbers its answers.
    public private(set) var numbering = Numbering.unknown
    private var counts = Counts()
    /// Behind the periods that ``loss`` looks back on.
    private var periods = [Counts()]
    private var newest: (question: UInt32, number: UInt32)?
    /// Which of the numbers up to the newest came; the newest is bit 0.
    private var seen = NumberWindow()
    /// Packets lost on each way, so far.
    private var most = OneWayLoss()
    /// Whether a whole period passed without an answer: what was lost in an outage says nothing of the ways while they live.
    private var isInterrupted = false

    private static let periodCount = 30
    /// A far end that is further ahead or behind than packets can overtake each other has begun anew.
    private static let reordering = 64

    /// Begins with nothing known.
    public init() {}

    /// The number of the question after another. A session leaves its second number out, as if that question had been lost: a
    /// reflector's own numbers are different from then on.
    public static func question(after number: UInt32) -> UInt32 { number == 0 ? 2 : number &+ 1 }

    /// Takes an answer; false where it came before.
    public mutating func answered(question: UInt32, number: UInt32) -> Bool {
        if question != 0 { recognise(question, number) }
        guard let newest else {
            begin(question, number)
            return true
        }
        let ahead = Int(Int32(bitPattern: question &- newest.question))
        if isInterrupted, ahead > 0 {
            begin(question, number)
            return true
        }
        let further = Int(Int32(bitPattern: number &- newest.number))
        guard (-NumberWindow.size + 1...max(ahead, 0) + Self.reordering).contains(further),
            ahead <= 0 || further > -Self.reordering
        else {
            begin(question, number)
            return true
        }
        guard seen.insert(further) else {
            // A new question under an old number: the far end has begun anew.
            if ahead > 0 { begin(question, number) }
            return ahead > 0
        }
        counts.asked += max(ahead, 0)
        counts.reflected += max(further, 0)
        counts.answered += 1
        if ahead > 0 { self.newest?.question = question }
        if further > 0 { self.newest?.number = number }
        return true
    }

    private mutating func recognise(_ question: UInt32, _ number: UInt32) {
        let numbering: Numbering = question == number ? .copied : .own
        // Its own numbers may meet ours once; that they never differ is what a copy shows.
        guard self.numbering == .unknown || (self.numbering == .copied && numbering == .own) else { return }
        self.numbering = numbering
        newest = nil
    }

    /// Counts from this answer on; what was lost before it cannot be told.
    private mutating func begin(_ question: UInt32, _ number: UInt32) {
        newest = (question, number)
        seen = NumberWindow()
        isInterrupted = false
    }

    /// Ends a period of a second or more.
    public mutating func endPeriod() {
        if let before = periods.last, newest != nil, before.answered == counts.answered { isInterrupted = true }
        periods.append(counts)
        if periods.count > Self.periodCount + 1 { periods.removeFirst() }
        // Packets that overtake each other are taken for lost until the others come; those still missing stay so.
        most.there.lost = max(most.there.lost, counts.asked - counts.reflected)
        most.back.lost = max(most.back.lost, counts.reflected - counts.answered)
        (most.there.of, most.back.of) = (counts.asked, counts.reflected)
    }

    /// What was lost on each way in the last thirty periods; nil where the far end does not number by itself.
    public var loss: OneWayLoss? {
        guard numbering == .own, let first = periods.first, let last = periods.last else { return nil }
        let asked = last.asked - first.asked
        let reflected = last.reflected - first.reflected
        let answered = last.answered - first.answered
        return OneWayLoss(
            there: LossShare(lost: min(max(asked - reflected, 0), asked), of: asked),
            back: LossShare(lost: min(max(reflected - answered, 0), reflected), of: reflected)
        )
    }

    /// What was lost on each way since the beginning.
    public var total: OneWayLoss { numbering == .own ? most : OneWayLoss() }
}

/// The last numbers up to the newest one, and which of them came.
private struct NumberWindow: Sendable {
    static let size = 1_024
    /// What came before the first number is not waited for.
    private var words = [UInt64](repeating: .max, count: size / 64)
    private var newest = 0

    /// Takes a number, given by its distance from the newest one, which it may become; false where it came before.
    mutating func insert(_ distance: Int) -> Bool {
        if distance > 0 {
            for step in 1...min(distance, Self.size) { self[newest + step] = false }
            newest += distance
        }
        let place = newest + min(distance, 0)
        guard !self[place] else { return false }
        self[place] = true
        return true
    }

    private subscript(number: Int) -> Bool {
        get { words[place(number)] & bit(number) != 0 }
        set {
            words[place(number)] = newValue ? words[place(number)] | bit(number) : words[place(number)] & ~bit(number)
        }
    }

    private func place(_ number: Int) -> Int { (number % Self.size + Self.size) % Self.size / 64 }
    private func bit(_ number: Int) -> UInt64 { 1 << UInt64((number % 64 + 64) % 64) }
}
