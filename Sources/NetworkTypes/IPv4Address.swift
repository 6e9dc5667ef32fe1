// SPDX-License-Identifier: Apache-2.0

/// An IPv4 address (RFC 791), held in host byte order.
public struct IPv4Address: Hashable, Sendable {
    /// The 32 bits, most significant octet first when written as a number.
    public var bits: UInt32

    /// Makes an address from its 32 bits in host byte order.
    public init(bits: UInt32) {
        self.bits = bits
    }

    /// Parses dotted-decimal text; four plain decimal octets and nothing else (RFC 6943 section 3.1.1, strict form).
    public init?(_ text: some StringProtocol) {
        let octets = Array(text.utf8)
        self.init(utf8: octets.span)
    }

    /// Parses the same text, given as its octets.
    public init?(utf8 text: Span<UInt8>) {
        var bits: UInt32 = 0
        var octets = 0
        var start = 0
        for place in 0...text.count where place == text.count || text[place] == UInt8(ascii: ".") {
            guard octets < 4, let octet = Decimal.number(text.extracting(start..<place), upTo: 255) else { return nil }
            bits = bits << 8 | UInt32(octet)
            octets += 1
            start = place + 1
        }
        guard octets == 4 else { return nil }
        self.bits = bits
    }

    /// The four octets in network order.
    public var bytes: [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: bits >> (24 - 8 * $0)) }
    }
}

extension IPv4Address: CustomStringConvertible, LosslessStringConvertible, Comparable {
    /// Dotted decimal.
    public var description: String {
        "\(bits >> 24).\(bits >> 16 & 0xff).\(bits >> 8 & 0xff).\(bits & 0xff)"
    }

    /// Parses dotted decimal.
    public init?(_ description: String) {
        self.init(description[...])
    }

    /// By number.
    public static func < (left: Self, right: Self) -> Bool {
        left.bits < right.bits
    }
}

/// Plain decimal numbers: digits only, no sign, no leading zero.
enum Decimal {
    static func number(_ digits: some Collection<UInt8>, upTo limit: Int) -> Int? {
        let digits = Array(digits)
        return number(digits.span, upTo: limit)
    }

    static func number(_ digits: Span<UInt8>, upTo limit: Int) -> Int? {
        guard !digits.isEmpty, digits.count == 1 || digits[0] != UInt8(ascii: "0") else { return nil }
        var value = 0
        for place in digits.indices {
            let digit = digits[place]
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            value = value * 10 + Int(digit - UInt8(ascii: "0"))
            guard value <= limit else { return nil }
        }
        return value
    }
}
