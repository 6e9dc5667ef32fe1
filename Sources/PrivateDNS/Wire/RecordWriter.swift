// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// Puts uncompressed records behind a question, compressing owners, and CNAME targets, against all that is there.
///
/// What an upstream compressed is never relayed: each answer is written anew, so its pointers are ours.
struct RecordWriter {
    /// The octets of a message whose header is still zero.
    private(set) var message: [UInt8]
    private let bodyStart: Int
    /// Where a name or the rest of one begins, for those that a pointer can reach.
    private var names: [(name: ArraySlice<UInt8>, offset: Int)] = []
    private var lengths: [UInt8] = []
    /// The owner that was written last: the records of a set have the same one.
    private var lastOwner: (name: ArraySlice<UInt8>, offset: Int)?
    /// How many more names are looked for among those. Honest answers need few; in others names are written out.
    private var patience = 512
    /// Where TTLs lie, from the start of the body.
    private(set) var ttlOffsets: [UInt16] = []

    /// Begins behind the question for a name in uncompressed form.
    init(question name: [UInt8], type: RecordType) {
        message = Array(repeating: 0, count: MessageSize.header) + name
        message.append(type.rawValue)
        message.append(internetClass)
        bodyStart = message.count
        note(name[...], at: MessageSize.header)
    }

    /// What stands behind the question.
    var body: [UInt8] { Array(message[bodyStart...]) }

    /// Appends all of a list of uncompressed records.
    mutating func append(_ records: [UInt8]) {
        var offset = 0
        while offset < records.count {
            let owner = Self.name(in: records, at: offset)
            let fixed = offset + owner.count
            let type = RecordType(rawValue: records.span.uint16(at: fixed))
            let length = Int(records.span.uint16(at: fixed + 8))
            let end = fixed + 10 + length
            putOwner(owner)
            ttlOffsets.append(UInt16(truncatingIfNeeded: message.count + 4 - bodyStart))
            if type == .cname {
                message += records[fixed..<fixed + 10]
                putTarget(records[fixed + 10..<end])
            } else {
                message += records[fixed..<end]
            }
            offset = end
        }
    }

    /// Puts the target of an alias, and its length into the two octets before it.
    private mutating func putTarget(_ target: ArraySlice<UInt8>) {
        let start = message.count
        put(target)
        let written = message.count - start
        message[start - 2] = UInt8(truncatingIfNeeded: written >> 8)
        message[start - 1] = UInt8(truncatingIfNeeded: written)
    }

    private static func name(in records: [UInt8], at start: Int) -> ArraySlice<UInt8> {
        var offset = start
        while records[offset] != 0 { offset += Int(records[offset]) + 1 }
        return records[start...offset]
    }

    private mutating func putOwner(_ owner: ArraySlice<UInt8>) {
        if let lastOwner, Self.same(lastOwner.name, owner) { return message.append(0xc000 | UInt16(lastOwner.offset)) }
        let offset = message.count
        put(owner)
        // The root is shorter than a pointer to it, and a pointer has 14 bits.
        lastOwner = owner.count > 1 && offset < 0x4000 ? (owner, offset) : nil
    }

    private mutating func put(_ name: ArraySlice<UInt8>) {
        var rest = name
        while let length = rest.first, length != 0, patience > 0 {
            if let known = find(rest) {
                note(name, at: message.count, upTo: rest.startIndex - name.startIndex)
                message += name[..<rest.startIndex]
                message.append(0xc000 | UInt16(known.offset))
                return
            }
            rest = rest.dropFirst(Int(length) + 1)
        }
        note(name, at: message.count)
        message += name
    }

    private mutating func find(_ name: ArraySlice<UInt8>) -> (name: ArraySlice<UInt8>, offset: Int)? {
        patience -= 1
        for index in lengths.indices where lengths[index] == name.count {
            if Self.same(names[index].name, name) { return names[index] }
            patience -= 1
        }
        return nil
    }

    private static func same(_ left: ArraySlice<UInt8>, _ right: ArraySlice<UInt8>) -> Bool {
        let (left, right) = (left.span, right.span)
        guard left.count == right.count else { return false }
        for index in 0..<left.count where left[index] != right[index] {
            guard left[index].asciiLowered == right[index].asciiLowered else { return false }
        }
        return true
    }

    /// Remembers the names that begin in the first octets of a name that is written at an offset.
    private mutating func note(_ name: ArraySlice<UInt8>, at offset: Int, upTo count: Int = .max) {
        var rest = name
        while rest.startIndex - name.startIndex < count, let length = rest.first, length != 0 {
            let position = offset + rest.startIndex - name.startIndex
            // A pointer has 14 bits, and a long answer gains little from more names than these.
            guard position < 0x4000, names.count < 64 else { return }
            names.append((rest, position))
            lengths.append(UInt8(rest.count))
            rest = rest.dropFirst(Int(length) + 1)
        }
    }
}
