// SPDX-License-Identifier: Apache-2.0

import CLinux
import Journal
import NetworkTypes
import PathHealth
import SystemIO
import Testing

struct ReplayTests {
    /// Replays segments that lie in a directory.
    private func replay(_ segments: [[UInt8]], numbers: [UInt64]? = nil) throws -> Replay {
        let directory = JournalDirectory("/tmp/pnetd-journal-\(UInt64.random(in: 0 ... .max))")
        let numbers = numbers ?? segments.indices.map { UInt64($0) + 1 }
        try Files.makeDirectory(directory.path)
        defer {
            for number in numbers { try? Files.remove(directory.segment(number).file) }
            unsafe rmdir(directory.path)
        }
        for (number, octets) in zip(numbers, segments) {
            try Files.replace(directory.segment(number).file, with: octets)
        }
        var replay = Replay()
        for step in JournalWalk(try directory.segments()) { replay.take(step) }
        replay.finish()
        return replay
    }

    @Test(arguments: 0..<30 as Range<UInt64>)
    func aReplayFromTheBeginningEqualsTheLiveRunBitForBit(seed: UInt64) throws {
        let chaos = Chaos(seed: seed, steps: 600)
        // The state at the end, as an agent leaves it that ends in peace.
        let end = JournalEntry(at: chaos.now, record: .state(chaos.core))
        let replay = try replay([Chaos.octets(chaos.entries + [end], Chaos.header(.run))])
        #expect(replay.differences.isEmpty)
        #expect(replay.states == 1)
        #expect(replay.decisions > 0 && replay.verdicts > 0)
        #expect(replay.inputs + replay.verdicts + replay.decisions == chaos.entries.count)
    }

    /// Cuts a run into segments at inputs, as the agent does: each later one begins with the state.
    private func segments(of chaos: Chaos, each length: Int) throws -> [[UInt8]] {
        var segments: [[UInt8]] = []
        var part: [JournalEntry] = []
        var start = Chaos.start
        for (entry, state) in zip(chaos.entries, chaos.states) {
            if part.count >= length, case .told = entry.record {
                segments.append(try Chaos.octets(part, Chaos.header(segments.isEmpty ? .run : .continued, at: start)))
                part = [JournalEntry(at: entry.at, record: .state(state))]
                start = entry.at
            }
            part.append(entry)
        }
        segments.append(try Chaos.octets(part, Chaos.header(.continued, at: start)))
        return segments
    }

    @Test(arguments: 0..<10 as Range<UInt64>)
    func aReplayFromAnySegmentEqualsTheLiveRunBitForBit(seed: UInt64) throws {
        let all = try segments(of: Chaos(seed: seed, steps: 600), each: 100)
        try #require(all.count > 4)
        for first in all.indices {
            let replay = try replay(Array(all[first...]))
            #expect(replay.differenceCount == 0)
            #expect(replay.skipped == 0)
            #expect(replay.states == all.count - first - 1, "each next state came out of the segment before")
        }
    }

    @Test func whatIsMissingIsNotHeldAgainstTheCore() throws {
        var all = try segments(of: Chaos(seed: 5, steps: 900), each: 100)
        // The writer was killed in the middle of one, a disk was at fault in another, and a third is gone.
        all[1] = all[1].dropLast(3)
        all[3][all[3].count / 2] ^= 1
        all.remove(at: 5)
        let numbers = (1...UInt64(all.count) + 1).filter { $0 != 6 }
        let replay = try replay(all, numbers: numbers)
        #expect(replay.differences == [])
        #expect(replay.inputs > 100)
    }

    @Test func whatDiffersIsSaid() throws {
        let chaos = Chaos(seed: 6, steps: 600)
        var entries = chaos.entries
        // A decision that was the last word of its moment: what was said behind it would differ as well.
        let index = try #require(
            entries.indices.dropLast().last { index in
                guard case .said(.decided) = entries[index].record else { return false }
                if case .said = entries[index + 1].record { return false }
                return true
            }
        )
        let lost = entries.remove(at: index)
        guard case .said(let action) = lost.record else { return }
        let replay = try replay([Chaos.octets(entries, Chaos.header(.run))])
        #expect(replay.differences.map(\.kind) == [.said(live: nil, replayed: action)])
        let passed = lost.at - Chaos.start
        #expect(replay.differences.first?.wallNanoseconds == Chaos.wall + passed.nanoseconds)
    }

    @Test func aStateThatDiffersIsSaidAndGoneOnWith() throws {
        let chaos = Chaos(seed: 7, steps: 300)
        let other = JournalEntry(at: chaos.now, record: .state(Chaos(seed: 8, steps: 300).core))
        let replay = try replay([Chaos.octets(chaos.entries + [other, other], Chaos.header(.run))])
        #expect(replay.differences.map(\.kind) == [.state])
        #expect(replay.states == 1)
    }

    @Test func eventsHaveTheTimeThatTheClockShowed() throws {
        let set = JournalEntry(at: Chaos.start + .seconds(5), record: .wall(nanoseconds: 77_000_000_000))
        let after = JournalEntry(at: Chaos.start + .seconds(7), record: .told(.time))
        let path = "/tmp/pnetd-journal-\(UInt64.random(in: 0 ... .max))"
        defer { try? Files.remove(path) }
        try Files.replace(path, with: Chaos.octets([set, after], Chaos.header(.run)))
        let times = JournalWalk([.init(file: path)]).compactMap { step in
            if case .entry(_, let wall) = step { wall } else { nil }
        }
        #expect(times == [77_000_000_000, 79_000_000_000])
    }
}
