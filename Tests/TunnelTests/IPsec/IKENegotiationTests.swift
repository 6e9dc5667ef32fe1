// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import SystemIO
import Testing

@testable import Tunnel

/// Negotiations against a charon that says what the test wants, on a clock that moves as told.
struct IKENegotiationTests {
    private static func line(_ text: [UInt8], group: String = "IKE", about id: Int? = 1) -> VICIPacket {
        .event(
            name: Array("control-log".utf8),
            .made {
                $0.append("group", group)
                $0.append("level", 1)
                if let id { $0.append("ikesa-uniqueid", id) }
                $0.append("msg", text)
            }
        )
    }

    private static func refusal(_ reason: String) -> VICIPacket {
        .response(
            .made {
                $0.append("success", false)
                $0.append("errmsg", reason)
            }
        )
    }

    /// A client, connected or not, whose charon answers nothing by itself.
    private static func silent() throws -> (FakeCharon, Charon) {
        let fake = try FakeCharon()
        fake.answer = { _, _, _ in }
        return (fake, fake.client { _ in })
    }

    @Test func asksOnAConnectionOfItsOwn() throws {
        let (fake, charon) = try Self.silent()
        var ends: [IKEFailure?] = []
        charon.negotiate(child: "net", of: "a", within: .seconds(5)) { ends.append($0.failure) }
        #expect(fake.attempts == 0, "nothing happens within the call")
        try fake.turn()
        let link = try #require(fake.links.first)
        #expect(fake.attempts == 1 && link.registered == ["control-log"])
        let (command, message) = try #require(fake.requests.first)
        #expect(command == "initiate" && message.text("child") == "net" && message.text("ike") == "a")
        #expect(message.text("timeout") == "5000" && message.text("loglevel") == "1")
        try link.send(Self.line(Array("initiating IKE_SA a[1] to 192.0.2.1".utf8)))
        try link.send(Self.line(Array("giving up after 5 retransmits".utf8), about: nil))
        try link.send(.event(name: Array("log".utf8), .made { $0.append("msg", "giving up after 5 retransmits") }))
        try fake.turn()
        #expect(ends == [])
        try link.send(.response(.made { $0.append("success", true) }))
        try fake.turn()
        #expect(ends == [nil])
        // Its end is read by the fake as well.
        #expect(try link.socket.read(upTo: 1) == [])
    }

    @Test func endsByWhatCharonSays() throws {
        let cases: [(line: String, reason: String, expected: IKEFailure)] = [
            (
                "received TS_UNACCEPTABLE notify, no CHILD_SA built", "establishing CHILD_SA 'net' failed",
                .trafficSelectorMismatch
            ),
            ("initiating IKE_SA", "CHILD_SA 'net' not established after 5000ms", .noAnswer),
            ("initiating IKE_SA", "establishing CHILD_SA 'net' failed", .other("initiating IKE_SA")),
            ("", "CHILD_SA config 'net' not found", .other("CHILD_SA config 'net' not found")),
        ]
        for (line, reason, expected) in cases {
            let (fake, charon) = try Self.silent()
            var end: IKEFailure??
            charon.negotiate(child: "net", of: "a", within: .seconds(5)) { end = .some($0.failure) }
            try fake.turn()
            let link = try #require(fake.links.first)
            try link.send(Self.line(Array(line.utf8)))
            try link.send(Self.refusal(reason))
            try fake.turn()
            #expect(end == expected)
        }
    }

