// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import Tunnel

struct DestinationFilterTests {
    @Test func asksAsTheKernelReadsIt() {
        let prefixes = ["10.20.0.0/16", "fd00:20::/48"].map(Sample.prefix)
        #expect(
            DestinationFilter.program(prefixes) == [
                8, 16, 20, 0,  // D_COND: yes, the jump; no, behind it
                2, 16, 0, 0, 0xff, 0xff, 0xff, 0xff,  // AF_INET, /16, any port
                10, 20, 0, 0,
                1, 4, 32, 0,  // JMP, to the end
                8, 28, 32, 0,  // D_COND: yes, the end; no, four behind it
                10, 48, 0, 0, 0xff, 0xff, 0xff, 0xff,  // AF_INET6, /48, any port
                0xfd, 0, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            ]
        )
    }

    /// What the kernel makes of a program (inet_diag_bc_run).
    private static func lets(_ address: IPAddress, through program: [UInt8]) throws -> Bool {
        var rest = program[...]
        while rest.count >= 4 {
            let (code, yes) = (rest[rest.startIndex], Int(rest[rest.startIndex + 1]))
            let no = Int(UInt16(hostOrder: rest.dropFirst(2)))
            var isTrue = false
            if code == 8 {
                let condition = rest.dropFirst(4)
                let octets = condition.dropFirst(8).prefix(condition.first == 2 ? 4 : 16)
                let prefix = try #require(
                    IPAddress(bytes: octets).flatMap {
                        IPPrefix(holding: $0, length: Int(condition[condition.startIndex + 1]))
                    }
                )
                isTrue = prefix.contains(address)
            }
            let step = isTrue ? yes : no
            guard step <= rest.count else { return false }
            rest = rest.dropFirst(step)
        }
        return rest.isEmpty
    }

    @Test func letsThroughWhatIsInAPrefixAndNothingElse() throws {
        for count in [1, 2, 3, 17, DestinationFilter.limit] {
            let prefixes = try (0..<count).map { index in
                let address: IPAddress =
                    index % 2 == 0
                    ? .v4(IPv4Address(bits: .random(in: 0...UInt32.max)))
                    : .v6(IPv6Address(bits: .random(in: 0...UInt128.max)))
                return try #require(IPPrefix(holding: address, length: .random(in: 1...24)))
            }
            let program = try #require(DestinationFilter.program(prefixes))
            for _ in 0..<200 {
                let chosen = prefixes.randomElement()?.address ?? .v4(IPv4Address(bits: 0))
                let flip = UInt128(1) << Int.random(in: 0..<chosen.family.width)
                let address = IPAddress(family: chosen.family, bits: chosen.bits ^ flip)
                let isInside = prefixes.contains { $0.contains(address) }
                #expect(try Self.lets(address, through: program) == isInside, "\(address) \(prefixes)")
            }
        }
        #expect(DestinationFilter.program(Array(repeating: Sample.prefix("10.0.0.0/8"), count: 65)) == nil)
    }
}
