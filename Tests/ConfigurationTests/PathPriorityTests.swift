// SPDX-License-Identifier: Apache-2.0

import Configuration
import NetworkTypes
import PathHealth
import Testing

struct PathPriorityTests {
    private static func expect(_ paths: String, give messages: [String]) throws {
        try Example.expect(("paths: [vpn-a, vpn-b]", "paths: \(paths)"), give: messages)
    }

    @Test func pathsOfOnePriorityCarryTogether() throws {
        let paths = "paths: [{path: vpn-a, priority: 1, weight: 3}, {path: vpn-b, priority: 1}]"
        let text = Example.text.replacing("paths: [vpn-a, vpn-b]", with: paths)
        let file = try TemporaryFile(Array(text.utf8))
        let loaded = try Configuration.load(path: file.path)
        try file.remove()
        let network = try #require(loaded.configuration.networks.first)
        let (a, b) = (try #require(PathName("vpn-a")), try #require(PathName("vpn-b")))
        #expect(network.paths == [a, b])
        #expect(network.group(of: a) == [a, b])
        #expect(network.weights == [a: 3, b: 1])
        #expect(loaded.configuration.policies.first?.priorities == [a: 1, b: 1])
        #expect(
            loaded.warnings.map(\.description).map { $0.drop { $0 != ":" } } == [
                ":30:52: warning: this host's own connections may leave by one of 'vpn-a' and 'vpn-b' with the address of the "
                    + "other (give both the same 'source', an address that the far end answers to)"
            ]
        )
    }

    @Test func onePathOfAPriorityCarriesAlone() throws {
        let paths = "paths: [{path: vpn-a, priority: 1}, {path: vpn-b, priority: 2}]"
        let file = try TemporaryFile(
            Array(Example.text.replacing("paths: [vpn-a, vpn-b]", with: paths).utf8)
        )
        let loaded = try Configuration.load(path: file.path)
        try file.remove()
        #expect(loaded.configuration.policies.first?.priorities == [:])
        #expect(loaded.warnings == [])
    }

    @Test func aWeightWithoutAPriority() throws {
        try Self.expect(
            "[{path: vpn-a, weight: 2}, vpn-b]",
            give: [
                "30:13: error: a path of network 'azure' has no 'priority' (1 is the best; paths with the same one carry "
                    + "together)"
            ]
        )
    }

    @Test(arguments: [("0", "0"), ("256", "256")])
    func aWeightThatTheKernelDoesNotTake(weight: String, said: String) throws {
        try Self.expect(
            "[{path: vpn-a, priority: 1, weight: \(weight)}, vpn-b]",
            give: ["30:48: error: weight must be 1 to 255, not \(said)"]
        )
    }

    @Test func prioritiesOutOfOrder() throws {
        try Self.expect(
            "[{path: vpn-a, priority: 2}, {path: vpn-b, priority: 1}]",
            give: [
                "30:41: error: path 'vpn-b' has priority 1 and stands behind 'vpn-a' (the list is best first, and a lower "
                    + "number is better)"
            ]
        )
    }

    @Test func aWordThatIsNoKey() throws {
        try Self.expect(
            "[{path: vpn-a, prority: 1}, vpn-b]",
            give: ["30:27: error: unknown key 'prority' in a path of network 'azure' (did you mean 'priority'?)"]
        )
    }

    @Test func aPathThatIsNotThere() throws {
        try Self.expect(
            "[vpn-a, {path: vpn-c, priority: 1}]",
            give: ["30:27: error: unknown path 'vpn-c' (did you mean 'vpn-a'?)"]
        )
    }
}