    @Test func endsWithoutCharon() throws {
        func end(by change: (FakeCharon) throws -> Void) throws -> IKEFailure?? {
            let (fake, charon) = try Self.silent()
            var end: IKEFailure??
            charon.negotiate(child: "net", of: "a", within: .seconds(5)) { end = .some($0.failure) }
            try change(fake)
            try fake.turn()
            return end
        }
        #expect(try end { $0.refusal = SystemError(operation: "connect", code: 2) } == .charonLost)
        #expect(
            try end {
                try $0.turn()
                $0.drop()
            } == .charonLost
        )
        #expect(
            try end {
                try $0.turn()
                try $0.links[0].send(.request(name: [], VICIMessage()))
            } == .charonLost
        )
        // charon says nothing, well beyond the time.
        #expect(
            try end {
                try $0.turn()
                try $0.turn(after: .seconds(14))
            } == .none
        )
        #expect(
            try end {
                try $0.turn()
                try $0.turn(after: .seconds(16))
            } == .charonLost
        )
        let unknown = IKEFailure.other("this charon does not know the event 'control-log'")
        #expect(try end { $0.unknownEvents = ["control-log"] } == unknown)
    }

    /// With keyingtries 0 charon's command would go on.
    @Test func endsAsSoonAsCharonGivesUp() throws {
        let (fake, charon) = try Self.silent()
        var end: IKEFailure??
        charon.negotiate(child: "net", of: "a", within: .seconds(500)) { end = .some($0.failure) }
        try fake.turn()
        try fake.links[0].send(Self.line(Array("giving up after 5 retransmits".utf8)))
        try fake.turn()
        #expect(end == .noAnswer)
    }

    @Test func takesTurns() throws {
        let (fake, charon) = try Self.silent()
        charon.negotiations.limit = 4
        var ends: [String] = []
        func negotiate(_ child: String, of connection: String) -> IKENegotiation {
            charon.negotiate(child: child, of: connection, within: .seconds(5)) { _ in ends.append(child) }
        }
        let first = negotiate("a1", of: "a")
        _ = negotiate("a2", of: "a")
        for name in ["b", "c", "d", "e"] { _ = negotiate(name, of: name) }
        try fake.turn()
        func asked() -> [String] { fake.requests.compactMap { $0.message.text("child") } }
        #expect(asked() == ["a1", "b", "c", "d"])
        try fake.links[1].send(.response(.made { $0.append("success", true) }))
        try fake.turn()
        #expect(ends == ["b"] && asked() == ["a1", "b", "c", "d", "e"])
        // charon's thread is taken as long as its command lasts, cancelled or not.
        first.cancel()
        try fake.turn()
        #expect(asked().count == 5)
        try fake.turn(after: .milliseconds(5_001))
        #expect(asked().last == "a2" && ends == ["b"])
        charon.stop()
        #expect(ends.sorted() == ["a2", "b", "c", "d", "e"])
        try fake.turn(after: .seconds(60))
        #expect(ends.count == 5 && asked().count == 6)
    }

    /// strongswan#566 was mended in 5.9.11.
    @Test(arguments: [
        ("5.9.8", 1), ("5.9.10", 1), ("5.9.11rc1", 4), ("5.9.11", 4), ("6.0.1", 4), ("10", 4), ("", 1), ("4.99.99", 1),
        ("x.y.z", 1),
    ])
    func takesOneAtATimeOfOlderCharons(version: String, limit: Int) {
        #expect(CharonVersion(.made { $0.append("version", version) }).negotiationLimit == limit)
    }

    @Test func knowsHowManyItsCharonBears() throws {
        let (fake, charon) = try Self.silent()
        #expect(charon.negotiations.limit == 1)
        charon.negotiations.limit = 4
        charon.start()
        try fake.turn()
        #expect(charon.isConnected && charon.negotiations.limit == 1)
    }

    @Test func cancelsBeforeItsTurn() throws {
        let (fake, charon) = try Self.silent()
        let negotiation = charon.negotiate(child: "net", of: "a", within: .seconds(5)) { _ in Issue.record("called") }
        negotiation.cancel()
        try fake.turn(after: .seconds(60))
        #expect(fake.attempts == 0)
    }

    /// A mebibyte of lines is read and not kept; what does not end is ended.
    @Test(arguments: [(17, false), (100, true)]) func boundsWhatIsLogged(parts: Int, isEnded: Bool) throws {
        let (fake, charon) = try Self.silent()
        var end: IKEFailure??
        charon.negotiate(child: "net", of: "a", within: .seconds(5)) { end = .some($0.failure) }
        try fake.turn()
        let link = fake.links[0]
        let text = Array("\u{1b}]0;\u{7}\u{0}".utf8) + [UInt8](repeating: 0xc3, count: 65_000)
        for _ in 0..<parts where end == nil {
            try link.send(Self.line(text))
            try fake.turn()
        }
        #expect((end != nil) == isEnded)
        if isEnded {
            #expect(end == .charonLost)
        } else {
            try link.send(Self.refusal("establishing CHILD_SA 'net' failed"))
            try fake.turn()
            guard case .some(.some(.other(let line))) = end else {
                Issue.record("\(String(describing: end))")
                return
            }
            #expect(line.unicodeScalars.count == 200 && line.hasPrefix(" ]0;  \u{fffd}"))
        }
    }

    @Test func endsWhenItsClientGoes() throws {
        let fake = try FakeCharon()
        fake.answer = { _, _, _ in }
        var charon: Charon? = fake.client { _ in }
        charon?.negotiate(child: "net", of: "a", within: .seconds(5)) { _ in Issue.record("called") }
        try fake.turn()
        charon = nil
        #expect(try fake.links[0].socket.read(upTo: 1) == [])
        try fake.turn(after: .seconds(60))
    }
}
