// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes

/// Asks the kernel many times a second which interfaces carry something, and for nothing else: the flags are read where
/// they stand in the answer (rtnetlink(7)).
final class CarrierQuestions {
    private let transport: any NetlinkTransport
    private var sequence: UInt32 = 0

    init(over transport: any NetlinkTransport) {
        self.transport = transport
    }

    /// Whether an interface is up and has a carrier; false where it is not there or where the kernel does not say.
    func isCarrying(_ name: InterfaceName) -> Bool {
        sequence &+= 1
        var question = LinkMessages.get(name)
        question.address(sequence: sequence)
        guard (try? transport.send(question.bytes)) != nil else { return false }
        // An answer that came too late for an earlier question may still wait.
        for _ in 0..<4 {
            guard let answer = try? transport.receive() else { return false }
            // struct nlmsghdr: u32 length, u16 type, u16 flags, u32 sequence, u32 port; struct ifinfomsg: flags at 8.
            guard answer.count >= 28, UInt32(hostOrder: answer[8...]) == sequence else { continue }
            guard UInt16(hostOrder: answer[4...]) == UInt16(RTM_NEWLINK) else { return false }
            return LinkMessages.carries(flags: UInt32(hostOrder: answer[24...]))
        }
        return false
    }
}
