// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Tunnel

struct XFRMStatisticsTests {
    @Test func readsTheKernelsOwn() throws {
        let statistics = try XFRMStatistics.read()
        #expect(statistics.counts.keys.count(where: { $0.meaning != nil }) >= 26)
        #expect(statistics.counts[.inNoStates] != nil && statistics.counts[.acquireError] != nil)
        #expect(statistics.growth(since: statistics).isEmpty)
    }

    @Test func keepsWhatIsUnknownAndLeavesOutWhatIsNoCounter() {
        let text = """
            XfrmInNoStates          \t5
            XfrmOfTomorrow\t7
            XfrmInError -1
            XfrmInError
            XfrmOutError 18446744073709551616
            XfrmInHdrError 3 4
            Other 3

            XfrmOutPolDead 18446744073709551615
            """
        #expect(
            XFRMStatistics(text: text.utf8).counts
                == [
                    .inNoStates: 5, XFRMCounter(rawValue: "XfrmOfTomorrow"): 7,
                    XFRMCounter(rawValue: "XfrmOutPolDead"): .max,
                ]
        )
        #expect(XFRMStatistics(text: []).counts.isEmpty)
    }

    @Test func growsFromANewBaselineWhereACounterWentBack() {
        func counts(_ states: UInt64, _ sequence: UInt64) -> XFRMStatistics {
            XFRMStatistics(text: "XfrmInNoStates \(states)\nXfrmInStateSeqError \(sequence)\n".utf8)
        }
        let none = XFRMStatistics(text: [])
        #expect(counts(5, 0).growth(since: none).packets == [.inNoStates: 5])
        #expect(counts(7, 9).growth(since: counts(5, 9)).packets == [.inNoStates: 2])
        #expect(counts(1, 9).growth(since: counts(5, 8)).packets == [.inStateSeqError: 1])
        #expect(counts(3, 9).growth(since: counts(1, 9)).packets == [.inNoStates: 2])
        #expect(none.growth(since: counts(5, 5)).isEmpty)
    }

    @Test func saysWhatHappenedMostFirst() {
        let growth = XFRMGrowth([.inStateSeqError: 1, .inNoStates: 12, XFRMCounter(rawValue: "XfrmOfTomorrow"): 12])
        #expect(
            growth.explanations == [
                "the peer uses an SPI that we do not have: its association is older or newer than ours "
                    + "(XfrmInNoStates, 12 packets)",
                "XfrmOfTomorrow grew by 12 packets",
                "packets came in replayed or badly reordered: the replay window does not hold them "
                    + "(XfrmInStateSeqError, 1 packet)",
            ]
        )
    }

    /// Of each of the kernel's it was considered what it takes to be worth a look; a new one is shown until that was done.
    @Test func weighsWhatGrew() {
        #expect(XFRMCounter.inStateProtoError.weight == .fault)
        #expect(XFRMCounter.inTemplateMismatch.weight == .fault)
        #expect(XFRMCounter.inNoStates.weight == .unsettled)
        #expect(XFRMCounter.acquireError.weight == .unsettled)
        #expect(XFRMCounter.outPolicyBlock.weight == .kept)
        #expect(XFRMCounter(rawValue: "XfrmOfTomorrow").weight == .fault)
    }
}
