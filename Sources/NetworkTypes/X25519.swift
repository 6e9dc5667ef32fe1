// SPDX-License-Identifier: Apache-2.0

/// Scalar multiplication on Curve25519 (RFC 7748 section 5), for the public key of a private one.
///
/// No branch and no place in memory depends on a secret. It is here because BoringSSL, for this one function, would be
/// most of the program that calls it.
enum X25519 {
    /// The base point.
    static let basePoint: [UInt8] = [9] + Array(repeating: 0, count: 31)

    /// Multiplies a point, given by its 32 octets of u-coordinate, with a scalar of 32 octets, which is clamped.
    static func multiply(_ scalar: [UInt8], _ point: [UInt8]) -> [UInt8] {
        var scalar = scalar
        scalar[0] &= 248
        scalar[31] = scalar[31] & 127 | 64

        // The Montgomery ladder of the RFC, by its names.
        let x1 = FieldElement(octets: point)
        var (x2, z2) = (FieldElement.one, FieldElement.zero)
        var (x3, z3) = (x1, FieldElement.one)
        var swap: UInt64 = 0
        for bit in stride(from: 254, through: 0, by: -1) {
            let isSet = UInt64(scalar[bit / 8] >> UInt8(bit % 8)) & 1
            swap ^= isSet
            FieldElement.swap(&x2, &x3, if: swap)
            FieldElement.swap(&z2, &z3, if: swap)
            swap = isSet

            let (a, b) = (x2 + z2, x2 - z2)
            let (aa, bb) = (a * a, b * b)
            let e = aa - bb
            let (da, cb) = ((x3 - z3) * a, (x3 + z3) * b)
            let (sum, difference) = (da + cb, da - cb)
            x3 = sum * sum
            z3 = x1 * (difference * difference)
            x2 = aa * bb
            z2 = e * (aa + e.times(121_665))
        }
        FieldElement.swap(&x2, &x3, if: swap)
        FieldElement.swap(&z2, &z3, if: swap)
        return (x2 * z2.inverse).octets
    }
}

extension WireGuardSecretKey {
    /// The public key of this private key.
    public var publicKey: WireGuardPublicKey {
        guard let key = WireGuardPublicKey(bytes: X25519.multiply(bytes, X25519.basePoint)) else {
            preconditionFailure("a point has 32 octets")
        }
        return key
    }
}

/// A number modulo 2^255 - 19, in five limbs of 51 bits and a little more.
///
/// Products leave limbs under 2^51 + 2^13, sums and differences of those under 2^53.6: that is what a product takes.
private struct FieldElement {
    private var limb0: UInt64
    private var limb1: UInt64
    private var limb2: UInt64
    private var limb3: UInt64
    private var limb4: UInt64

    static let zero = FieldElement(0, 0, 0, 0, 0)
    static let one = FieldElement(1, 0, 0, 0, 0)

    private init(_ limb0: UInt64, _ limb1: UInt64, _ limb2: UInt64, _ limb3: UInt64, _ limb4: UInt64) {
        self.limb0 = limb0
        self.limb1 = limb1
        self.limb2 = limb2
        self.limb3 = limb3
        self.limb4 = limb4
    }

    private static let mask: UInt64 = 1 << 51 - 1

    /// Reads 32 octets, little end first; the highest bit does not count.
    init(octets: [UInt8]) {
        let words = (0..<4).map { word in
            (0..<8).reduce(0) { $0 | UInt64(octets[8 * word + $1]) << UInt64(8 * $1) }
        }
        limb0 = words[0] & Self.mask
        limb1 = (words[0] >> 51 | words[1] << 13) & Self.mask
        limb2 = (words[1] >> 38 | words[2] << 26) & Self.mask
        limb3 = (words[2] >> 25 | words[3] << 39) & Self.mask
        limb4 = (words[3] >> 12) & Self.mask
    }

