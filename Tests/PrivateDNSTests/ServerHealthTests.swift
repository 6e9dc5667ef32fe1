// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO
import Testing

@testable import PrivateDNS

@Suite struct ServerHealthTests {
    private let first = ServerHealth.Key(server: Scenario.cloud, interface: InterfaceName("pn-a"))
    private let servers = [Scenario.cloud, Scenario.secondCloud]
    private let start = Instant(nanoseconds: 0)

    private func order(_ health: ServerHealth, after seconds: Int64) -> [Int] {
        health.order(of: servers, through: InterfaceName("pn-a"), now: start + .seconds(seconds))
    }

    @Test func waitsAsLongAsAServerNearlyAlwaysTakes() {
        var health = ServerHealth()
        #expect(health.hedge(first) == .milliseconds(50))
        health.answered(first, after: .milliseconds(600))
        #expect(health.hedge(first) == .milliseconds(600))
        // One in twenty may take longer.
        for _ in 0..<19 { health.answered(first, after: .milliseconds(80)) }
        #expect(health.hedge(first) == .milliseconds(80))
        for _ in 0..<20 { health.answered(first, after: .milliseconds(2)) }
        #expect(health.hedge(first) == .milliseconds(50))
    }

    @Test func restsLongerEachTimeAndNeverForGood() {
        var health = ServerHealth()
        #expect(order(health, after: 0) == [0, 1])
        var now: Int64 = 0
        for rest in [1, 2, 4, 8, 16, 30, 30, 30] as [Int64] {
            health.failed(first, now: start + .seconds(now))
            #expect(order(health, after: now + rest - 1) == [1, 0])
            #expect(order(health, after: now + rest) == [0, 1])
            now += rest
        }
        health.answered(first, after: .milliseconds(1))
        health.failed(first, now: start + .seconds(now))
        #expect(order(health, after: now + 1) == [0, 1])
    }

    @Test func whatWasAskedTogetherFailsOnce() {
        var health = ServerHealth()
        for _ in 0..<100 { health.failed(first, now: start) }
        #expect(order(health, after: 1) == [0, 1])
    }

    @Test func aServerIsJudgedByTheWayItWasAsked() {
        var health = ServerHealth()
        health.failed(first, now: start)
        #expect(health.order(of: servers, through: InterfaceName("pn-b"), now: start) == [0, 1])
    }

    /// All rest: the file's order, and all are asked.
    @Test func nobodyIsGivenUp() {
        var health = ServerHealth()
        for server in servers {
            health.failed(ServerHealth.Key(server: server, interface: InterfaceName("pn-a")), now: start)
        }
        #expect(order(health, after: 0) == [0, 1])
    }
}
