// SPDX-License-Identifier: Apache-2.0

/// An IPv6 address (RFC 4291) without a zone.
public struct IPv6Address: Hashable, Sendable {
    /// The 128 bits, most significant group first when written as a number.
    public var bits: UInt128

    /// Makes an address from its 128 bits in host byte order.
    public init(bits: UInt128) {
        self.bits = bits
    }

    /// Parses the text forms of RFC 4291 section 2.2, the mixed form with a dotted-decimal tail included.
    public init?(_ text: some StringProtocol) {
        var text = text[...]
        var tail: [UInt16] = []
        if text.utf8.contains(UInt8(ascii: ".")) {
            guard let colon = text.lastIndex(of: ":"),
                let embedded = IPv4Address(text[text.index(after: colon)...])
            else { return nil }
            tail = [UInt16(truncatingIfNeeded: embedded.bits >> 16), UInt16(truncatingIfNeeded: embedded.bits)]
            text = text[...colon]
            if !text.hasSuffix("::") { text = text.dropLast() }
        }
        guard let groups = Self.groups(text, tail: tail) else { return nil }
        bits = groups.reduce(0) { $0 << 16 | UInt128($1) }
    }

    private static func groups<S: StringProtocol>(_ text: S, tail: [UInt16]) -> [UInt16]? {
        var halves: [[UInt16]] = [[]]
        var rest = text[...]
        while let gap = rest.firstRange(of: "::") {
            guard halves.count == 1, let head = plainGroups(rest[..<gap.lowerBound]) else { return nil }
            halves = [head, []]
            rest = rest[gap.upperBound...]
        }
        guard let last = plainGroups(rest) else { return nil }
        halves[halves.count - 1] = last + tail
        guard halves.count == 2 else { return halves[0].count == 8 ? halves[0] : nil }
        let missing = 8 - halves[0].count - halves[1].count
        guard missing >= 1 else { return nil }
        return halves[0] + Array(repeating: 0, count: missing) + halves[1]
    }

    private static func plainGroups(_ text: some StringProtocol) -> [UInt16]? {
        guard !text.isEmpty else { return [] }
        var groups: [UInt16] = []
        for part in text.split(separator: ":", omittingEmptySubsequences: false) {
            guard (1...4).contains(part.utf8.count), part.first != "+", let group = UInt16(part, radix: 16) else {
                return nil
            }
            groups.append(group)
        }
        return groups
    }

    /// The sixteen octets in network order.
    public var bytes: [UInt8] {
        (0..<16).map { UInt8(truncatingIfNeeded: bits >> (120 - 8 * $0)) }
    }
}

extension IPv6Address: CustomStringConvertible, LosslessStringConvertible, Comparable {
    /// The canonical text of RFC 5952: lower case, the longest run of zero groups shortened.
    public var description: String {
        let groups = (0..<8).map { UInt16(truncatingIfNeeded: bits >> (112 - 16 * $0)) }
        func hex(_ range: Range<Int>) -> String {
            range.map { String(groups[$0], radix: 16) }.joined(separator: ":")
        }
        guard let gap = Self.longestZeroRun(groups) else { return hex(0..<8) }
        return hex(0..<gap.lowerBound) + "::" + hex(gap.upperBound..<8)
    }

    private static func longestZeroRun(_ groups: [UInt16]) -> Range<Int>? {
        var best: Range<Int>?
        var start = 0
        for index in 0...8 where index == 8 || groups[index] != 0 {
            if index - start > max(1, best?.count ?? 0) { best = start..<index }
            start = index + 1
        }
        return best
    }

    /// Parses the text forms of RFC 4291 section 2.2.
    public init?(_ description: String) {
        self.init(description[...])
    }

    /// By number.
    public static func < (left: Self, right: Self) -> Bool {
        left.bits < right.bits
    }
}