    /// The 32 octets of the one number under 2^255 - 19 that this stands for.
    var octets: [UInt8] {
        var number = carried.carried
        // Whether it is 2^255 - 19 or more is what adding 19 carries out of the highest limb.
        var carry = (number.limb0 &+ 19) >> 51
        carry = (number.limb1 &+ carry) >> 51
        carry = (number.limb2 &+ carry) >> 51
        carry = (number.limb3 &+ carry) >> 51
        carry = (number.limb4 &+ carry) >> 51
        number.limb0 &+= 19 &* carry
        number = number.carriedUp
        let words = [
            number.limb0 | number.limb1 << 51, number.limb1 >> 13 | number.limb2 << 38,
            number.limb2 >> 26 | number.limb3 << 25, number.limb3 >> 39 | number.limb4 << 12,
        ]
        return words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(8 * $0)) } }
    }

    /// The same number, what is over 51 bits of a limb moved to the next; out of the highest it is dropped.
    private var carriedUp: FieldElement {
        var number = self
        number.limb1 &+= number.limb0 >> 51
        number.limb2 &+= number.limb1 >> 51
        number.limb3 &+= number.limb2 >> 51
        number.limb4 &+= number.limb3 >> 51
        return FieldElement(
            number.limb0 & Self.mask,
            number.limb1 & Self.mask,
            number.limb2 & Self.mask,
            number.limb3 & Self.mask,
            number.limb4 & Self.mask
        )
    }

    /// The same number modulo 2^255 - 19: what the highest limb carries out comes back as 19 times as much.
    private var carried: FieldElement {
        let top = limb3 &+ (limb2 &+ (limb1 &+ limb0 >> 51) >> 51) >> 51
        var number = carriedUp
        number.limb0 &+= 19 &* ((limb4 &+ top >> 51) >> 51)
        return number
    }

    /// Swaps two numbers where the condition is 1, and does as much where it is 0.
    static func swap(_ left: inout FieldElement, _ right: inout FieldElement, if condition: UInt64) {
        let mask = 0 &- condition
        let difference = FieldElement(
            (left.limb0 ^ right.limb0) & mask,
            (left.limb1 ^ right.limb1) & mask,
            (left.limb2 ^ right.limb2) & mask,
            (left.limb3 ^ right.limb3) & mask,
            (left.limb4 ^ right.limb4) & mask
        )
        left.formExclusiveOr(difference)
        right.formExclusiveOr(difference)
    }

    private mutating func formExclusiveOr(_ other: FieldElement) {
        limb0 ^= other.limb0
        limb1 ^= other.limb1
        limb2 ^= other.limb2
        limb3 ^= other.limb3
        limb4 ^= other.limb4
    }

    static func + (left: FieldElement, right: FieldElement) -> FieldElement {
        FieldElement(
            left.limb0 &+ right.limb0,
            left.limb1 &+ right.limb1,
            left.limb2 &+ right.limb2,
            left.limb3 &+ right.limb3,
            left.limb4 &+ right.limb4
        )
    }

    /// Four times 2^255 - 19 is added, so that no limb goes below zero.
    static func - (left: FieldElement, right: FieldElement) -> FieldElement {
        FieldElement(
            left.limb0 &+ (1 << 53 - 76) &- right.limb0,
            left.limb1 &+ (1 << 53 - 4) &- right.limb1,
            left.limb2 &+ (1 << 53 - 4) &- right.limb2,
            left.limb3 &+ (1 << 53 - 4) &- right.limb3,
            left.limb4 &+ (1 << 53 - 4) &- right.limb4
        )
    }

    static func * (left: FieldElement, right: FieldElement) -> FieldElement {
        let (a0, a1, a2, a3, a4) = left.wide
        let (b0, b1, b2, b3, b4) = right.wide
        // What is worth 2^255 and more counts 19 times at the other end.
        let (c1, c2, c3, c4) = (19 &* b1, 19 &* b2, 19 &* b3, 19 &* b4)
        return FieldElement(
            reducing: a0 &* b0 &+ a1 &* c4 &+ a2 &* c3 &+ a3 &* c2 &+ a4 &* c1,
            a0 &* b1 &+ a1 &* b0 &+ a2 &* c4 &+ a3 &* c3 &+ a4 &* c2,
            a0 &* b2 &+ a1 &* b1 &+ a2 &* b0 &+ a3 &* c4 &+ a4 &* c3,
            a0 &* b3 &+ a1 &* b2 &+ a2 &* b1 &+ a3 &* b0 &+ a4 &* c4,
            a0 &* b4 &+ a1 &* b3 &+ a2 &* b2 &+ a3 &* b1 &+ a4 &* b0
        )
    }

    /// The product with a small number.
    func times(_ factor: UInt64) -> FieldElement {
        let (a0, a1, a2, a3, a4) = wide
        let factor = UInt128(truncatingIfNeeded: factor)
        return FieldElement(reducing: a0 &* factor, a1 &* factor, a2 &* factor, a3 &* factor, a4 &* factor)
    }

    private var wide: (UInt128, UInt128, UInt128, UInt128, UInt128) {
        (
            UInt128(truncatingIfNeeded: limb0), UInt128(truncatingIfNeeded: limb1), UInt128(truncatingIfNeeded: limb2),
            UInt128(truncatingIfNeeded: limb3), UInt128(truncatingIfNeeded: limb4)
        )
    }

    /// Carries what is over 51 bits to the next limb, twice around.
    private init(reducing sum0: UInt128, _ sum1: UInt128, _ sum2: UInt128, _ sum3: UInt128, _ sum4: UInt128) {
        let sum1 = sum1 &+ sum0 >> 51
        let sum2 = sum2 &+ sum1 >> 51
        let sum3 = sum3 &+ sum2 >> 51
        let sum4 = sum4 &+ sum3 >> 51
        limb0 = UInt64(truncatingIfNeeded: sum0) & Self.mask &+ 19 &* UInt64(truncatingIfNeeded: sum4 >> 51)
        limb1 = UInt64(truncatingIfNeeded: sum1) & Self.mask &+ limb0 >> 51
        limb0 &= Self.mask
        limb2 = UInt64(truncatingIfNeeded: sum2) & Self.mask
        limb3 = UInt64(truncatingIfNeeded: sum3) & Self.mask
        limb4 = UInt64(truncatingIfNeeded: sum4) & Self.mask
    }

    /// The inverse: the power with exponent 2^255 - 21 (Fermat); zero for zero. The exponent is no secret.
    var inverse: FieldElement {
        var power = self
        // 2^255 - 21 has 255 bits, all set but those of 4 and of 16.
        for bit in stride(from: 253, through: 0, by: -1) {
            power = power * power
            if bit != 2, bit != 4 { power = power * self }
        }
        return power
    }
}
