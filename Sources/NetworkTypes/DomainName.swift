// SPDX-License-Identifier: Apache-2.0

/// A domain name (RFC 1035 section 3.1), absolute, held in wire form with ASCII letters in lower case.
///
/// Equality and hashing are therefore case-insensitive as RFC 4343 asks. Labels are any octets.
public struct DomainName: Hashable, Sendable {
    /// Uncompressed wire form: length-prefixed labels and the root's zero octet; 1 to 255 octets.
    public let wire: [UInt8]

    /// The root.
    public static let root = DomainName(uncheckedWire: [0])

    init(uncheckedWire: [UInt8]) {
        wire = uncheckedWire
    }

    /// Takes uncompressed wire form and lowers its letters; nil where it is not exactly one well-formed name.
    public init?(wire: some Collection<UInt8>) {
        var lowered = Array(wire)
        guard (1...255).contains(lowered.count) else { return nil }
        var index = 0
        while lowered[index] != 0 {
            let end = index + 1 + Int(lowered[index])
            guard lowered[index] <= 63, end < lowered.count else { return nil }
            for octet in index + 1..<end { lowered[octet] = lowered[octet].asciiLowered }
            index = end
        }
        guard index == lowered.count - 1 else { return nil }
        self.wire = lowered
    }

    /// The labels, leftmost first, without the root.
    public var labels: [ArraySlice<UInt8>] {
        var labels: [ArraySlice<UInt8>] = []
        var index = 0
        while wire[index] != 0 {
            let end = index + 1 + Int(wire[index])
            labels.append(wire[index + 1..<end])
            index = end
        }
        return labels
    }

    /// The name without its leftmost label; nil for the root.
    public var parent: DomainName? {
        guard wire[0] != 0 else { return nil }
        return DomainName(uncheckedWire: Array(wire[(1 + Int(wire[0]))...]))
    }

    /// Whether the name is the other or lies below it.
    public func isWithin(_ other: DomainName) -> Bool {
        var name = self
        while name.wire.count > other.wire.count, let parent = name.parent { name = parent }
        return name == other
    }
}

extension DomainName: TextValue {
    /// Presentation form with the root's dot; special octets escaped as RFC 1035 section 5.1 says.
    public var description: String {
        wire == [0] ? "." : labels.map { Self.presentation($0) + "." }.joined()
    }

    /// Presentation form as people type host names: without the root's dot, but for the root itself.
    public var withoutRootDot: String {
        wire == [0] ? "." : labels.map(Self.presentation).joined(separator: ".")
    }

    private static func presentation(_ label: ArraySlice<UInt8>) -> String {
        label.reduce(into: "") { text, octet in
            switch octet {
            case UInt8(ascii: "."), UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: ";"), UInt8(ascii: "@"),
                UInt8(ascii: "$"), UInt8(ascii: "("), UInt8(ascii: ")"):
                text += "\\" + String(UnicodeScalar(octet))
            case 0x21...0x7e: text.unicodeScalars.append(UnicodeScalar(octet))
            default:
                let digits = String(octet)
                text += "\\" + String(repeating: "0", count: 3 - digits.count) + digits
            }
        }
    }

    /// Parses presentation form, with or without the root's dot; `\.` and `\DDD` escapes are understood.
    public init?(_ description: String) {
        guard description != "." else {
            self = .root
            return
        }
        var wire: [UInt8] = []
        var label: [UInt8] = []
        var octets = description.utf8.makeIterator()
        while let octet = octets.next() {
            if octet == UInt8(ascii: ".") {
                guard (1...63).contains(label.count) else { return nil }
                wire += [UInt8(label.count)] + label
                label = []
            } else if octet == UInt8(ascii: "\\") {
                guard let escaped = Self.escaped(&octets) else { return nil }
                label.append(escaped)
            } else {
                label.append(octet)
            }
        }
        if !label.isEmpty {
            guard label.count <= 63 else { return nil }
            wire += [UInt8(label.count)] + label
        }
        guard !wire.isEmpty else { return nil }
        self.init(wire: wire + [0])
    }

    private static func escaped(_ octets: inout String.UTF8View.Iterator) -> UInt8? {
        guard let first = octets.next() else { return nil }
        guard let hundreds = digit(first) else { return first }
        guard let tens = octets.next().flatMap(digit), let ones = octets.next().flatMap(digit) else { return nil }
        return UInt8(exactly: hundreds * 100 + tens * 10 + ones)
    }

    private static func digit(_ octet: UInt8) -> Int? {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(octet) ? Int(octet - UInt8(ascii: "0")) : nil
    }
}

extension UInt8 {
    /// The octet with an ASCII capital letter lowered (RFC 4343).
    public var asciiLowered: UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) ? self | 0x20 : self
    }
}
