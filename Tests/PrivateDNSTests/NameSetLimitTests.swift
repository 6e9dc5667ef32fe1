// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import PrivateDNS

/// What is not waited for, or not told, of the names in sets: there may be too much of it.
struct NameSetLimitTests {
    private let addressLimit = Learning.addressLimit

    /// A zone with a name of many addresses, `many`, and one of two, `two`; all are in a set.
    private func scenario(many: Int = 0, limits: ClientLimits = .standard) throws -> Scenario {
        let scenario = Scenario()
        let records =
            (0..<many).map { "many A 10.20.0.\($0)" } + ["two A 10.20.1.1", "two A 10.20.1.2", "two TXT \"x\""]
        scenario.adopt(
            [try Scenario.zone("plant.internal", records: records, realm: Scenario.path("pn-a"))],
            nameSets: [Policy.NameSet(name: try #require(NameSetName("all")), domains: [.root])],
            clientLimits: limits,
            allow: ["0.0.0.0/0"]
        )
        return scenario
    }

    private func ask(_ name: String, _ scenario: Scenario, from address: String = "127.0.0.1") throws -> Reply? {
        let query = MessageText.query("\(name).plant.internal").bytes
        return scenario.ask(query, from: try #require(IPAddress(address)), isStream: true).map { Reply($0) }
    }

    @Test func addressesBeyondThoseOfATellingCountAsUnheld() throws {
        let scenario = try scenario(many: addressLimit + 1)
        #expect(try ask("many", scenario) == nil)
        let first = try #require(scenario.takeLearned().first)
        #expect(first.addresses.count == addressLimit)
        scenario.hear(first.serial)
        #expect(scenario.takeAnswers().map(\.addresses.count) == [addressLimit + 1])
        #expect(scenario.tally.unheldAnswers == 1)
        // They are told with the next answer, which is held as a whole.
        #expect(try ask("many", scenario) == nil)
        let second = try #require(scenario.takeLearned().first)
        #expect(second.addresses.count == 1 && !first.addresses.contains(second.addresses[0]))
        scenario.hear(second.serial)
        #expect(scenario.takeAnswers().count == 1)
        #expect(try ask("many", scenario) != nil)
        #expect(scenario.takeLearned().isEmpty)
        #expect(scenario.tally.unheldAnswers == 1)
    }

    @Test func whatIsHeldOfATellingIsNotToldAgain() throws {
        let scenario = try scenario()
        #expect(try ask("two", scenario) == nil)
        let first = try #require(scenario.takeLearned().first)
        #expect(first.addresses.map(\.address.description) == ["10.20.1.1", "10.20.1.2"])
        scenario.hear(first.serial, except: [1])
        #expect(scenario.takeAnswers().count == 1)
        #expect(try ask("two", scenario) != nil)
        #expect(scenario.tally.unheldAnswers == 2)
        scenario.pass(Learning.refusalMemory)
        #expect(try ask("two", scenario) == nil)
        #expect(scenario.takeLearned().map { $0.addresses.map(\.address.description) } == [["10.20.1.2"]])
    }

    @Test func answersThatWaitCountForTheirClient() throws {
        let limits = ClientLimits(queriesPerSecond: 100, inFlight: 2, responsesPerSecond: 100, exempt: [])
        let scenario = try scenario(limits: limits)
        for _ in 0..<2 { #expect(try ask("two", scenario, from: "10.1.0.1") == nil) }
        // The third is not waited for, and another client's is.
        #expect(try ask("two", scenario, from: "10.1.0.1") != nil)
        #expect(try ask("two", scenario, from: "10.1.0.2") == nil)
        #expect(scenario.tally.unheldAnswers == 1)
        let telling = try #require(scenario.takeLearned().first)
        scenario.pass(Learning.patience)
        #expect(scenario.takeAnswers().count == 3)
        // They are over, and two may wait again: for the word of the same telling.
        for _ in 0..<2 { #expect(try ask("two", scenario, from: "10.1.0.1") == nil) }
        #expect(try ask("two", scenario, from: "10.1.0.1") != nil)
        scenario.hear(telling.serial)
        #expect(scenario.takeAnswers().count == 2)
        #expect(scenario.takeLearned().isEmpty)
        #expect(scenario.tally.unheldAnswers == 5)
    }

    @Test func explanationsNameTheSetsOfAddressesAlone() throws {
        let scenario = try scenario()
        func isInSets(_ type: RecordType) throws -> Bool {
            scenario.explain("two.plant.internal", type)
            return try #require(scenario.takeExplanation()).steps.contains {
                if case .inSets = $0.event { true } else { false }
            }
        }
        #expect(try isInSets(.a))
        #expect(try !isInSets(RecordType(rawValue: 16)))
        #expect(try !isInSets(.aaaa))
    }
}
