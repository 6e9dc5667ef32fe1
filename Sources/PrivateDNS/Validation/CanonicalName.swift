// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// A name by its labels, the root's side first: the order of RFC 4034 section 6.1 is that of these lists.
struct CanonicalName: Hashable, Comparable, Sendable {
    /// Lowered.
    let labels: [[UInt8]]

    static let root = CanonicalName(labels: [])

    init(labels: [[UInt8]]) { self.labels = labels }

    /// - Parameter wire: uncompressed and checked.
    init(_ wire: [UInt8]) {
        var labels: [[UInt8]] = []
        var offset = 0
        while offset < wire.count, wire[offset] > 0 {
            let end = offset + 1 + Int(wire[offset])
            labels.append(wire[offset + 1..<end].map(\.asciiLowered))
            offset = end
        }
        self.labels = labels.reversed()
    }

    /// Reads an uncompressed name inside RDATA; nil where there is none (RFC 4034 section 3.1.7, section 4.1.1).
    init?(in data: [UInt8], at start: Int, end: inout Int) {
        var offset = start
        while offset < data.count, data[offset] > 0 {
            guard data[offset] < 64, offset - start < 255 else { return nil }
            offset += 1 + Int(data[offset])
        }
        guard offset < data.count, offset - start < 255 else { return nil }
        end = offset + 1
        self.init(Array(data[start...offset]))
    }

    /// Uncompressed.
    var wire: [UInt8] { labels.reversed().flatMap { [UInt8($0.count)] + $0 } + [0] }

    /// Whether it is a name or lies below it.
    func isWithin(_ other: CanonicalName) -> Bool { labels.starts(with: other.labels) }

    /// The parent that has so many labels.
    func first(_ count: Int) -> CanonicalName { CanonicalName(labels: Array(labels.prefix(count))) }

    /// The longest name that both lie in.
    func commonParent(_ other: CanonicalName) -> CanonicalName {
        first(zip(labels, other.labels).prefix { $0 == $1 }.count)
    }

    /// The wildcard right below it (RFC 4592).
    var wildcard: CanonicalName { CanonicalName(labels: labels + [[UInt8(ascii: "*")]]) }

    static func < (left: CanonicalName, right: CanonicalName) -> Bool {
        left.labels.lexicographicallyPrecedes(right.labels) { $0.lexicographicallyPrecedes($1) }
    }
}
