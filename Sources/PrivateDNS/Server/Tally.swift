// SPDX-License-Identifier: Apache-2.0

/// What one worker counts: plain numbers that nobody else touches; the worker shows a copy once a second.
public struct Tally: Sendable {
    /// Queries over UDP.
    public internal(set) var datagramQueries: UInt64 = 0
    /// Queries over TCP.
    public internal(set) var streamQueries: UInt64 = 0
    /// Queries over TLS, which the frontend passed on.
    public internal(set) var relayedQueries: UInt64 = 0
    /// Answers by response code; BADCOOKIE is the highest that we give.
    private var codes: [24 of UInt64] = .init(repeating: 0)
    /// Queries for forwarded names that the cache answered.
    public internal(set) var cacheHits: UInt64 = 0
    /// Those that it did not.
    public internal(set) var cacheMisses: UInt64 = 0
    /// Answers that were asked for anew before they were over.
    public internal(set) var prefetches: UInt64 = 0
    /// Answers that led to what the firewall should have held and did not when they left.
    public internal(set) var unheldAnswers: UInt64 = 0
    /// Questions of our own that came back to us.
    public internal(set) var loops: UInt64 = 0
    /// Octets that kept answers use.
    public internal(set) var cacheBytes: UInt64 = 0
    /// Queries that policy refused.
    public internal(set) var refused: UInt64 = 0
    /// Exchanges that nobody waited for any more when a policy came: their generation was over, or their client had its answer.
    public internal(set) var staleGenerationDrops: UInt64 = 0
    /// Questions that went for newer ones, since a table was full.
    public internal(set) var limitReached: UInt64 = 0
    /// Queries that a client's limit cut, by limit.
    private var limited: [4 of UInt64] = .init(repeating: 0)
    /// Questions that were sent upstream, by the number of the zone in ``Policy/zoneLabels``.
    public internal(set) var upstreamQueries: [UInt64] = []
    /// Waits for an upstream that were in vain, by the same number.
    public internal(set) var upstreamTimeouts: [UInt64] = []
    /// Answers of upstreams that may be somebody else's, by why and the same number.
    public internal(set) var doubts: [AnswerDoubt: [UInt64]] = [:]
    /// Answers that were bogus, by the same number.
    public internal(set) var bogus: [UInt64] = []
    /// Records that were left out of answers for where they lead, by the same number.
    public internal(set) var leftOut: [UInt64] = []
    /// Records that were left out of answers since no path leads there just now, by the same number.
    public internal(set) var unrouted: [UInt64] = []
    /// Answers that were over and were given again, by the same number.
    public internal(set) var staleAnswers: [UInt64] = []
    /// Names of private zones that the public was asked for, by ``PublicReason`` and the same number.
    public internal(set) var publicFallbacks: [PublicReason: [UInt64]] = [:]
    /// Answers that told that a network is blocked, by its number in ``Policy/networkLabels``.
    public internal(set) var blockedAnswers: [UInt64] = []

    init() {}

    /// How often a code was answered.
    public func answers(_ code: ResponseCode) -> UInt64 { codes[min(Int(code.rawValue), 23)] }

    @inline(__always)
    mutating func count(_ code: ResponseCode) { codes[min(Int(code.rawValue), 23)] &+= 1 }

    /// How many queries or answers a client's limit cut.
    public func limited(_ limit: ClientLimit) -> UInt64 { limited[limit.rawValue] }

    mutating func count(_ limit: ClientLimit, _ times: UInt64 = 1) { limited[limit.rawValue] &+= times }

    /// Makes room for the counters of a policy's zones and networks.
    mutating func grow(for policy: Policy) {
        func grow(_ counters: inout [UInt64], _ count: Int) {
            while counters.count < count { counters.append(0) }
        }
        grow(&upstreamQueries, policy.zoneLabels.count)
        grow(&upstreamTimeouts, policy.zoneLabels.count)
        for doubt in AnswerDoubt.allCases { grow(&doubts[doubt, default: []], policy.zoneLabels.count) }
        grow(&bogus, policy.zoneLabels.count)
        grow(&leftOut, policy.zoneLabels.count)
        grow(&unrouted, policy.zoneLabels.count)
        grow(&staleAnswers, policy.zoneLabels.count)
        for reason in PublicReason.allCases { grow(&publicFallbacks[reason, default: []], policy.zoneLabels.count) }
        grow(&blockedAnswers, policy.networkLabels.count)
    }

    /// The sum of two workers' counters.
    static func + (left: Tally, right: Tally) -> Tally {
        func sum(_ left: [UInt64], _ right: [UInt64]) -> [UInt64] {
            (0..<max(left.count, right.count)).map {
                ($0 < left.count ? left[$0] : 0) &+ ($0 < right.count ? right[$0] : 0)
            }
        }
        var total = left
        total.datagramQueries &+= right.datagramQueries
        total.streamQueries &+= right.streamQueries
        total.relayedQueries &+= right.relayedQueries
        for index in left.codes.indices { total.codes[index] &+= right.codes[index] }
        total.cacheHits &+= right.cacheHits
        total.cacheMisses &+= right.cacheMisses
        total.prefetches &+= right.prefetches
        total.unheldAnswers &+= right.unheldAnswers
        total.loops &+= right.loops
        total.cacheBytes &+= right.cacheBytes
        total.refused &+= right.refused
        total.staleGenerationDrops &+= right.staleGenerationDrops
        total.limitReached &+= right.limitReached
        for index in left.limited.indices { total.limited[index] &+= right.limited[index] }
        total.upstreamQueries = sum(left.upstreamQueries, right.upstreamQueries)
        total.upstreamTimeouts = sum(left.upstreamTimeouts, right.upstreamTimeouts)
        total.doubts = left.doubts.merging(right.doubts, uniquingKeysWith: sum)
        total.bogus = sum(left.bogus, right.bogus)
        total.leftOut = sum(left.leftOut, right.leftOut)
        total.unrouted = sum(left.unrouted, right.unrouted)
        total.staleAnswers = sum(left.staleAnswers, right.staleAnswers)
        total.publicFallbacks = left.publicFallbacks.merging(right.publicFallbacks, uniquingKeysWith: sum)
        total.blockedAnswers = sum(left.blockedAnswers, right.blockedAnswers)
        return total
    }
}
