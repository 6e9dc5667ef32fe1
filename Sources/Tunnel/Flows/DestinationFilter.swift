// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes

/// A program by which the kernel tells of those connections alone whose other end is in one of some prefixes (`struct
/// inet_diag_bc_op`, linux/inet_diag.h): a busy host has thousands that are none of ours.
///
///     is it in the first?   no: behind the jump   yes: the jump, to the end: told
///     is it in the second?  …
///     is it in the last?    no: 4 octets behind the end: not told   yes: the end
enum DestinationFilter {
    /// The kernel tries one prefix after the other with each connection, and checks every jump with each question.
    static let limit = 64

    /// The program; nil where there are so many prefixes that all is better told.
    static func program(_ prefixes: [IPPrefix]) -> [UInt8]? {
        guard prefixes.count <= limit else { return nil }
        var program: [UInt8] = []
        // From its end: each jump is as far as what follows is long.
        for prefix in prefixes.reversed() {
            let condition = condition(prefix)
            let length = headLength + condition.count
            if program.isEmpty {
                program = head(INET_DIAG_BC_D_COND, yes: length, no: length + headLength) + condition
            } else {
                let jump = head(INET_DIAG_BC_JMP, yes: headLength, no: headLength + program.count)
                program = head(INET_DIAG_BC_D_COND, yes: length, no: length + jump.count) + condition + jump + program
            }
        }
        return program
    }

    private static let headLength = MemoryLayout<inet_diag_bc_op>.size

    /// How far it is to what comes next, from the beginning of this.
    private static func head(_ code: Int, yes: Int, no: Int) -> [UInt8] {
        let no = UInt16(truncatingIfNeeded: no)
        return [UInt8(truncatingIfNeeded: code), UInt8(truncatingIfNeeded: yes)]
            + (unsafe withUnsafeBytes(of: no) { unsafe Array($0) })
    }

    /// `struct inet_diag_hostcond`: family, length of the prefix, and, from the fourth octet on, the port, where -1 is any.
    /// One of IPv4 holds for IPv4 within IPv6 as well.
    private static func condition(_ prefix: IPPrefix) -> [UInt8] {
        [prefix.family.kernelNumber, UInt8(truncatingIfNeeded: prefix.length), 0, 0, 0xff, 0xff, 0xff, 0xff]
            + prefix.address.bytes
    }
}
