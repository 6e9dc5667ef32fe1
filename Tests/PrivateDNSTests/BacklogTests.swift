// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Synchronization
import SystemIO
import Testing

@testable import PrivateDNS

/// What the kernel lets a socket keep at most, in octets.
private var longestBacklog: Int {
    let text = try? Files.read("/proc/sys/net/core/rmem_max")
    return text.flatMap { Int(String(decoding: $0.dropLast(), as: UTF8.self)) } ?? 0
}

/// More questions than are answered at one go, which wait before the resolver has a policy to answer by.
@Suite(.serialized)
struct BacklogTests {
    /// A clock that goes on by so much with each look.
    private final class Clock: TimeSource {
        private let time = Mutex(Instant(nanoseconds: 0))
        private let step: Duration

        init(step: Duration) { self.step = step }

        var wallNanoseconds: Int64 { now.nanoseconds }
        var now: Instant {
            time.withLock { time in
                time = time + step
                return time
            }
        }
    }

    private static let questions = 1_024
    private static let backlog: Int32 = 2 << 20

    /// A worker answers 256, looks around, and answers as many. Half a second after it began it lets go what still waits,
    /// but for one in eight; whoever asks then is answered.
    @Test(
        .enabled(if: longestBacklog >= backlog, "the kernel keeps less than 2 MiB for a socket (net.core.rmem_max)"),
        arguments: [(step: Duration.zero, answers: 1_024), (.milliseconds(300), 256 + 256 + 512 / 8)]
    )
    func isLetGoWhenItIsOld(step: Duration, answers: Int) throws {
        let server = try LoopbackServer(clock: Clock(step: step), backlog: Self.backlog)
        var ports: [Int32] = []
        defer { for port in ports { _ = FileDescriptor(owning: port) } }
        for client in 0..<8 {
            let socket = try NetworkSocket.datagram(to: server.endpoint, through: nil)
            for number in 0..<Self.questions / 8 {
                let query = MessageText.query("h.plant.internal", id: UInt16(client << 8 | number)).bytes
                #expect(try socket.write(query.span) == query.count)
            }
            ports.append(socket.release())
        }
        try server.adopt([
            try Scenario.zone("plant.internal", records: ["h A 10.0.0.1"], realm: Scenario.path("lo"))
        ])
        // Who asks while they are let go may be one of them. An answer to him comes behind all others.
        let query = MessageText.query("h.plant.internal").bytes
        var isAnswered = false
        for _ in 0..<40 where !isAnswered {
            let socket = try NetworkSocket.datagram(to: server.endpoint, through: nil)
            #expect(try socket.write(query.span) == query.count)
            isAnswered = try LoopbackServer.wait(socket, milliseconds: 250) != nil
        }
        #expect(isAnswered)
        var seen: Set<Int> = []
        for port in ports {
            let socket = try FileDescriptor.duplicating(port)
            while let answer = try socket.read(upTo: 512) { seen.insert(Reply(answer).id) }
        }
        #expect(seen.count == answers)
    }
}
