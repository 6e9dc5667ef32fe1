// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import Journal
import NetworkTypes
import PathHealth
import SystemIO

/// Writes down what the core is told and what it says, in segments of a bounded length and number.
///
/// Nothing of it is needed to go on: where it cannot be written, that is said and counted, and tried again after a while
/// with a new segment. What was written before a crash can be read up to its last second.
final class AgentJournal {
    /// How much may be kept.
    struct Limits {
        /// Octets behind the beginning of a segment, when the next one is begun.
        var segment = 8 << 20
        /// Octets of all segments together; the oldest leave.
        var total = 64 << 20
        /// How many segments.
        var count = 256
    }

    /// The segment that is written to.
    private struct Segment: ~Copyable {
        var writer: JournalWriter
        var file: GrowingFile
        /// How long it was when all that it begins with was in it.
        var beginning = 0

        mutating func flush() throws(SystemError) {
            try writer.flush { (block) throws(SystemError) in try file.append(block) }
        }
    }

    /// How long records may wait in memory, and how many octets of them.
    private static let patience = Duration.seconds(1)
    private static let bufferLimit = 64 << 10
    /// Between attempts where writing failed.
    static let retryPause = Duration.seconds(60)
    /// How far the two clocks may part before that is written down.
    private static let clockTolerance: Int64 = 50_000_000

    private let directory: JournalDirectory
    private let limits: Limits
    private let loop: EventLoop
    private let clock: any TimeSource
    /// Told what went wrong, or, with nil, that it is right again.
    var report: ((any Error)?) -> Void = { _ in }

    private let run = UInt64.random(in: 0 ... .max)
    private var segment: Segment?
    /// How the next segment begins.
    private var beginning = JournalHeader.Beginning.run
    private var retry: Instant?
    private var isFlushScheduled = false
    private var isOver = false
    /// What the wall clock showed, less the other.
    private var wallOffset: Int64 = 0

    /// Octets written.
    private(set) var octets: UInt64 = 0
    /// Records that could not be written.
    private(set) var lost: UInt64 = 0

    init(in directory: JournalDirectory, limits: Limits = Limits(), on loop: EventLoop, clock: any TimeSource) {
        self.directory = directory
        self.limits = limits
        self.loop = loop
        self.clock = clock
    }

    /// The one way to the core: nothing reaches it, and nothing comes out, that is not written down.
    func tell(_ input: CoreInput, to core: inout HealthCore, at now: Instant) -> [Action] {
        guard !isOver else { return core.take(input, at: now) }
        makeRoom(core, now)
        note(.told(input), now)
        let actions = core.take(input, at: now)
        var isDecision = false
        for action in actions where action.isSaid {
            note(.said(action), now)
            if case .decided = action { isDecision = true }
        }
        if isDecision || segment?.writer.octets ?? 0 >= Self.bufferLimit { flush() } else { scheduleFlush() }
        return actions
    }

    /// Ends the journal of this run with the core's state, so that a replay has all of it to compare.
    func end(_ core: HealthCore, at now: Instant) {
        guard segment != nil else { return }
        note(.state(core), now)
        flush()
        segment = nil
        isOver = true
    }

    private func note(_ record: JournalRecord, _ now: Instant) {
        guard segment != nil else { return lost += 1 }
        do throws(JournalError) {
            try segment?.writer.add(record, at: now)
        } catch {
            lost += 1
            giveUp(error)
        }
    }

    private func scheduleFlush() {
        guard !isFlushScheduled, segment != nil else { return }
        isFlushScheduled = true
        loop.schedule(inStepEvery: Self.patience) { [weak self] in
            guard let self else { return }
            isFlushScheduled = false
            noteClock()
            flush()
        }
    }

    /// Somebody may have set the clock; events have the time that was shown when they happened.
    private func noteClock() {
        guard segment != nil else { return }
        let now = loop.now
        let offset = clock.wallNanoseconds - now.nanoseconds
        guard abs(offset - wallOffset) > Self.clockTolerance else { return }
        wallOffset = offset
        note(.wall(nanoseconds: offset + now.nanoseconds), now)
    }

    private func flush() {
        let before = segment?.file.size ?? 0
        do throws(SystemError) {
            try segment?.flush()
            octets += UInt64((segment?.file.size ?? before) - before)
        } catch {
            giveUp(error)
        }
    }

    /// Lets go of the segment; what waits is lost.
    private func giveUp(_ error: any Error) {
        lost += UInt64(segment?.writer.waiting ?? 0)
        segment = nil
        beginning = .resumed
        retry = loop.now + Self.retryPause
        report(error)
    }

    /// Begins a segment where there is none, or where the last one is long enough.
    private func makeRoom(_ core: HealthCore, _ now: Instant) {
        if let size = segment?.file.size, let start = segment?.beginning, size - start < limits.segment { return }
        flush()
        if let retry, now < retry { return }
        do {
            try beginSegment(core, now)
            beginning = .continued
            retry = nil
            report(nil)
        } catch {
            giveUp(error)
        }
    }

    private func beginSegment(_ core: HealthCore, _ now: Instant) throws {
        let file = directory.segment(try makeRoomOnDisk()).file
        let wall = clock.wallNanoseconds
        wallOffset = wall - now.nanoseconds
        var writer = try JournalWriter(
            JournalHeader(version: Version.text, run: run, beginning: beginning, at: now, wallNanoseconds: wall)
        )
        if beginning != .run { try writer.add(.state(core), at: now) }
        var new = Segment(writer: writer, file: try GrowingFile(creating: file))
        do throws(SystemError) {
            try new.flush()
        } catch {
            try? Files.remove(file)
            throw error
        }
        new.beginning = new.file.size
        octets += UInt64(new.beginning)
        segment = consume new
    }

    /// Removes the oldest segments until a new one may be as long as it likes; its number.
    private func makeRoomOnDisk() throws(SystemError) -> UInt64 {
        try Files.makeDirectory(directory.path, mode: 0o700)
        var segments: [(segment: JournalDirectory.Segment, size: Int)] = []
        for segment in try directory.segments() {
            segments.append((segment, (try? Files.status(of: segment.file).size) ?? 0))
        }
        let next = (segments.last?.segment.number ?? 0) &+ 1
        var total = segments.reduce(0) { $0 + $1.size }
        for (segment, size) in segments where total > limits.total - limits.segment || segments.count >= limits.count {
            try Files.remove(segment.file)
            segments.removeFirst()
            total -= size
        }
        return next
    }
}
