// SPDX-License-Identifier: Apache-2.0

import SystemIO
import Testing

struct SystemCallFilterTests {
    private typealias Filter = SystemCallFilter

    private func words(_ filter: SystemCallFilter) -> [[UInt32]] {
        filter.program.map { [UInt32($0.code), UInt32($0.whenTrue), UInt32($0.whenFalse), $0.operand] }
    }

    /// What the kernel gets, by the numbers of linux/bpf_common.h and linux/seccomp.h.
    @Test func encodesAProgram() {
        let filter = Filter(
            [
                Filter.Rule(7, .allow),
                Filter.Rule(
                    41,
                    allowedWhere: Filter.Condition(argument: 2, mask: 0xff, isOneOf: [2, 10]),
                    otherwise: .fail(97)
                ),
            ],
            otherwise: .endProcess
        )
        var expected: [[UInt32]] = [
            [0x20, 0, 0, 4],  // load the architecture
            [0x15, 1, 0, Filter.architecture],  // ours: go on
            [0x06, 0, 0, 0x8000_0000],  // another: end the process
            [0x20, 0, 0, 0],  // load the number
        ]
        #if arch(x86_64)
            expected += [
                [0x35, 0, 1, 0x4000_0000],  // below the bit of x32: go on
                [0x06, 0, 0, 0x0005_0026],  // ENOSYS
            ]
        #endif
        expected += [
            [0x15, 0, 1, 7],  // call 7, or on behind its answer
            [0x06, 0, 0, 0x7fff_0000],  // allow
            [0x15, 0, 6, 41],  // call 41
            [0x20, 0, 0, 32],  // load the low half of argument 2: 16 + 2 x 8
            [0x54, 0, 0, 0xff],  // and the mask
            [0x15, 2, 0, 2],  // 2: to the last of these
            [0x15, 1, 0, 10],  // 10: the same
            [0x06, 0, 0, 0x0005_0061],  // error 97
            [0x06, 0, 0, 0x7fff_0000],  // allow
            [0x06, 0, 0, 0x8000_0000],  // what has no rule: end the process
        ]
        #expect(words(filter) == expected)
    }
}
