// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO

/// Walks through segments, one after the other, and says where something is missing between them.
public struct JournalWalk: Sequence, IteratorProtocol {
    /// What is met on the way.
    public enum Step: Hashable, Sendable {
        /// A segment begins; `follows` where it goes on from the one before with nothing missing.
        case segment(JournalHeader, follows: Bool)
        /// A record, and what the wall clock showed, in nanoseconds since 1970.
        case entry(JournalEntry, wallNanoseconds: Int64)
        /// A file, or its rest, cannot be read; the walk goes on with the next one.
        case unreadable(file: String, why: String)
    }

    private var segments: ArraySlice<JournalDirectory.Segment>
    private var reader: JournalReader?
    private var file = ""
    private var number: UInt64 = 0
    /// The run whose records were read to the end of the last segment, and that segment's number.
    private var whole: (run: UInt64, number: UInt64)?
    /// Two clocks at one moment.
    private var moment = (at: Instant(nanoseconds: 0), wall: Int64(0))

    /// Walks through these, in this order.
    public init(_ segments: [JournalDirectory.Segment]) {
        self.segments = segments[...]
    }

    /// The next step; nil at the end.
    public mutating func next() -> Step? {
        while true {
            guard reader != nil else { return open() }
            do throws(JournalError) {
                if let entry = try reader?.next() { return step(entry) }
                whole = reader.flatMap { $0.torn == 0 ? ($0.header.run, number) : nil }
                reader = nil
            } catch {
                (whole, reader) = (nil, nil)
                return .unreadable(file: file, why: error.description)
            }
        }
    }

    private mutating func open() -> Step? {
        guard let segment = segments.popFirst() else { return nil }
        (file, number) = (segment.file, segment.number)
        do {
            let new = try JournalReader(try Files.read(file, limit: JournalDirectory.readLimit))
            let isNext = whole.map { $0 == (new.header.run, number &- 1) } ?? false
            reader = new
            moment = (new.header.at, new.header.wallNanoseconds)
            return .segment(new.header, follows: isNext && new.header.beginning == .continued)
        } catch {
            whole = nil
            return .unreadable(file: file, why: "\(error)")
        }
    }

    private mutating func step(_ entry: JournalEntry) -> Step {
        if case .wall(let shown) = entry.record { moment = (entry.at, shown) }
        return .entry(entry, wallNanoseconds: moment.wall + (entry.at.nanoseconds - moment.at.nanoseconds))
    }
}
