// SPDX-License-Identifier: Apache-2.0

import SystemIO

/// Runs a filter as the kernel does (bpf(4) as of 1993; linux/filter.h), as far as filters of system calls go.
enum ClassicBPF {
    /// struct seccomp_data, as 32-bit words.
    struct SystemCall {
        let words: [UInt32]

        init(number: UInt32, architecture: UInt32, arguments: [UInt64]) {
            let padded = arguments + Array(repeating: 0, count: 6 - arguments.count)
            // The instruction pointer lies between.
            words =
                [number, architecture, 0, 0]
                + padded.flatMap { [UInt32(truncatingIfNeeded: $0), UInt32(truncatingIfNeeded: $0 >> 32)] }
        }
    }

    /// What is no such program.
    enum Fault: Error {
        case code(UInt16)
        case ranOff
        case unalignedLoad
    }

    static func run(_ program: [SystemCallFilter.Instruction], on call: SystemCall) throws -> UInt32 {
        var accumulator: UInt32 = 0
        var next = 0
        while next < program.count {
            let instruction = program[next]
            next += 1
            switch instruction.code {
            case 0x20:  // ld word at an offset
                guard instruction.operand % 4 == 0, Int(instruction.operand / 4) < call.words.count else {
                    throw Fault.unalignedLoad
                }
                accumulator = call.words[Int(instruction.operand / 4)]
            case 0x54: accumulator &= instruction.operand
            case 0x15:  // jeq
                next += Int(accumulator == instruction.operand ? instruction.whenTrue : instruction.whenFalse)
            case 0x35:  // jge
                next += Int(accumulator >= instruction.operand ? instruction.whenTrue : instruction.whenFalse)
            case 0x06: return instruction.operand
            default: throw Fault.code(instruction.code)
            }
        }
        throw Fault.ranOff
    }
}
