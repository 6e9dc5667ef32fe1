// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import PathHealth

struct MTUSearchTests {
    /// A way that lets packets of so many octets through, asked by a search.
    private struct Way {
        var search: MTUSearch
        var carries: Int
        var loss = 0.0
        var now = Instant(nanoseconds: 0)
        private(set) var sent: [Int] = []
        private var noise: UInt64 = 7

        init(_ carries: Int, largest: Int = 1440, known: Int? = nil, isMetered: Bool = false, loss: Double = 0) {
            (self.carries, self.loss) = (carries, loss)
            search = MTUSearch(largest: largest, known: known, isMetered: isMetered, now: now)
        }

        mutating func run(for time: Duration) {
            let end = now + time
            while search.nextDeadline <= end {
                now = max(now, search.nextDeadline)
                guard let octets = search.advance(to: now) else { continue }
                sent.append(octets)
                // Knuth's generator (MMIX); its upper bits are the good ones.
                noise = noise &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                let isLost = Double(noise >> 32) < loss * Double(1 << 32)
                if octets <= carries, !isLost { search.answered(octets, at: now + .milliseconds(20)) }
            }
            now = end
        }
    }

    @Test func aWideWayIsConfirmedAndLeftAlone() {
        var way = Way(1500)
        way.run(for: .seconds(60))
        #expect(!way.search.isNarrow)
        #expect(way.sent == Array(repeating: 1440, count: 6), "every ten seconds")
    }

    @Test func aMeteredWayIsConfirmedATenthAsOften() {
        var way = Way(1500, isMetered: true)
        way.run(for: .seconds(300))
        #expect(way.sent.count == 3)
    }

    /// Within a few octets, never above; at once at the base, then upwards.
    @Test(arguments: [1280, 1281, 1300, 1339, 1400, 1436, 1439])
    func aNarrowWayIsMeasured(octets: Int) {
        var way = Way(octets)
        way.run(for: .seconds(6))
        #expect(way.search.carried >= 1280 && way.search.carried <= octets)
        way.run(for: .seconds(30))
        #expect(way.search.carried <= octets && octets - way.search.carried < 8, "\(way.search.carried)")
    }

    @Test func aWayThatNarrowsIsNoticedSoonAndOneThatWidensInTime() {
        var way = Way(1500)
        way.run(for: .seconds(25))
        way.carries = 1340
        way.run(for: .seconds(15))
        #expect(way.search.carried < 1341)
        way.run(for: .seconds(30))
        #expect((1333...1340).contains(way.search.carried))
        way.carries = 1500
        way.run(for: .seconds(620))
        #expect(!way.search.isNarrow)
    }

    /// Such as a host that answers no large echo; and a path that is down.
    @Test(arguments: [0, 1279])
    func whereNotEvenTheBaseGetsThroughNothingIsBelieved(octets: Int) {
        var way = Way(octets)
        way.run(for: .seconds(600))
        #expect(!way.search.isNarrow)
        #expect(Set(way.sent) == [1440, 1280])
    }

    @Test func aCutChangesNothing() {
        var way = Way(1340)
        way.run(for: .seconds(60))
        let found = way.search.carried
        way.carries = 0
        way.run(for: .seconds(3))
        way.search.pause(at: way.now)
        way.run(for: .seconds(120))
        #expect(way.search.carried == found)
        way.carries = 1340
        way.run(for: .seconds(60))
        #expect(way.search.carried == found)
    }

    /// A week at 5 % loss.
    @Test func lossIsNoNarrowness() {
        var way = Way(1500, loss: 0.05)
        for _ in 0..<7 * 24 * 60 {
            way.run(for: .seconds(60))
            #expect(!way.search.isNarrow)
        }
    }

    @Test func whatAnEarlierRunFoundStandsUntilMoreIsShown() {
        var way = Way(1340, known: 1338)
        #expect(way.search.carried == 1338)
        way.run(for: .seconds(30))
        #expect(way.search.carried == 1338, "nothing changes where nothing changed")
        var wider = Way(1500, known: 1338)
        wider.run(for: .seconds(1))
        #expect(!wider.search.isNarrow)
    }

    @Test func whatCannotBeIsTakenForWhatCan() {
        #expect(MTUSearch(largest: 1440, known: 9_000, now: .init(nanoseconds: 0)).carried == 1440)
        #expect(MTUSearch(largest: 1440, known: 3, now: .init(nanoseconds: 0)).carried == 1280)
        #expect(!MTUSearch(largest: 1000, now: .init(nanoseconds: 0)).isNarrow)
    }

    @Test func aStrangeAnswerChangesNothing() {
        var search = MTUSearch(largest: 1440, known: 1300, now: .init(nanoseconds: 0))
        search.answered(1300, at: .init(nanoseconds: 0))
        #expect(search == MTUSearch(largest: 1440, known: 1300, now: .init(nanoseconds: 0)))
        _ = search.advance(to: .init(nanoseconds: 0))
        search.answered(9_000, at: .init(nanoseconds: 1))
        #expect(search.carried == 1300)
    }

    /// Whenever it begins: the echoes that it took are asked for once more before they are believed to be too large.
    @Test(arguments: [1, 2, 3, 4, 6])
    func anOutageIsNoNarrowness(seconds: Int) {
        for phase in 0..<60 {
            var way = Way(1500)
            way.run(for: .seconds(30) + .milliseconds(200 * phase))
            way.carries = 0
            way.run(for: .seconds(seconds))
            way.carries = 1500
            way.run(for: .seconds(30))
            #expect(!way.search.isNarrow, "an outage of \(seconds) s, begun \(phase * 200) ms later")
        }
    }

    @Test func aSearchThatIsCutOffGoesOnAfterwards() {
        var way = Way(1400)
        while !way.search.isNarrow { way.run(for: .milliseconds(20)) }
        way.search.pause(at: way.now)
        way.run(for: .seconds(40))
        #expect((1393...1400).contains(way.search.carried))
    }

    @Test func aLimitJustBelowTheInterfacesEndsWhereMoreGetsThrough() {
        var way = Way(1500, known: 1438)
        way.run(for: .seconds(5))
        #expect(!way.search.isNarrow)
    }
}
