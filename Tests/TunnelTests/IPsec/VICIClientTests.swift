// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import SystemIO
import Testing

@testable import Tunnel

/// The client against a charon that says what the test wants, on a clock that moves as told.
struct VICIClientTests {
    /// What was told, in a form that can be compared.
    private final class Told {
        var lines: [String] = []
        func take(_ report: Charon.Report) {
            switch report {
            case .connected(let version, let lacks):
                lines.append("connected \(version.version) lacks \(lacks.commands.union(lacks.events).sorted())")
            case .lost(let error): lines.append("lost: \(error)")
            case .event(let event): lines.append("event \(event)")
            }
        }
    }

    private static func result<Value>(_ result: Result<Value, VICIError>) -> String {
        switch result {
        case .success(let value): "\(value)"
        case .failure(let error): "\(error)"
        }
    }

    @Test func registersForWhatItNeedsAndTellsWhatIsLacking() throws {
        let fake = try FakeCharon()
        fake.unknownEvents = ["alert", "list-policy"]
        let told = Told()
        let charon = fake.client(report: told.take)
        #expect(told.lines == [] && fake.attempts == 0, "nothing happens before it is started")
        charon.start()
        #expect(fake.attempts == 0, "nor within a call")
        try fake.turn()
        #expect(told.lines == ["connected 5.9.8 lacks [\"alert\", \"list-policy\"]"])
        #expect(fake.events.registered == ["ike-updown", "child-updown", "ike-rekey", "child-rekey", "ike-update"])
        #expect(fake.commands.registered == ["list-sa", "list-conn", "list-cert"])
        #expect(charon.isConnected && charon.lacks.events == ["alert", "list-policy"])
        var answer: Result<[InstalledPolicy], VICIError>?
        charon.policies { answer = $0 }
        try fake.turn()
        #expect(answer == .failure(.unknownEvent("list-policy")))
    }

    /// The second command is not sent before the first one is answered, and what is asked is answered in its order.
    @Test func asksForOneThingAfterTheOther() throws {
        let fake = try FakeCharon()
        let charon = fake.client { _ in }
        charon.start()
        try fake.turn()
        fake.answer = { _, _, _ in }
        var answers: [String] = []
        charon.connectionNames { answers.append(Self.result($0)) }
        charon.unload(connection: "pnetd-b") { answers.append(Self.result($0)) }
        charon.sharedKeyNames { answers.append(Self.result($0)) }
        try fake.turn()
        #expect(fake.requests.map(\.command) == ["version", "get-algorithms", "get-conns"] && answers == [])
        try fake.commands.send(.response(.made { $0.append("conns", texts: ["pnetd-a", "other"]) }))
        try fake.turn()
        #expect(answers == ["[\"pnetd-a\", \"other\"]"])
        #expect(fake.requests.last?.command == "unload-conn")
        #expect(fake.requests.last?.message.text("name") == "pnetd-b")
        try fake.commands.send(
            .response(
                .made {
                    $0.append("success", false)
                    $0.append("errmsg", "unload: connection 'pnetd-b'\nnot found")
                }
            )
        )
        try fake.turn()
        #expect(answers.last == "charon refused 'unload-conn': unload: connection 'pnetd-b' not found")
        try fake.commands.send(.response(.made { $0.append("keys", list: []) }))
        try fake.turn()
        #expect(answers.count == 3 && answers.last == "[]")
    }

    /// Events come while a command runs: those of its answer, those that are nobody's, and on the other connection.
    @Test func takesEventsBetweenQuestionAndAnswer() throws {
        let fake = try FakeCharon()
        let told = Told()
        let charon = fake.client(report: told.take)
        charon.start()
        try fake.turn()
        fake.answer = { link, command, message in
            #expect(command == "list-sas" && message.text("noblock") == "yes" && message.text("ike") == "pnetd-a")
            try link.send(.event("list-conn", .made { $0.append("stray", section: VICIMessage()) }))
            for id in [4, 5] {
                try link.send(
                    .event("list-sa", .made { $0.append("pnetd-a", section: .made { $0.append("uniqueid", id) }) })
                )
            }
            try fake.events.send(
                .event(
                    "ike-updown",
                    .made { $0.append("pnetd-a", section: .made { $0.append("uniqueid", 4) }) }
                )
            )
            try link.send(.response(VICIMessage()))
        }
        var found: [UInt32] = []
        charon.associations(of: "pnetd-a") { found = (try? $0.get().map(\.uniqueID)) ?? [] }
        try fake.turn()
        #expect(found == [4, 5])
        #expect(told.lines.count == 2 && told.lines[1].hasPrefix("event association("))
        try fake.commands.send(.event("list-sa", .made { $0.append("late", section: VICIMessage()) }))
        try fake.turn()
        #expect(charon.isConnected && told.lines.count == 2, "what is streamed and not asked for is nobody's")
    }

