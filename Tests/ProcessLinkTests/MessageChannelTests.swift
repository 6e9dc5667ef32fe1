// SPDX-License-Identifier: Apache-2.0

import CLinux
import ProcessLink
import SystemIO
import Testing

struct MessageChannelTests {
    typealias AgentEnd = MessageChannel<MessageToAgent, MessageFromAgent>
    typealias ChildEnd = MessageChannel<MessageFromAgent, MessageToAgent>

    private struct Pair: ~Copyable {
        let agent: FileDescriptor
        let child: FileDescriptor

        init() throws {
            var raw: [Int32] = [0, 0]
            let made = unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &raw)
            try #require(made == 0)
            agent = FileDescriptor(owning: raw[0])
            child = FileDescriptor(owning: raw[1])
        }
    }

    private func agentEnd(of pair: borrowing Pair, on loop: EventLoop) throws -> AgentEnd {
        try AgentEnd(pair.agent.duplicate(), on: loop)
    }

    private func childEnd(of pair: borrowing Pair, on loop: EventLoop) throws -> ChildEnd {
        try ChildEnd(pair.child.duplicate(), on: loop)
    }

    @Test func carriesMessagesLargerThanTheSocketBuffer() throws {
        let loop = try EventLoop()
        let ends = try Pair()
        let agent = try agentEnd(of: ends, on: loop)
        let child = try childEnd(of: ends, on: loop)
        let text = String(repeating: "x", count: 3 << 20)
        var received: String?
        child.onMessage = { message, _ in
            if case .page(7, let metrics, _) = message { received = metrics }
            loop.stop()
        }
        agent.send(.page(request: 7, metrics: text, health: Health(state: "up", reasons: [])))
        try loop.run()
        #expect(received == text)
    }

    @Test func passesDescriptors() throws {
        let loop = try EventLoop()
        let ends = try Pair()
        let agent = try agentEnd(of: ends, on: loop)
        let child = try childEnd(of: ends, on: loop)
        let file = unsafe try FileDescriptor(pn_open("/dev/null", O_RDONLY, 0), from: "open")
        var passed: [Int32] = []
        child.onMessage = { _, descriptors in
            passed = descriptors
            loop.stop()
        }
        agent.send(.listeners([], attached: []), with: [file.raw, file.raw])
        try loop.run()
        #expect(passed.count == 2)
        #expect(Set(passed).isDisjoint(with: [file.raw]))
        for descriptor in passed { #expect(close(descriptor) == 0) }
    }

    @Test func descriptorsComeWithTheirOwnMessage() throws {
        let loop = try EventLoop()
        let ends = try Pair()
        let agent = try agentEnd(of: ends, on: loop)
        let child = try childEnd(of: ends, on: loop)
        let file = unsafe try FileDescriptor(pn_open("/dev/null", O_RDONLY, 0), from: "open")
        var counts: [Int] = []
        child.onMessage = { _, descriptors in
            counts.append(descriptors.count)
            for descriptor in descriptors { close(descriptor) }
            if counts.count == 5 { loop.stop() }
        }
        // All of it is in the socket before the first is read.
        agent.send(.stop)
        agent.send(.listeners([], attached: []), with: [file.raw, file.raw])
        agent.send(.stop)
        agent.send(.listeners([], attached: []), with: [file.raw])
        agent.send(.stop)
        try loop.run()
        #expect(counts == [0, 2, 0, 1, 0])
    }

    @Test func aPeerThatNeverStopsGetsItsShareOnly() throws {
        let loop = try EventLoop()
        let ends = try Pair()
        let agent = try agentEnd(of: ends, on: loop)
        let child = try childEnd(of: ends, on: loop)
        let total = 1_000
        for number in 0..<total { child.send(.scrape(request: UInt64(number))) }
        var taken: [UInt64] = []
        agent.onMessage = { message, _ in
            if case .scrape(let request) = message { taken.append(request) }
        }
        var turns = 0
        while taken.count < total, turns < 10 * total {
            let before = taken.count
            try loop.turn(waiting: .milliseconds(10))
            // What is readable and what was put off may both come in one turn.
            #expect(taken.count - before <= 2 * AgentEnd.messagesATurn)
            turns += 1
        }
        #expect(taken == (0..<UInt64(total)).map { $0 })
        #expect(turns > 1)
    }

    @Test(arguments: ["\u{0}\u{0}\u{0}\u{2}{}", "\u{7f}garbage", "\u{0}\u{0}\u{0}\u{0}"])
    func cutsOffAPeerThatSendsGarbage(bytes: String) throws {
        let loop = try EventLoop()
        let ends = try Pair()
        let agent = try agentEnd(of: ends, on: loop)
        var failure: AgentEnd.Failure?
        agent.onClose = {
            failure = $0
            loop.stop()
        }
        let garbage = Array(bytes.utf8)
        let written = try ends.child.write(garbage.span)
        #expect(written == garbage.count)
        try loop.run()
        guard case .malformed = failure else {
            Issue.record("closed because of \(String(describing: failure))")
            return
        }
    }
}
