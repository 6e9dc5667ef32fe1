// SPDX-License-Identifier: Apache-2.0
// A filter as the classic BPF program that the kernel runs at each system call (linux/filter.h, linux/seccomp.h).

import CLinux

extension SystemCallFilter {
    /// One instruction: struct sock_filter.
    public struct Instruction: Hashable, Sendable {
        /// What it does.
        public let code: UInt16
        /// How many instructions a comparison that holds skips.
        public let whenTrue: UInt8
        /// How many one that does not hold skips.
        public let whenFalse: UInt8
        /// What it does it with.
        public let operand: UInt32

        init(_ code: Int32, _ operand: UInt32, whenTrue: Int = 0, whenFalse: Int = 0) {
            self.code = UInt16(code)
            self.whenTrue = UInt8(whenTrue)
            self.whenFalse = UInt8(whenFalse)
            self.operand = operand
        }
    }

    /// The architecture that this is built for, as the kernel names it to a filter: its ELF number, 64 bits, low octet
    /// first.
    public static var architecture: UInt32 {
        #if arch(x86_64)
            UInt32(EM_X86_64) | 0xc000_0000
        #elseif arch(arm64)
            UInt32(EM_AARCH64) | 0xc000_0000
        #else
            #error("the numbers of this architecture's system calls have not been looked at")
        #endif
    }

    /// The program. A call of another architecture, under which numbers mean other calls, ends the process.
    public var program: [Instruction] {
        var program = [
            Self.load(Self.architectureOffset),
            Instruction(BPF_JMP | BPF_JEQ | BPF_K, Self.architecture, whenTrue: 1),
            Self.return(.endProcess),
            Self.load(Self.numberOffset),
        ]
        #if arch(x86_64)
            // The x32 ABI comes with the same architecture and a bit in the number. Nobody uses it.
            program += [
                Instruction(BPF_JMP | BPF_JGE | BPF_K, 0x4000_0000, whenFalse: 1), Self.return(.fail(ENOSYS)),
            ]
        #endif
        for rule in rules {
            let body = Self.body(of: rule)
            program.append(Instruction(BPF_JMP | BPF_JEQ | BPF_K, rule.call, whenFalse: body.count))
            program += body
        }
        program.append(Self.return(otherwise))
        return program
    }

    // struct seccomp_data: i32 number, u32 architecture, u64 instruction pointer, u64 arguments, low word first.
    private static let numberOffset: UInt32 = 0
    private static let architectureOffset: UInt32 = 4
    private static let argumentsOffset: UInt32 = 16

    /// What comes behind the comparison of the number. It always returns, so the number is still loaded for the next.
    private static func body(of rule: Rule) -> [Instruction] {
        guard let condition = rule.condition else { return [`return`(rule.answer)] }
        let comparisons = condition.values.enumerated().map { index, value in
            let rest = condition.values.count - 1 - index
            return Instruction(BPF_JMP | BPF_JEQ | BPF_K, value, whenTrue: rest + 1)
        }
        return [
            load(argumentsOffset + 8 * UInt32(condition.argument)),
            Instruction(BPF_ALU | BPF_AND | BPF_K, condition.mask),
        ] + comparisons + [`return`(rule.otherwise), `return`(rule.answer)]
    }

    private static func load(_ offset: UInt32) -> Instruction {
        Instruction(BPF_LD | BPF_W | BPF_ABS, offset)
    }

    private static func `return`(_ answer: Answer) -> Instruction {
        let value =
            switch answer {
            case .allow: SECCOMP_RET_ALLOW
            case .fail(let code): SECCOMP_RET_ERRNO | UInt32(code) & SECCOMP_RET_DATA
            case .endProcess: SECCOMP_RET_KILL_PROCESS
            }
        return Instruction(BPF_RET | BPF_K, value)
    }
}