    @Test func remembersWhatCharonDoesNotKnow() throws {
        let fake = try FakeCharon()
        fake.answer = { link, _, _ in try link.send(.commandUnknown) }
        let charon = fake.client { _ in }
        charon.start()
        try fake.turn()
        var answers: [String] = []
        for _ in 0..<2 {
            charon.rekey(.connection("pnetd-a")) { answers.append(Self.result($0)) }
            try fake.turn()
        }
        #expect(answers == Array(repeating: "this charon does not know the command 'rekey'", count: 2))
        #expect(
            fake.requests.map(\.command) == ["version", "get-algorithms", "rekey"] && charon.lacks.commands == ["rekey"]
        )
        #expect(charon.isConnected)
    }

    /// As a charon 6 answers, whose plugin ml has ML-KEM; as Debian's does; and as one that does not know the question.
    @Test(
        arguments: [
            ("ke", ["CURVE_25519", "ML_KEM_768"], true), ("dh", ["CURVE_25519", "ECP_384"], false), (nil, [], false),
        ] as [(String?, [String], Bool)]
    )
    func knowsTheKeyExchangesBeforeItIsTold(section: String?, names: [String], hasMLKEM: Bool) throws {
        let fake = try FakeCharon()
        fake.version = hasMLKEM ? "6.0.1" : "5.9.8"
        fake.algorithms = section.map { section in
            .made { answer in
                answer.append("encryption", section: .made { $0.append("AES_CBC", "aes") })
                answer.append(section, section: .made { for name in names { $0.append(name, "ml") } })
            }
        }
        var known: [CharonKeyExchanges] = []
        var charon: Charon?
        charon = fake.client { if case .connected = $0, let charon { known.append(charon.keyExchanges) } }
        charon?.start()
        try fake.turn()
        #expect(known == [CharonKeyExchanges(names: Set(names))] && known.first?.hasMLKEM == hasMLKEM)
        #expect(charon?.lacks.commands == (section == nil ? ["get-algorithms"] : []))
        fake.drop()
        try fake.turn()
        #expect(charon?.keyExchanges.names == Set(names), "what it was told stays the same until it is back")
    }

    @Test func comesAgainWithLongerAndLongerPauses() throws {
        let fake = try FakeCharon()
        fake.refusal = SystemError(operation: "connect to /run/charon.vici", code: ENOENT)
        let told = Told()
        let charon = fake.client(report: told.take)
        charon.start()
        var pauses: [Int] = []
        var pause = 0
        for _ in 0..<2_000 {
            let before = fake.attempts
            try fake.turn(after: .milliseconds(10))
            pause += 10
            if fake.attempts > before {
                pauses.append(pause)
                pause = 0
            }
        }
        #expect(pauses.dropFirst().map { ($0 + 9) / 250 } == [1, 2, 4, 8, 16, 20, 20])
        let absent = "charon cannot be reached (connect to /run/charon.vici: No such file or directory)"
        #expect(told.lines == ["lost: \(absent)"], "the same reason is told once")
        var answer = ""
        charon.statistics { answer = Self.result($0) }
        #expect(answer == "", "no completion comes from within the call")
        try fake.turn()
        #expect(answer == "charon cannot be reached")
        fake.refusal = nil
        try fake.turn(after: .seconds(5))
        #expect(told.lines.count == 2 && charon.isConnected)
        fake.drop()
        try fake.turn()
        #expect(told.lines.last == "lost: the connection to charon was lost" && !charon.isConnected)
        let before = fake.attempts
        try fake.turn(after: .milliseconds(250))
        #expect(fake.attempts == before + 2 && charon.isConnected, "once it was there, the pauses are short again")
    }

    /// Silence: only the one that was asked timed out; the others were never asked.
    @Test func givesUpOnWhatIsNotAnsweredInTime() throws {
        let fake = try FakeCharon()
        let told = Told()
        let charon = fake.client(report: told.take)
        charon.start()
        try fake.turn()
        fake.answer = { _, _, _ in }
        var answers: [String] = []
        charon.connectionNames { answers.append(Self.result($0)) }
        charon.statistics { answers.append(Self.result($0)) }
        try fake.turn(after: .milliseconds(9_990))
        #expect(answers == [])
        try fake.turn(after: .milliseconds(20))
        #expect(answers == ["charon did not answer 'get-conns' in time", "the connection to charon was lost"])
        #expect(told.lines.last == "lost: charon did not answer 'get-conns' in time")
        try fake.turn(after: .milliseconds(250))
        #expect(charon.isConnected && fake.links.count == 4, "both connections are new")
        fake.answer = { link, _, _ in try link.send(.response(VICIMessage())) }
        charon.statistics { answers.append(Self.result($0)) }
        try fake.turn()
        #expect(answers.count == 3 && answers[2].hasPrefix("CharonStatistics("))
    }

    /// A charon that takes connections and never says a word: its threads hang.
    @Test func givesUpOnACharonThatDoesNotGreet() throws {
        let fake = try FakeCharon()
        fake.unknownEvents = []
        let told = Told()
        var patience = CharonPatience()
        patience.answer = .seconds(1)
        let charon = fake.client(patience: patience, report: told.take)
        charon.start()
        try fake.loop.turn(waiting: .zero)
        for link in fake.links { fake.loop.unwatch(link.socket.raw) }
        try fake.turn(after: .milliseconds(1_010))
        #expect(told.lines == ["lost: charon did not answer 'ike-updown' in time"] && !charon.isConnected)
    }

    @Test func boundsWhatWaits() throws {
        let fake = try FakeCharon()
        let charon = fake.client { _ in }
        charon.start()
        try fake.turn()
        fake.answer = { _, _, _ in }
        var busy = 0
        for _ in 0..<300 {
            charon.connectionNames { if case .failure(.busy) = $0 { busy += 1 } }
        }
        try fake.turn()
        #expect(busy == 300 - 1 - VICIConversation.queueLimit)
        #expect(fake.requests.count == 3)
        var long: String?
        charon.load(certificate: Array(repeating: 0, count: 65_536), .authority) { long = Self.result($0) }
        try fake.turn()
        #expect(long?.contains("data has 65536 octets") == true && charon.isConnected)
    }

    @Test func failsAllWhenItIsStopped() throws {
        let fake = try FakeCharon()
        let told = Told()
        let charon = fake.client(report: told.take)
        charon.start()
        try fake.turn()
        fake.answer = { _, _, _ in }
        var answers: [String] = []
        for _ in 0..<2 { charon.connectionNames { answers.append(Self.result($0)) } }
        charon.stop()
        try fake.turn(after: .seconds(60))
        #expect(answers == Array(repeating: "the client of charon was stopped", count: 2))
        #expect(told.lines.count == 1 && fake.attempts == 2 && !charon.isConnected)
        charon.start()
        try fake.turn()
        #expect(charon.isConnected)
    }

    /// More than the socket takes at once goes out piece by piece, and comes in so too.
    @Test func carriesTheLongestSegmentsBothWays() throws {
        let fake = try FakeCharon()
        let charon = fake.client { _ in }
        charon.start()
        try fake.turn()
        let certificates = (0..<7).map { [UInt8](repeating: UInt8($0), count: 65_000) }
        fake.answer = { link, _, message in
            let party = message.section("pnetd-a").section("local")
            #expect(party.list("certs") == certificates)
            try link.send(.response(.made { $0.append("success", true) }))
        }
        let connection = IPsecConnection(
            name: "pnetd-a",
            from: [],
            to: [],
            local: .init(identity: nil, proof: .certificate(certificates: certificates, authorities: [])),
            remote: .init(identity: nil, proof: .presharedKey),
            children: []
        )
        var answer: Result<Void, VICIError>?
        charon.load(connection) { answer = $0 }
        try fake.turn()
        #expect(throws: Never.self) { try #require(answer).get() }
    }
}
