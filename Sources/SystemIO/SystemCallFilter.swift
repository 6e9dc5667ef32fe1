// SPDX-License-Identifier: Apache-2.0

import CLinux

/// Which system calls a process may make from now on, and what becomes of the others (seccomp(2)).
///
/// This is the mechanism; who may do what is said where that process is at home.
public struct SystemCallFilter: Hashable, Sendable {
    /// What becomes of a call.
    public enum Answer: Hashable, Sendable {
        /// It is made.
        case allow
        /// It is not made and fails with this error number.
        case fail(Int32)
        /// The process ends at once, by SIGSYS, so that whoever started it sees why.
        case endProcess
    }

    /// What an argument has to be. Only its low 32 bits count.
    public struct Condition: Hashable, Sendable {
        let argument: Int
        let mask: UInt32
        let values: [UInt32]

        /// Holds where the argument, from 0, is one of the values in the bits of the mask.
        public init(argument: Int, mask: UInt32 = .max, isOneOf values: [UInt32]) {
            precondition((0..<6).contains(argument) && values.count < 200, "a condition fits into a jump")
            self.argument = argument
            self.mask = mask
            self.values = values
        }
    }

    /// What becomes of one call.
    public struct Rule: Hashable, Sendable {
        let call: UInt32
        let condition: Condition?
        let answer: Answer
        let otherwise: Answer

        /// A call that always gets the same answer.
        public init(_ call: Int32, _ answer: Answer) {
            self.call = UInt32(bitPattern: call)
            condition = nil
            self.answer = answer
            otherwise = answer
        }

        /// A call that is made where the condition holds.
        public init(_ call: Int32, allowedWhere condition: Condition, otherwise: Answer) {
            self.call = UInt32(bitPattern: call)
            self.condition = condition
            answer = .allow
            self.otherwise = otherwise
        }
    }

    let rules: [Rule]
    let otherwise: Answer

    /// Makes a filter. The first rule for a call decides; a call without one gets the last answer.
    ///
    /// Since Linux 5.11 a call that is always allowed costs nothing; the others go through the rules in order.
    public init(_ rules: [Rule], otherwise: Answer) {
        self.rules = rules
        self.otherwise = otherwise
    }

    /// Puts the filter in force, for all threads of the process and all that they start, for good.
    ///
    /// No program that is started can gain privilege from then on: the kernel asks for that.
    public func install() throws(SystemError) {
        guard pn_prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 else { throw .last("set no_new_privs") }
        var program = program.map { sock_filter(code: $0.code, jt: $0.whenTrue, jf: $0.whenFalse, k: $0.operand) }
        let result = unsafe program.withUnsafeMutableBufferPointer { instructions in
            var face = unsafe sock_fprog(len: UInt16(instructions.count), filter: instructions.baseAddress)
            let flags = UInt32(truncatingIfNeeded: SECCOMP_FILTER_FLAG_TSYNC)
            return unsafe pn_seccomp(UInt32(SECCOMP_SET_MODE_FILTER), flags, &face)
        }
        guard result == 0 else { throw .last("restrict system calls") }
    }
}
