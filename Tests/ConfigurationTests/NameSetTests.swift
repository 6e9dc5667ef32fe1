// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import Configuration

struct NameSetTests {
    private static let end = "control:"

    /// The line of the file that the section begins on.
    private func line() throws -> Int {
        let lines = Example.text.split(separator: "\n", omittingEmptySubsequences: false)
        return try #require(lines.firstIndex { $0.hasPrefix(Self.end) }) + 1
    }

    @Test func namesWhatTheFirewallKnows() throws {
        let sets = """
            name-sets:
              - name: azure-management
                domains: [management.azure.com, Login.MicrosoftOnline.com]
              - {name: all, domains: ["."]}

            """
        let file = try TemporaryFile(Array(Example.text.replacing(Self.end, with: sets + Self.end).utf8))
        defer { try? file.remove() }
        let site = try Configuration.load(path: file.path).configuration
        #expect(site.nameSets.map(\.name.text) == ["azure-management", "all"])
        #expect(
            site.nameSets.map { $0.domains.map(\.description) } == [
                ["management.azure.com.", "login.microsoftonline.com."], ["."],
            ]
        )
    }

    @Test func tellsOfAllMistakesAtOnce() throws {
        let sets = """
            name-sets:
              - name: cloud
                domains: [a.example, b.example, A.example]
              - name: cloud
                domains: []
              - name: "two words"
                domains: [a..b]
              - domain: [c.example]
                name: web
              - {name: empty}

            """
        let first = try line()
        try Example.expect(
            (Self.end, sets + Self.end),
            give: [
                "\(first + 2):37: error: domain 'a.example' is listed twice in name set 'cloud' "
                    + "(the first is on line \(first + 2))",
                "\(first + 3):11: error: name set 'cloud' is there twice (the first is on line \(first + 1))",
                "\(first + 4):14: error: domains of name set 'cloud' is empty",
                "\(first + 5):11: error: a name set: 'two words' is not a name "
                    + "(1 to 32 letters, digits, '-', '_' or '.', the first a letter or a digit)",
                "\(first + 6):15: error: domains: 'a..b' is not a domain name, or \".\" for all",
                "\(first + 7):5: error: unknown key 'domain' in a name set (did you mean 'domains'?)",
                "\(first + 9):5: error: a name set has no 'domains' (domains: [management.azure.com])",
            ]
        )
    }

    @Test func needsAListWithSomething() throws {
        let first = try line()
        try Example.expect((Self.end, "name-sets: []\n" + Self.end), give: ["\(first):12: error: name-sets is empty"])
        try Example.expect(
            (Self.end, "name-sets: {}\n" + Self.end),
            give: ["\(first):12: error: name-sets must be a list, not a mapping"]
        )
        let many = (0...64).map { "  - {name: set\($0), domains: [d\($0).example]}\n" }.joined()
        try Example.expect(
            (Self.end, "name-sets:\n" + many + Self.end),
            give: ["\(first + 65):5: error: more than 64 name-sets"]
        )
    }

    @Test func hasABoundOfAllDomains() throws {
        let first = try line()
        func sets(_ counts: [Int]) -> String {
            "name-sets:\n"
                + counts.enumerated().map { set, count in
                    "  - name: set\(set)\n    domains:\n"
                        + (0..<count).map { "      - d\($0).example\(set).test\n" }.joined()
                }.joined()
        }
        let most = Array(repeating: 1024, count: 8)
        try Example.expect((Self.end, sets(most) + Self.end), give: [])
        try Example.expect(
            (Self.end, sets(most + [2]) + Self.end),
            give: [
                "\(first + 8 * 1026 + 3):9: error: more than 8192 domains in all name-sets "
                    + "(a domain has all names below it: name one above several)"
            ]
        )
        try Example.expect(
            (Self.end, sets([1025]) + Self.end),
            give: ["\(first + 2 + 1025):9: error: name set 'set0' has more than 1024 domains"]
        )
    }
}
