// SPDX-License-Identifier: Apache-2.0
// Whatever the octets are, reading them ends, never traps, and a refusal always says why.

import Configuration
import Testing

struct HostileInputTests {
    /// A small generator with a seed (SplitMix64), so that a failure can be repeated.
    private struct Seeded: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
            return mixed ^ (mixed >> 31)
        }
    }

    private func survives(_ octets: [UInt8]) -> Bool {
        do {
            _ = try Configuration.read(octets, file: "f")
            return true
        } catch {
            return !error.diagnostics.isEmpty && error.diagnostics.allSatisfy { !$0.description.contains("\n") }
        }
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func survivesMutatedFiles(seed: UInt64) {
        var random = Seeded(state: seed)
        let original = Array(Example.text.utf8)
        let pieces = [
            "*a", "&a ", "!t ", "- ", "{", "}", "[", "]", ": ", "\"", "'", "\t", "\n", "0x", "-1", "null", "|\n",
        ]
        .map { Array($0.utf8) }
        for _ in 0..<100 {
            var octets = original
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let at = Int.random(in: 0..<octets.count, using: &random)
                switch Int.random(in: 0...4, using: &random) {
                case 0: octets[at] = UInt8.random(in: 0...255, using: &random)
                case 1: octets.removeSubrange(at..<min(octets.count, at + Int.random(in: 1...40, using: &random)))
                case 2: octets.insert(contentsOf: pieces[Int.random(in: 0..<pieces.count, using: &random)], at: at)
                case 3:
                    let from = Int.random(in: 0..<octets.count, using: &random)
                    octets.insert(contentsOf: octets[from..<min(octets.count, from + 80)], at: at)
                default: octets[at] = UInt8(ascii: "0") + UInt8.random(in: 0...9, using: &random)
                }
                if octets.isEmpty { octets = original }
            }
            #expect(survives(octets), "seed \(seed): \(String(decoding: octets, as: UTF8.self))")
        }
    }

    @Test func survivesRandomOctets() {
        var random = Seeded(state: 42)
        for length in 0..<300 {
            let octets = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
            #expect(survives(octets))
            #expect(survives(octets.map { $0 & 0x7f }))
        }
    }

    @Test func survivesEveryPrefixOfAFile() {
        let octets = Array(Example.text.utf8)
        for length in stride(from: 0, to: octets.count, by: 7) {
            #expect(survives(Array(octets.prefix(length))))
        }
    }

    @Test func boundsDepthAndSize() {
        #expect(survives(Array(repeating: UInt8(ascii: "["), count: 100_000)))
        #expect(survives(Array(String(repeating: "{a: ", count: 20_000).utf8)))
        #expect(survives(Array(("a: [" + String(repeating: "1,", count: 150_000) + "]").utf8)))
        #expect(survives(Array((String(repeating: "k", count: 200_000) + ": 1").utf8)))
    }
}
