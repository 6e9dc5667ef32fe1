// SPDX-License-Identifier: Apache-2.0

import CLinux
import Journal
import NetworkTypes
import PathHealth
import Synchronization
import SystemIO
import Testing

@testable import pnetd

/// What the agent writes down of its core, and what it does where it cannot.
struct AgentJournalTests {
    /// A clock that goes when it is told to.
    private final class HandClock: TimeSource {
        private let time = Mutex(Instant(nanoseconds: 1_000_000_000_000))

        var now: Instant { time.withLock { $0 } }
        var wallNanoseconds: Int64 { 1_767_413_106_000_000_000 + now.nanoseconds }
        func pass(_ duration: Duration) { time.withLock { $0 = $0 + duration } }
    }

    /// An agent's core and its journal, and a far end that answers every probe.
    private struct Run {
        let clock = HandClock()
        let journal: AgentJournal
        var core = HealthCore()

        init(_ directory: JournalDirectory, _ limits: AgentJournal.Limits = AgentJournal.Limits()) throws {
            let loop = try EventLoop(clock: clock)
            journal = AgentJournal(in: directory, limits: limits, on: loop, clock: clock)
        }

        mutating func begin() throws {
            let path = try #require(PathName("vpn-a"))
            let policy = NetworkPolicy(
                network: try #require(NetworkName("azure")),
                paths: [path],
                targets: [.icmp(.v4(IPv4Address(bits: 0x0a14_0004)))],
                need: .any,
                promise: DetectionPromise(within: .seconds(1)),
                failback: .manual,
                whenDown: .block
            )
            tell(.policies([policy], adopting: [:]))
            tell(.evidence(.condition(path, .ready)))
        }

        /// Lets the path be lost and found, so often.
        mutating func toggle(_ times: Int) throws {
            let path = try #require(PathName("vpn-a"))
            for _ in 0..<times {
                tell(.evidence(.condition(path, .unusable(.refused("no")))))
                tell(.evidence(.condition(path, .ready)))
                while core.report.first?.decision.outcome.path == nil, let next = core.nextDeadline {
                    clock.pass(max(next - clock.now, .zero))
                    tell(.time)
                }
            }
        }

        private mutating func tell(_ input: CoreInput) {
            clock.pass(.milliseconds(20))
            for action in journal.tell(input, to: &core, at: clock.now) {
                if case .send(let probe) = action { tell(.evidence(.answer(probe))) }
            }
        }
    }

    private func inDirectory(_ body: (JournalDirectory) throws -> Void) throws {
        let directory = JournalDirectory(inStateDirectory: "/tmp/pnetd-state-\(UInt64.random(in: 0 ... .max))")
        defer { try? sh("rm -rf \(directory.path.dropLast("/journal".count))") }
        try body(directory)
    }

    private func sh(_ line: String) throws {
        let pid = try ChildProcess.spawn("/bin/sh", arguments: ["-c", line])
        #expect(try ChildProcess.wait(for: pid) == .status(0))
    }

    private func replay(_ directory: JournalDirectory) throws -> Replay {
        var replay = Replay()
        for step in JournalWalk(try directory.segments()) { replay.take(step) }
        replay.finish()
        return replay
    }

    @Test func aReplayOfWhatWasWrittenEqualsTheLiveRun() throws {
        try inDirectory { directory in
            var run = try Run(directory)
            try run.begin()
            try run.toggle(50)
            run.journal.end(run.core, at: run.clock.now)
            let replay = try replay(directory)
            #expect(replay.differenceCount == 0)
            #expect(replay.states == 1)
            #expect(replay.decisions > 50)
            let file = try #require(try directory.segments().first).file
            let status = try Files.status(of: file)
            #expect(status.permissions == 0o600)
            #expect(try Files.status(of: directory.path).permissions == 0o700)
            #expect(run.journal.octets == UInt64(status.size))
            #expect(run.journal.lost == 0)
        }
    }

    @Test func aKillLosesNoDecision() throws {
        try inDirectory { directory in
            var run = try Run(directory)
            try run.begin()
            try run.toggle(5)
            // No end: the process is gone. A decision is with the kernel at once.
            let decisions = try replay(directory).decisions
            #expect(decisions >= 10)
            var next = try Run(directory)
            try next.begin()
            #expect(try directory.segments().map(\.number) == [1, 2])
        }
    }

    @Test func itsLengthIsBoundedAndWhatIsLeftStandsAlone() throws {
        try inDirectory { directory in
            let limits = AgentJournal.Limits(segment: 20_000, total: 100_000, count: 256)
            var run = try Run(directory, limits)
            try run.begin()
            try run.toggle(1_000)
            run.journal.end(run.core, at: run.clock.now)
            let segments = try directory.segments()
            let size = try segments.reduce(0) { $0 + (try Files.status(of: $1.file).size) }
            #expect(size <= 110_000, "the total, and what a segment begins with")
            #expect(segments.count > 2 && (segments.first?.number ?? 0) > 5, "the oldest have left")
            let replay = try replay(directory)
            #expect(replay.differenceCount == 0 && replay.skipped == 0)
            #expect(replay.states == segments.count)
        }
    }

    @Test func manyShortRunsAreBoundedAsWell() throws {
        try inDirectory { directory in
            for _ in 0..<12 {
                var run = try Run(directory, AgentJournal.Limits(count: 8))
                try run.begin()
            }
            #expect(try directory.segments().map(\.number) == Array(5...12))
        }
    }

    @Test func whereThereIsNoDirectoryTheCoreGoesOn() throws {
        try inDirectory { directory in
            try Files.makeDirectory(String(directory.path.dropLast("/journal".count)))
            try Files.replace(directory.path, with: [])
            var run = try Run(directory)
            var reports: [String?] = []
            run.journal.report = { reports.append($0.map { "\($0)" }) }
            try run.begin()
            try run.toggle(5)
            #expect(reports.count == 1 && reports.first != .some(nil), "said once, not for every record")
            #expect(run.journal.lost > 20)
            #expect(run.core.report.first?.decision.outcome.path == PathName("vpn-a"))
            // Somebody puts it right: after a while the journal goes on, with the core as it is then.
            try Files.remove(directory.path)
            run.clock.pass(AgentJournal.retryPause)
            try run.toggle(5)
            run.journal.end(run.core, at: run.clock.now)
            #expect(reports.count == 2 && reports.last == .some(nil))
            let replay = try replay(directory)
            #expect(replay.differenceCount == 0 && replay.skipped == 0 && replay.decisions >= 10)
        }
    }

    @Test(.enabled(if: geteuid() == 0, "only root can mount a small disk"))
    func aFullDiskDoesNotStopTheCore() throws {
        try inDirectory { directory in
            try Files.makeDirectory(directory.path, mode: 0o700)
            try sh("mount -t tmpfs -o size=64k none \(directory.path)")
            defer { try? sh("umount \(directory.path)") }
            var run = try Run(directory)
            var failures: [String] = []
            run.journal.report = { if let failure = $0 { failures.append("\(failure)") } }
            try run.begin()
            try run.toggle(1_000)
            #expect(Set(failures) == ["write: No space left on device"])
            #expect(failures.count < 20, "tried again each minute of a quarter of an hour, not with every record")
            #expect(run.journal.lost > 1_000)
            let replay = try replay(directory)
            #expect(replay.differenceCount == 0 && replay.decisions > 50, "what was written before is whole")
        }
    }
}
