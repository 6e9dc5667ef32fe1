// SPDX-License-Identifier: Apache-2.0

/// How many packets of how many were lost on one way.
public struct LossShare: Hashable, Sendable, Codable {
    /// Those that did not arrive.
    public var lost = 0
    /// Those that were sent.
    public var of = 0

    /// Makes a share; of nothing, nothing is lost.
    public init(lost: Int = 0, of: Int = 0) {
        (self.lost, self.of) = (lost, of)
    }

    /// From 0 to 1.
    public var ratio: Double { of == 0 ? 0 : Double(lost) / Double(of) }

    /// Whether so many can hardly be lost by chance where the limit is kept: four deviations of the binomial above it, and
    /// more than a handful.
    func exceeds(_ limit: Double) -> Bool {
        let expected = Double(of) * limit
        let excess = Double(lost) - expected
        return lost >= 5 && excess > 0 && excess * excess > 16 * expected * (1 - limit)
    }
}

/// What packets that the far end numbers (RFC 8762) show of each way by itself.
public struct OneWayLoss: Hashable, Sendable, Codable {
    /// Towards the far end.
    public var there: LossShare
    /// On the way back.
    public var back: LossShare

    /// Makes a pair; without shares, nothing is lost.
    public init(there: LossShare = LossShare(), back: LossShare = LossShare()) {
        (self.there, self.back) = (there, back)
    }
}

/// What a path's STAMP session shows of its far end.
public enum ReflectorStatus: Hashable, Sendable, Codable {
    /// There is no session, or it never answered.
    case unknown
    /// It answers; with what it shows of each way, where it numbers packets itself and some are lost.
    case answering(OneWayLoss)
    /// It answered before.
    case silent

    /// What it means for targets that do not answer; nil where it says nothing.
    var reason: Reason? {
        switch self {
        case .unknown: nil
        case .answering: .reflectorAnswers
        case .silent: .reflectorSilent
        }
    }
}

/// Whether one way of a path loses more than a network bears.
struct OneWayFault: Hashable, Sendable, Codable {
    /// The share from where on; nil where the network does not ask.
    var limit: Double? {
        didSet { if limit != oldValue { found = nil } }
    }
    /// What was lost when it was found; a fault keeps the figures that are its reason.
    private var found: OneWayLoss?
    private var isThere = false
    private var isBack = false

    init(limit: Double?) {
        self.limit = limit
    }

    /// Takes what is known now. Silence ends it: what that means the targets say.
    mutating func take(_ status: ReflectorStatus) {
        guard let limit, case .answering(let loss) = status else { return found = nil }
        let before = found == nil ? (false, false) : (isThere, isBack)
        isThere = Self.isRaised(before.0, loss.there, limit)
        isBack = Self.isRaised(before.1, loss.back, limit)
        if before != (isThere, isBack) { found = isThere || isBack ? loss : nil }
    }

    /// It ends at half the limit, so that it does not come and go.
    private static func isRaised(_ before: Bool, _ share: LossShare, _ limit: Double) -> Bool {
        before ? share.ratio > limit / 2 : share.exceeds(limit)
    }

    /// The fault, where there is one.
    var reason: Reason? {
        guard let limit, let found else { return nil }
        return .lossyWay(there: found.there.ratio, back: found.back.ratio, limit: limit)
    }
}
