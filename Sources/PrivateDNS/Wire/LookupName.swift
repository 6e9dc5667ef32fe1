// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// Keyed by a number drawn at start, so that nobody outside can aim at one bucket of a table.
let nameHashSeed = UInt64.random(in: .min ... .max)

/// A name lowered and hashed once, for all look-ups that it is part of: zone, record, cache.
///
/// Labels are hashed from the root on, so that the hash of each parent is known on the way to the whole. It is
/// room that is used again for every query: 255 octets are not cleared each time.
struct LookupName: ~Copyable {
    private var octets = [UInt8](repeating: 0, count: 256)
    private var starts = [UInt8](repeating: 0, count: 128)
    private var hashes = [UInt64](repeating: 0, count: 129)
    /// Octets of the name, the root's zero included.
    private(set) var count = 1
    /// Labels of the name, without the root.
    private(set) var labelCount = 0

    init() {}

    init(_ name: [UInt8]) {
        take(name.span, at: 0, count: name.count)
    }

    /// The whole name, lowered.
    var wire: Span<UInt8> {
        @_lifetime(borrow self) get { octets.span.extracting(first: count) }
    }

    /// The hash of the whole name.
    var hash: UInt64 { hashes[labelCount] }

    /// The hash of the parent that has so many labels.
    func hash(ofLast labels: Int) -> UInt64 { hashes[labels] }

    /// Where the parent that has so many labels begins.
    func start(ofLast labels: Int) -> Int { labels == 0 ? count - 1 : Int(starts[labelCount - labels]) }

    /// Takes a name that has been checked and is not compressed.
    mutating func take(_ message: Span<UInt8>, at offset: Int, count: Int) {
        self.count = count
        labelCount = Self.lower(message.extracting(offset..<offset + count), &octets, &starts)
        Self.hash(octets, starts, labelCount, end: count - 1, &hashes)
    }

    private static func lower(_ name: Span<UInt8>, _ octets: inout [UInt8], _ starts: inout [UInt8]) -> Int {
        var labels = 0
        var next = 0
        var octets = octets.mutableSpan
        var starts = starts.mutableSpan
        for index in 0..<name.count {
            let octet = name[index]
            if index == next, octet != 0 {
                starts[labels] = UInt8(truncatingIfNeeded: index)
                labels += 1
                next = index + Int(octet) + 1
            }
            octets[index] = octet.asciiLowered
        }
        return labels
    }

    private static func hash(
        _ octets: [UInt8],
        _ starts: [UInt8],
        _ labels: Int,
        end: Int,
        _ hashes: inout [UInt64]
    ) {
        let octets = octets.span
        var hashes = hashes.mutableSpan
        var hash = nameHashSeed
        var end = end
        hashes[0] = hash
        for label in 0..<labels {
            let start = Int(starts[labels - 1 - label])
            // FNV-1a over the label, its length included.
            for index in start..<end { hash = (hash ^ UInt64(octets[index])) &* 0x0000_0100_0000_01b3 }
            hashes[label + 1] = hash ^ hash >> 29
            end = start
        }
    }

    /// Whether the parent with so many labels is the other name, which is lowered.
    func last(_ labels: Int, equals other: Span<UInt8>) -> Bool {
        let start = start(ofLast: labels)
        guard count - start == other.count else { return false }
        let octets = octets.span
        for index in 0..<other.count where octets[start + index] != other[index] { return false }
        return true
    }
}

/// Finds a number by a name's hash: open addressing, laid out once.
struct NameIndex: Sendable {
    private var slots: [Int32]
    private var hashes: [UInt64]

    /// Lays out names; the number of each is its position.
    init(_ names: [[UInt8]]) {
        var size = 8
        while size < names.count * 2 { size *= 2 }
        slots = Array(repeating: -1, count: size)
        hashes = Array(repeating: 0, count: size)
        var room = LookupName()
        for (number, name) in names.enumerated() {
            room.take(name.span, at: 0, count: name.count)
            let hash = room.hash
            var slot = Int(truncatingIfNeeded: hash) & (size - 1)
            while slots[slot] >= 0 { slot = (slot + 1) & (size - 1) }
            slots[slot] = Int32(number)
            hashes[slot] = hash
        }
    }

    /// Calls the test with each number whose name has this hash until it says yes.
    @inline(__always)
    func find(_ hash: UInt64, where matches: (Int) -> Bool) -> Int? {
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot] >= 0 {
            if hashes[slot] == hash, matches(Int(slots[slot])) { return Int(slots[slot]) }
            slot = (slot + 1) & mask
        }
        return nil
    }
}
