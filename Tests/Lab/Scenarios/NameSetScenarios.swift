// SPDX-License-Identifier: Apache-2.0

import CLinux
import ControlAPI
import Lab
import NetworkTypes
import SystemIO
import Testing

extension Scenarios.Names {
    /// A client that is told of an address may use it at once: a rule that asks for the set must know it by then.
    @Test(.anyKernel) func areHeldByTheFirewallBeforeTheyAreAnswered() throws {
        let sets = """
            name-sets:
              - name: cloud
                domains: [privatelink.azure-devices.net, historian.plant.internal]
            """
        var options = SiteFile()
        options.more = sets
        try scenario("namesets", options) { lab, daemon in
            try daemon.start()
            try daemon.waitFor(path: .a)
            try daemon.waitForNames()
            func listed(_ family: String) throws -> String {
                try lab.site.run("nft", "list", "set", "inet", "pnetd", "names-cloud-\(family)")
            }
            /// It is held when the answer is there; or the agent was late, which is counted, and it is held soon.
            func expectHeld(_ address: String, _ family: String) throws {
                let element = "\(address) timeout 3m expires "
                if try listed(family).contains(element) { return }
                try waitUntil("\(address) is held, and its answer is counted as one that did not wait") {
                    try listed(family).contains(element)
                        && daemon.status().warnings.contains { $0.hasPrefix("name sets: ") }
                }
            }
            let name = "hub1.privatelink.azure-devices.net"
            #expect(try !listed("ipv4").contains("10.20.0.10"))
            #expect(try daemon.dig("+short", "historian.plant.internal") == "10.20.0.10\n")
            try expectHeld("10.20.0.10", "ipv4")
            #expect(try daemon.dig("+short", name) == "10.20.0.4\n")
            try expectHeld("10.20.0.4", "ipv4")
            #expect(try daemon.dig("+short", "gateway.plant.internal", "AAAA") == "fd00:20::1\n")
            #expect(try !listed("ipv6").contains("fd00:20::1"))
            #expect(try daemon.status().nameSets.map { "\($0.name) \($0.addresses)" } == ["cloud 2"])
            #expect(try daemon.pnetctl("status").output.contains("name sets addresses held: cloud 2\n"))
            let explained = try daemon.pnetctl("dns", "explain", name)
            #expect(explained.output.contains("of name set cloud: the firewall is told of its addresses first"))

            // An agent that stands still is waited for, and not for long; answers do not end with it, nor does what was held.
            for agent in lab.site.processes(running: "pnetd run") { kill(agent, SIGSTOP) }
            let clock = SystemClock()
            let start = clock.now
            #expect(try daemon.dig("+short", name, "AAAA") == "fd00:20::4\n")
            #expect(clock.now - start >= .milliseconds(100))
            try daemon.killAgent()
            #expect(try daemon.dig("+short", name, "AAAA") == "fd00:20::4\n")
            #expect(try listed("ipv4").contains("10.20.0.4 timeout 3m expires "))
            #expect(try !listed("ipv6").contains("fd00:20::4"))
            try daemon.start()
            try daemon.waitFor(path: .a)
            try daemon.waitForNames()
            #expect(try listed("ipv4").contains("10.20.0.4 timeout "))
            #expect(try daemon.status().nameSets.map(\.addresses) == [2])
            try waitUntil("the answer that had left without it is told of") {
                try daemon.status().warnings.contains { $0.hasPrefix("name sets: ") }
            }
            // The resolver that lived on tells the next agent.
            #expect(try daemon.dig("+short", name, "AAAA") == "fd00:20::4\n")
            try expectHeld("fd00:20::4", "ipv6")

            #expect(try daemon.status().foreignChanges == [])

            let file = String(decoding: try Files.read(daemon.file), as: UTF8.self)
            try lab.site.write("pnetd.yaml", file.replacing(sets, with: ""))
            #expect(try daemon.pnetctl("reload").status == 0)
            try waitUntil("the set is gone") {
                try lab.site.attempt(["nft", "list", "set", "inet", "pnetd", "names-cloud-ipv4"]).status != 0
            }
            #expect(try daemon.dig("+short", name) == "10.20.0.4\n")
            #expect(try daemon.status().nameSets == [])
        }
    }
}
