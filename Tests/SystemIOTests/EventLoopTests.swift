// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO
import Testing

struct EventLoopTests {
    @Test func firesTimersInOrderAndForgetsCancelledOnes() throws {
        let loop = try EventLoop()
        var fired: [Int] = []
        loop.schedule(after: .milliseconds(20)) { fired.append(2) }
        loop.schedule(after: .milliseconds(5)) { fired.append(1) }
        let cancelled = loop.schedule(after: .milliseconds(10)) { fired.append(0) }
        loop.schedule(after: .milliseconds(30)) { loop.stop() }
        loop.cancel(cancelled)
        try loop.run()
        #expect(fired == [1, 2])
    }

    @Test func survivesAHandlerThatUnwatchesItself() throws {
        let loop = try EventLoop()
        let path = "/tmp/pnetd-loop-test-\(UInt64.random(in: 0...UInt64.max)).sock"
        let listener = try UnixListener(path: path, mode: 0o600, group: nil)
        let raw = listener.raw
        var accepted = 0
        try loop.watch(raw) { _ in
            accepted += 1
            loop.unwatch(raw)
            loop.stop()
        }
        let client = try UnixSocket.connect(path: path)
        try loop.run()
        #expect(accepted == 1)
        #expect(client.raw >= 0)
    }
}
