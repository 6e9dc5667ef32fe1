// SPDX-License-Identifier: Apache-2.0

/// The fewest observations that any test needs to find that a share of losses has risen, for how seldom it errs.
///
/// Among all tests that err no more often, Page's CUSUM of the two shares has the least mean delay in the worst case
/// (Lorden, Ann. Math. Stat. 42, 1971, in the limit; Moustakides, Ann. Stat. 14, 1986, exactly). Both of its run lengths
/// are those of a Markov chain (Brook and Evans, Biometrika 59, 1972), and here they are exact: the higher share is taken
/// such that one loss weighs just as much as a whole number of answers (Reynolds and Stoumbos, J. Qual. Technol. 31,
/// 1999), so that the evidence walks on whole numbers.
package struct OptimalTest: Sendable {
    /// The share before the change.
    package let low: Double
    /// The share after it.
    package let high: Double
    /// The answers that outweigh one loss.
    let weight: Int

    /// Takes the higher share that a loss of this weight belongs to.
    package init(low: Double, weight: Int) {
        self.low = low
        self.weight = weight
        /// The likelihood ratio of one loss and of so many answers: one at the lower share and at the one wanted, and the
        /// most in between, where one packet of them all is lost.
        func balance(_ high: Double) -> Double {
            (0..<weight).reduce(high / low) { product, _ in product * (1 - high) / (1 - low) }
        }
        var (under, over) = (1 / Double(weight + 1), 1.0)
        for _ in 0..<200 {
            let middle = (under + over) / 2
            if balance(middle) > 1 { under = middle } else { over = middle }
        }
        high = (under + over) / 2
    }

    /// The mean number of observations until the evidence reaches a threshold, from none, at a share.
    ///
    /// The chain's equations `x[s] = 1 + share * x[s + weight] + (1 - share) * x[max(s - 1, 0)]` reach down by one only, so
    /// each length is a line in that of the next lower state, and one sweep from the top solves them.
    package func runLength(threshold: Int, share: Double) -> Double {
        // x[s] = slope[s] * x[s - 1] + offset[s]
        var slope = [Double](repeating: 0, count: threshold)
        var offset = [Double](repeating: 0, count: threshold)
        for state in stride(from: threshold - 1, through: 0, by: -1) {
            // x[state + weight] as a line in x[state].
            var (factor, rest) = (0.0, 0.0)
            if state + weight < threshold {
                (factor, rest) = (1, 0)
                for above in (state + 1)...(state + weight) {
                    (factor, rest) = (factor * slope[above], rest * slope[above] + offset[above])
                }
            }
            if state == 0 { return (1 + share * rest) / (share - share * factor) }
            let scale = 1 / (1 - share * factor)
            slope[state] = (1 - share) * scale
            offset[state] = (1 + share * rest) * scale
        }
        return 0
    }

    /// The least mean delay of any test that errs no more often than once in so many observations.
    package func leastDelay(alarmEvery: Double) -> Double {
        var threshold = 1
        while runLength(threshold: threshold + 1, share: low) <= alarmEvery { threshold += 1 }
        return runLength(threshold: threshold, share: high)
    }
}
