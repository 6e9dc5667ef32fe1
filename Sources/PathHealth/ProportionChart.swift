// SPDX-License-Identifier: Apache-2.0

/// Tells, one observation after the other, whether a share has risen above a limit: Page's CUSUM test (Biometrika 41,
/// 1954) of "half the limit's odds" against four worse ones at once, kept as products of likelihood ratios.
///
/// A share above the limit is found after the fewest observations that its distance from the limit allows, a share
/// below it hardly ever raises the chart: not once in `alarmEvery` observations at half the odds (Lorden, Ann. Math.
/// Stat. 42, 1971). It falls when a thousand to one speaks for a share below.
package struct ProportionChart: Hashable, Sendable, Codable {
    /// What one observation changes, for each of the worse shares.
    private let hit: SIMD4<Double>
    private let miss: SIMD4<Double>
    private let threshold: Double
    private var evidence = SIMD4<Double>(repeating: 1)
    private var evidenceOfFall = 1.0
    /// Since the evidence for a rise began.
    private var hits = 0
    private var count = 0
    /// The share when the chart rose, since the rise began; nil while it is low.
    package private(set) var raised: Double?

    private static let fallThreshold = 1_000.0

    package init(limit: Double, alarmEvery: Double) {
        let odds = limit / (1 - limit)
        let worse = odds * SIMD4(2, 8, 32, 128)
        let (low, high) = (odds / 2 / (1 + odds / 2), worse / (1 + worse))
        hit = high / low
        miss = (1 - high) / (1 - low)
        threshold = alarmEvery * 4
    }

    package mutating func take(_ isHit: Bool) {
        if evidence[0] <= 1 { (hits, count) = (0, 0) }
        count += 1
        if isHit { hits += 1 }
        let ratio = isHit ? hit : miss
        if raised == nil {
            evidence = pointwiseMax(evidence, SIMD4(repeating: 1)) * ratio
            guard evidence.max() >= threshold else { return }
            raised = Double(hits) / Double(count)
            evidenceOfFall = 1
        } else {
            evidenceOfFall = max(evidenceOfFall, 1) / ratio[0]
            guard evidenceOfFall >= Self.fallThreshold else { return }
            raised = nil
            evidence = SIMD4(repeating: 1)
        }
    }
}
