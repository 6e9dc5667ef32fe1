// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import Testing

@testable import Tunnel

struct CarrierQuestionTests {
    private static let name = Sample.interface("eth0")

    private func ask(_ answers: [[UInt8]]) -> Bool {
        CarrierQuestions(over: ScriptedKernel(answers)).isCarrying(Self.name)
    }

    /// An answer of the kernel's to the question with a number: a struct ifinfomsg with these flags.
    private func answer(_ flags: UInt32, sequence: UInt32 = 1, type: Int32 = Int32(RTM_NEWLINK)) -> [UInt8] {
        let octets = (0..<4).map { UInt8(truncatingIfNeeded: flags >> (8 * $0)) }
        return ScriptedKernel.message(type, sequence: sequence, [0, 0, 1, 0, 2, 0, 0, 0] + octets + [0, 0, 0, 0])
    }

    private static let up = UInt32(IFF_UP)
    private static let lowerUp = UInt32(IFF_LOWER_UP.rawValue)

    @Test func itCarriesWhereItIsUpAndHasACarrier() {
        #expect(ask([answer(Self.up | Self.lowerUp)]))
        #expect(!ask([answer(Self.up)]))
        #expect(!ask([answer(Self.lowerUp)]))
    }

    @Test func whatWasAskedBeforeIsPassedOver() {
        #expect(ask([answer(0, sequence: 0), answer(Self.up | Self.lowerUp)]))
    }

    @Test func nothingIsMadeOfAnErrorOrOfHalfAnAnswer() {
        #expect(!ask([answer(Self.up | Self.lowerUp, type: Int32(NLMSG_ERROR))]))
        #expect(!ask([Array(answer(Self.up | Self.lowerUp).prefix(27))]))
        #expect(!ask([]))
    }
}
