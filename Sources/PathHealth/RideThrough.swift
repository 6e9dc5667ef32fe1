// SPDX-License-Identifier: Apache-2.0

/// How many questions a confirming burst has, so that an outage of a given length does not end a path.
///
/// An outage takes what is sent from a round trip before it on. It may not be the first loss, nor the last one: what the
/// path loses of its own right before it starts the burst too soon to outlast it, and what it loses right after it makes
/// it longer. Strays are reckoned with that come together once in a hundred thousand times: where some of them came
/// before, as many questions as there may still be after the outage have to leave once it is over.
///
///     a stray      the outage's first              burst           the last of the burst
///        |------------------|--------|-|-|-|-|-|-|-|-|-|-|-|-|-|-----|-|-|
///        0       an interval, or the           outage            one for each
///                timeout if that is less     + round trip        stray to come
struct RideThrough {
    /// After this a question counts as missed.
    private let timeout: Duration
    /// Between the questions of the burst.
    private let spacing: Duration
    /// From a first question that the outage takes to the last one, less the timeout that the burst begins after, to be
    /// divided into spacings and rounded up.
    private let reach: Duration
    /// The losses of the path's own.
    private let strays: Int

    private static let rarity = 1e-5
    private static let mostStrays = 5

    /// - Parameters:
    ///   - slack: what of the timeout is more than the round trip.
    ///   - loss: the share of lost packets.
    init(of length: Duration, timeout: Duration, slack: Duration, spacing: Duration, loss: Double) {
        (self.timeout, self.spacing) = (timeout, spacing)
        // An outage takes what is sent up to a round trip before it: what it lasts and the round trip, less the timeout.
        reach = length - slack + spacing - .nanoseconds(1)
        var (count, chance) = (1, loss)
        while chance > Self.rarity, count < Self.mostStrays { (count, chance) = (count + 1, chance * loss) }
        strays = count
    }

    /// The questions that do, with steady ones so far apart: the closer those are, the fewer.
    func burst(after interval: Duration) -> Int {
        var most = 0
        for before in 0..<strays {
            let first = min(interval * before, timeout)
            most = max(most, (first + reach).wholeCount(of: spacing) + strays - before)
            // More strays lie within the burst: they gain a spacing each and cost as much.
            if first == timeout { break }
        }
        return most
    }
}
