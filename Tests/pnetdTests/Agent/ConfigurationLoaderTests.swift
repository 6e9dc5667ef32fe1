// SPDX-License-Identifier: Apache-2.0

import CLinux
import Configuration
import NetworkTypes
import Synchronization
import SystemIO
import Testing

@testable import pnetd

struct ConfigurationLoaderTests {
    /// Reads when it is let, and numbers what it reads by the line of an error.
    private final class Gate: Sendable {
        let count = Atomic(0)
        let allowed = Atomic(0)

        func read() -> ConfigurationLoader.Outcome {
            let number = count.add(1, ordering: .sequentiallyConsistent).newValue
            while allowed.load(ordering: .sequentiallyConsistent) < number { usleep(1_000) }
            return Result { () throws(ConfigurationErrors) in try Configuration.load(path: "/nowhere/\(number)") }
        }

        func open(upTo number: Int) { allowed.store(number, ordering: .sequentiallyConsistent) }
    }

    private func file(_ outcome: ConfigurationLoader.Outcome) -> String? {
        guard case .failure(let error) = outcome else { return nil }
        return error.diagnostics.first?.file
    }

    private func turn(_ loop: EventLoop, until isDone: () -> Bool) throws {
        let end = loop.now + .seconds(20)
        while !isDone() {
            try #require(loop.now < end, "it takes too long")
            try loop.turn(waiting: .milliseconds(10))
        }
    }

    @Test func theLoopGoesOnMeanwhile() throws {
        let (loop, gate) = (try EventLoop(), Gate())
        let loader = try ConfigurationLoader(on: loop) { gate.read() }
        var found: [String?] = []
        #expect(loader.load { found.append(file($0)) })
        var ticks = 0
        func tick() {
            ticks += 1
            loop.schedule(after: .milliseconds(1)) { tick() }
        }
        tick()
        try turn(loop) { ticks == 20 }
        #expect(found == [])
        gate.open(upTo: 1)
        try turn(loop) { !found.isEmpty }
        #expect(found == ["/nowhere/1"])
    }

    /// Whoever asks while the file is being read may have edited it since.
    @Test func theFileIsReadAnewForThoseWhoAskLater() throws {
        let (loop, gate) = (try EventLoop(), Gate())
        let loader = try ConfigurationLoader(on: loop) { gate.read() }
        var found: [String] = []
        for name in ["a", "b", "c"] { #expect(loader.load { found.append("\(name) \(file($0) ?? "")") }) }
        gate.open(upTo: 1)
        try turn(loop) { !found.isEmpty }
        #expect(found == ["a /nowhere/1"])
        #expect(loader.load { found.append("d \(file($0) ?? "")") })
        gate.open(upTo: 3)
        try turn(loop) { found.count == 4 }
        #expect(found == ["a /nowhere/1", "b /nowhere/2", "c /nowhere/2", "d /nowhere/3"])
    }

    @Test func noMoreWaitThanCanBeServed() throws {
        let (loop, gate) = (try EventLoop(), Gate())
        let loader = try ConfigurationLoader(on: loop) { gate.read() }
        var count = 0
        // The one for whom it is being read waits no more.
        for _ in 0...ConfigurationLoader.limit { #expect(loader.load { _ in count += 1 }) }
        #expect(!loader.load { _ in Issue.record("it was refused") })
        gate.open(upTo: .max)
        try turn(loop) { count == ConfigurationLoader.limit + 1 }
        #expect(loader.load { _ in count += 1 })
        try turn(loop) { count == ConfigurationLoader.limit + 2 }
    }
}
