// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import NetworkTypes

/// The vectors of RFC 7748.
struct X25519Tests {
    private static func octets(_ text: String) -> [UInt8] {
        let digits = text.compactMap { $0.hexDigitValue.map(UInt8.init) }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    /// Section 5.2.
    @Test(arguments: [
        (
            "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
            "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
            "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"
        ),
        (
            "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
            "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
            "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957"
        ),
    ])
    func multipliesAPoint(scalar: String, point: String, product: String) {
        #expect(X25519.multiply(Self.octets(scalar), Self.octets(point)) == Self.octets(product))
    }

    /// Section 5.2: each result is the next scalar, each scalar the next point.
    @Test func multipliesAThousandTimes() {
        var (scalar, point) = (X25519.basePoint, X25519.basePoint)
        for round in 1...1_000 {
            (scalar, point) = (X25519.multiply(scalar, point), scalar)
            if round == 1 {
                #expect(scalar == Self.octets("422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"))
            }
        }
        #expect(scalar == Self.octets("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51"))
    }

    /// Both sides of an exchange come to the same, whatever the scalars (section 6.1).
    @Test func comesToTheSameFromBothSides() {
        let scalars = ([0, 1, 7, 8, 127, 128, 254, 255] as [UInt8]).map { [UInt8](repeating: $0, count: 32) }
        let points = scalars.map { X25519.multiply($0, X25519.basePoint) }
        for one in scalars.indices {
            for other in scalars.indices {
                #expect(X25519.multiply(scalars[one], points[other]) == X25519.multiply(scalars[other], points[one]))
            }
        }
    }

    /// 2^255 - 10 is 9 modulo the prime; the highest bit does not count (section 5).
    @Test func takesPointsInEveryForm() {
        let scalar = [UInt8](repeating: 3, count: 32)
        let expected = X25519.multiply(scalar, X25519.basePoint)
        #expect(X25519.multiply(scalar, [0xf6] + Array(repeating: 0xff, count: 30) + [0x7f]) == expected)
        #expect(X25519.multiply(scalar, [9] + Array(repeating: 0, count: 30) + [0x80]) == expected)
    }

    /// Points of small order come to zero (section 6.1).
    @Test(arguments: [0, 1, 0xec, 0xed, 0xee] as [UInt8]) func comesToZeroFromPointsOfSmallOrder(lowest: UInt8) {
        // 0 and 1, and 2^255 - 20, - 19 and - 18, which are -1, 0 and 1.
        let rest: [UInt8] = lowest < 2 ? Array(repeating: 0, count: 31) : Array(repeating: 0xff, count: 30) + [0x7f]
        #expect(X25519.multiply([UInt8](repeating: 5, count: 32), [lowest] + rest).allSatisfy { $0 == 0 })
    }
}
