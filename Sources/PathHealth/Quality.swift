// SPDX-License-Identifier: Apache-2.0

/// What makes a path that carries traffic `degraded`; nil where the file does not ask.
public struct QualityLimits: Hashable, Sendable, Codable {
    /// The share of lost packets, above 0 and below 1.
    public var loss: Double?
    /// The round trip that half of the packets exceed.
    public var roundTrip: Duration?
    /// The difference between one round trip and the next that half of them exceed.
    public var jitter: Duration?

    /// Makes limits.
    public init(loss: Double? = nil, roundTrip: Duration? = nil, jitter: Duration? = nil) {
        self.loss = loss
        self.roundTrip = roundTrip
        self.jitter = jitter
    }
}

/// How well one target answers through one path.
package struct Quality: Hashable, Sendable, Codable {
    /// What is wrong.
    package enum Fault: Hashable, Sendable, Codable {
        /// The share lost.
        case loss(Double)
        /// The round trip when it was found.
        case roundTrip(Duration)
        /// The jitter when it was found.
        case jitter(Duration)
    }

    let limits: QualityLimits
    private var loss: ProportionChart?
    private var roundTrip: ProportionChart?
    private var jitter: ProportionChart?
    private var last: Duration?
    package private(set) var faults: [Fault] = []

    /// A path that keeps within half of the limits is called degraded no more often than it may be taken for dead.
    init(_ limits: QualityLimits, _ promise: DetectionPromise) {
        self.limits = limits
        let alarmEvery = promise.questionsPerAlarm
        loss = limits.loss.map { ProportionChart(limit: $0, alarmEvery: alarmEvery) }
        roundTrip = limits.roundTrip.map { _ in ProportionChart(limit: 0.5, alarmEvery: alarmEvery) }
        jitter = limits.jitter.map { _ in ProportionChart(limit: 0.5, alarmEvery: alarmEvery) }
    }

    mutating func lost() {
        loss?.take(true)
        note(after: nil, difference: nil)
    }

    mutating func answered(after time: Duration) {
        loss?.take(false)
        if let limit = limits.roundTrip { roundTrip?.take(time > limit) }
        let difference = last.map { max($0, time) - min($0, time) }
        if let difference, let limit = limits.jitter { jitter?.take(difference > limit) }
        last = time
        note(after: time, difference: difference)
    }

    /// A fault keeps the figures with which it was found: they are its reason, not a display.
    private mutating func note(after time: Duration?, difference: Duration?) {
        if limits.loss != nil {
            set(.loss(loss?.raised ?? 0), isThere: loss?.raised != nil) { if case .loss = $0 { true } else { false } }
        }
        if let time, limits.roundTrip != nil {
            set(.roundTrip(time), isThere: roundTrip?.raised != nil) {
                if case .roundTrip = $0 { true } else { false }
            }
        }
        if let difference, limits.jitter != nil {
            set(.jitter(difference), isThere: jitter?.raised != nil) { if case .jitter = $0 { true } else { false } }
        }
    }

    private mutating func set(_ fault: Fault, isThere: Bool, _ isOfKind: (Fault) -> Bool) {
        let known = faults.firstIndex(where: isOfKind)
        if isThere, known == nil { faults.append(fault) }
        if !isThere, let known { faults.remove(at: known) }
    }
}
