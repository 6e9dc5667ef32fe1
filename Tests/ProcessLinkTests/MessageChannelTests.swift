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
