// SPDX-License-Identifier: Apache-2.0
// Scenarios as text: a resolver on a virtual clock between servers that say what the text lets them say.
//
//     zone NAME [forward ADDRESS…] [prefixes PREFIX…] [types TYPE…] [last-known-good PORT SECONDS]
//         [public-after no-such-name|no-answer…] [trust-ad] [view NAME]              a zone of the network; records below it
//     view NAME clients PREFIX… [interfaces INDEX…] [no-upstreams]        whose the zones with its name are
//     trust-ad [ADDRESS…]                                                 upstreams whose AD is taken
//     name-set NAME DOMAIN…                                               a set whose addresses the firewall is told
//     upstreams [ADDRESS…]        trust NAME…        when-blocked WORD    the rest of the file
//     network via INTERFACE… | blocked REASON | public                    what is decided
//     unrouted [PREFIX…]                                                  where no path leads just now
//     server ADDRESS [silent | refused | servfail | truncating | validating]     who is asked; its records below it
//     host ADDRESS PORT via INTERFACE | gone                               who takes connections; nobody by default
//     firewall holds | refuses | is silent                                what becomes of the addresses that it is told; it holds them
//     word holds | refuses                                                what it says, late, of all of which it was silent
//     ask NAME TYPE [do] [ad] [cd] [from ADDRESS [on INDEX]]              below: RCODE [aa] [tc] [ad] [cd] [ede N], then the records
//     asked [ADDRESS [via INTERFACE] NAME TYPE [do] [ad] [cd]]                           who was asked since the last such line, in turn
//     told [answer]                                                       what came late since the last such line, as below ask
//     learned [ADDRESS SECONDS SET…]                                      what the firewall was told since the last such line, in turn
//     unheld N                                                            answers that left without the firewall's word so far
//     wait SECONDS                                                        or parts of them, of 0.05
//
// What stands before the first `scenario TITLE` is done at the beginning of each.

import NetworkTypes
import SystemIO
import Testing

/// One scenario of a file.
struct Script: Sendable, CustomTestStringConvertible {
    struct Statement: Sendable {
        let line: Int
        let words: [String]
        /// The indented lines below it.
        var body: [(line: Int, text: String)] = []
    }

    /// What a text has that is no scenario.
    struct Fault: Error, CustomStringConvertible {
        let description: String

        init(_ file: String, _ line: Int, _ problem: String) { description = "\(file):\(line): \(problem)" }
    }

    let file: String
    let title: String
    let statements: [Statement]

    var testDescription: String { "\(file): \(title)" }

    /// All scenarios of Tests/Scripts, by file and place in it.
    static let all: [Script] = {
        let folder = #filePath.split(separator: "/").dropLast(2).map { "/\($0)" }.joined() + "/Scripts"
        let files = (try? Files.names(in: folder)) ?? []
        return files.filter { $0.hasSuffix(".txt") }.sorted().flatMap { file in
            let text = (try? Files.read("\(folder)/\(file)")).map { String(decoding: $0, as: UTF8.self) } ?? ""
            return read(text, file)
        }
    }()

    static func read(_ text: String, _ file: String) -> [Script] {
        var preamble: [Statement] = []
        var scripts: [(title: String, statements: [Statement])] = []
        func put(_ change: (inout [Statement]) -> Void) {
            if scripts.isEmpty { change(&preamble) } else { change(&scripts[scripts.count - 1].statements) }
        }
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let words = line.split(separator: " ").map(String.init)
            guard let first = words.first, !first.hasPrefix("#") else { continue }
            if line.first == " " {
                let trimmed = words.joined(separator: " ")
                put { $0[$0.count - 1].body.append((number + 1, trimmed)) }
            } else if first == "scenario" {
                scripts.append((words.dropFirst().joined(separator: " "), []))
            } else {
                put { $0.append(Statement(line: number + 1, words: words)) }
            }
        }
        return scripts.map { Script(file: file, title: $0.title, statements: preamble + $0.statements) }
    }
}

@Suite struct ScriptTests {
    /// More than were there when this was written: a folder that is not found holds none.
    @Test func thereAreScenarios() {
        #expect(Script.all.count >= 160)
        #expect(Set(Script.all.map(\.testDescription)).count == Script.all.count)
    }

    @Test(arguments: Script.all) func plays(_ script: Script) throws {
        var stage = ScriptStage(script.file)
        for statement in script.statements { try stage.play(statement) }
    }
}
