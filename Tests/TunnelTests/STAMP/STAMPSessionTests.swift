// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import Testing

@testable import Tunnel

/// A sender and a reflector on a clock that moves as told, each with a wall clock of its own.
private struct STAMPWire: ~Copyable {
    static let source = SocketEndpoint(address: .v4(IPv4Address(bits: 0x0a63_0002)), port: 50_000)

    var sender: STAMPSender
    var reflector = STAMPReflector()
    var now = Instant(nanoseconds: 1_000_000_000_000)
    /// Milliseconds on the way.
    var delays = (there: 5, back: 10)
    /// Of a hundred packets.
    var losses = (there: 0, back: 0)
    /// Milliseconds that the far end takes.
    var residence = 3
    /// How far the far end's clock is ahead.
    var offset = Duration.seconds(7)
    var areSynchronised = false
    var refused: [STAMPRefusal] = []
    var answers: [STAMPAnswer] = []
    var statuses: [ReflectorStatus] = []
    private var inFlight: [(at: Instant, answer: STAMPAnswer)] = []
    private var generator = SystemRandomNumberGenerator()

    init(every interval: Duration = .milliseconds(100)) {
        sender = STAMPSender(every: interval, sessionID: 0x1234, at: now)
    }

    static func wall(_ now: Instant) -> Int64 { 1_795_000_000_000_000_000 + now.nanoseconds }

    mutating func run(for duration: Duration) {
        let end = now + duration
        while let next = [sender.nextDeadline, inFlight.map(\.at).min()].compactMap({ $0 }).min(), next <= end {
            now = max(now, next)
            let due = inFlight.filter { $0.at <= now }
            inFlight.removeAll { $0.at <= now }
            for (_, answer) in due { take(answer) }
            let question = sender.advance(
                to: now,
                wallNanoseconds: Self.wall(now),
                isSynchronised: areSynchronised
            )
            if let question { ask(question) }
            if statuses.last != sender.status { statuses.append(sender.status) }
        }
        now = end
    }

    mutating func take(_ answer: STAMPAnswer) {
        answers.append(answer)
        do throws(STAMPRefusal) {
            try sender.receive(answer, at: now, wallNanoseconds: Self.wall(now))
        } catch {
            refused.append(error)
        }
    }

    private mutating func ask(_ question: STAMPQuestion) {
        guard Int.random(in: 0..<100, using: &generator) >= losses.there else { return }
        let arrival = now + .milliseconds(delays.there)
        guard let number = try? reflector.number(of: question, from: Self.source, at: arrival) else { return }
        let departure = arrival + .milliseconds(residence)
        let answer = STAMPAnswer(
            to: question,
            sequence: number,
            received: STAMPTimestamp(wallNanoseconds: Self.wall(arrival + offset)),
            ttl: 255,
            sent: STAMPTimestamp(wallNanoseconds: Self.wall(departure + offset)),
            errorEstimate: STAMPErrorEstimate(isSynchronised: areSynchronised)
        )
        guard Int.random(in: 0..<100, using: &generator) >= losses.back else { return }
        inFlight.append((departure + .milliseconds(delays.back), answer))
    }
}

struct STAMPSessionTests {
    private func isAbout(_ duration: Duration?, _ milliseconds: Int) -> Bool {
        duration.map { abs($0.nanoseconds - Int64(milliseconds) * 1_000_000) < 1_000 } ?? false
    }

    @Test func measuresWithoutClocksThatAgree() {
        var wire = STAMPWire()
        wire.run(for: .seconds(10))
        #expect(wire.sender.status == .answering(OneWayLoss()))
        #expect(wire.statuses == [.unknown, .answering(OneWayLoss())])
        #expect(isAbout(wire.sender.roundTrips.smoothed, 15), "without the 3 ms of the far end")
        #expect(isAbout(wire.sender.there.variation, 0) && isAbout(wire.sender.back.variation, 0))
        #expect(wire.sender.there.delay == nil && wire.sender.back.delay == nil)
        #expect((99...101).contains(wire.sender.answered) && wire.refused == [])
        wire.delays.back = 30
        wire.run(for: .milliseconds(150))
        #expect((wire.sender.back.variation ?? .zero) >= .milliseconds(1))
        #expect(isAbout(wire.sender.there.variation, 0), "only one way changed")
    }

    @Test func tellsTheTimeOfOneWayWhereBothClocksAreSynchronised() {
        var wire = STAMPWire()
        (wire.offset, wire.areSynchronised) = (.zero, true)
        wire.run(for: .seconds(2))
        #expect(isAbout(wire.sender.there.delay, 5) && isAbout(wire.sender.back.delay, 10))
        wire.offset = .milliseconds(-20)
        wire.run(for: .seconds(2))
        #expect(wire.sender.there.delay == nil, "they do not agree, whatever they say")
    }

    @Test(arguments: [(20, 0), (0, 20)])
    func namesTheWayThatLoses(there: Int, back: Int) throws {
        var wire = STAMPWire(every: .milliseconds(20))
        wire.run(for: .seconds(2))
        wire.losses = (there, back)
        wire.run(for: .seconds(40))
        let recent = wire.sender.recentLoss
        let loss = try #require(recent)
        #expect((0.1...0.3).contains(there > 0 ? loss.there.ratio : loss.back.ratio))
        #expect((there > 0 ? loss.back : loss.there).lost <= 1)
        #expect(wire.statuses.count <= 45, "once a second at the most")
        #expect(wire.refused == [])
    }

    @Test func silenceIsOnlyThatOfAFarEndThatAnswered() {
        var wire = STAMPWire()
        wire.losses = (100, 0)
        wire.run(for: .seconds(10))
        #expect(wire.sender.status == .unknown)
        wire.losses = (0, 0)
        wire.run(for: .seconds(3))
        #expect(wire.sender.status == .answering(OneWayLoss()))
        wire.losses = (100, 0)
        wire.run(for: .seconds(3))
        #expect(wire.sender.status == .silent)
        wire.losses = (0, 0)
        wire.run(for: .seconds(3))
        guard case .answering(let loss) = wire.sender.status else {
            Issue.record("not heard")
            return
        }
        #expect(loss.there.lost <= 1 && loss.back.lost == 0, "an outage says nothing of the ways while they live")
    }

    /// A clock that stood still does not make up for what it missed.
    @Test func asksAtItsPaceOnly() {
        var wire = STAMPWire()
        wire.run(for: .seconds(1))
        let late = wire.now + .seconds(60)
        var count = 0
        while wire.sender.nextDeadline <= late + .milliseconds(100) {
            let now = max(late, wire.sender.nextDeadline)
            if wire.sender.advance(to: now, wallNanoseconds: 0, isSynchronised: false) != nil { count += 1 }
        }
        #expect(count <= 3)
    }

    @Test func takesNothingThatWasNotAsked() throws {
        var wire = STAMPWire()
        wire.run(for: .seconds(5))
        let before = (wire.sender.answered, wire.sender.recentLoss, wire.sender.roundTrips)
        let last = wire.answers.last
        let real = try #require(last)
        for answer in wire.answers.suffix(40) { wire.take(answer) }
        #expect(wire.refused == Array(repeating: .duplicate, count: 40))
        wire.refused = []
        func forge(_ change: (inout STAMPAnswer) -> Void) -> STAMPAnswer {
            var forged = real
            change(&forged)
            return forged
        }
        let forged = [
            forge { $0.senderSequence &+= 1 }, forge { $0.senderSequence = .max }, forge { $0.senderSequence = 1 },
            forge { $0.senderTimestamp = STAMPTimestamp(rawValue: 7) }, forge { $0.sessionID ^= 1 },
        ]
        for answer in forged { wire.take(answer) }
        #expect(wire.refused == Array(repeating: .unasked, count: 5))
        #expect(wire.sender.answered == before.0 && wire.sender.recentLoss == before.1)
        #expect(wire.sender.roundTrips == before.2)
    }

    /// Whoever can answer, as the far end itself, may put anything into the answer.
    @Test func noAnswerBringsASessionOutOfItsRules() {
        var wire = STAMPWire()
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<2_000 {
            wire.run(for: .milliseconds(100))
            guard var answer = wire.answers.last else { continue }
            for field in 0..<3 where Bool.random(using: &generator) {
                let bits = UInt64.random(in: .min ... .max, using: &generator)
                switch field {
                case 0: answer.sequence = UInt32(truncatingIfNeeded: bits)
                case 1: answer.timestamp = STAMPTimestamp(rawValue: bits)
                default: answer.receiveTimestamp = STAMPTimestamp(rawValue: bits)
                }
            }
            answer.errorEstimate = STAMPErrorEstimate(rawValue: .random(in: .min ... .max, using: &generator))
            let question = wire.sender.advance(
                to: wire.sender.nextDeadline,
                wallNanoseconds: STAMPWire.wall(wire.now),
                isSynchronised: true
            )
            answer.senderSequence = question?.sequence ?? 0
            answer.senderTimestamp = question?.timestamp ?? answer.senderTimestamp
            wire.take(answer)
            let trip = wire.sender.roundTrips.smoothed ?? .zero
            #expect(trip >= .zero && trip < .seconds(1))
        }
    }
}

struct STAMPReflectorTests {
    private func endpoint(_ port: Int) -> SocketEndpoint {
        SocketEndpoint(address: STAMPWire.source.address, port: UInt16(port))
    }

    private func question(_ sequence: UInt32, session: UInt16 = 1) -> STAMPQuestion {
        STAMPQuestion(
            sequence: sequence,
            timestamp: STAMPTimestamp(rawValue: 0),
            errorEstimate: STAMPErrorEstimate(isSynchronised: false),
            sessionID: session
        )
    }

    @Test func numbersEachSessionByItself() throws {
        let now = Instant(nanoseconds: 0)
        var reflector = STAMPReflector()
        for number in 0..<10 {
            let answer = try reflector.number(of: question(UInt32(number) * 3), from: endpoint(1), at: now)
            #expect(answer == number)
        }
        let other = try reflector.number(of: question(9), from: endpoint(2), at: now)
        let another = try reflector.number(of: question(9, session: 2), from: endpoint(1), at: now)
        #expect(other == 0 && another == 0)
        #expect(reflector.sessionCount == 3)
    }

    @Test func answersNoFasterThanItsRate() {
        var reflector = STAMPReflector()
        var answered = 0
        for millisecond in 0..<10_000 {
            let now = Instant(nanoseconds: Int64(millisecond) * 1_000_000)
            if (try? reflector.number(of: question(0), from: endpoint(1), at: now)) != nil { answered += 1 }
        }
        #expect((2_090...2_101).contains(answered), "200 a second and 100 in a row")
    }

    @Test func holdsNoMoreSessionsThanItsLimit() throws {
        var reflector = STAMPReflector()
        let start = Instant(nanoseconds: 0)
        for port in 1...64 { _ = try reflector.number(of: question(0), from: endpoint(port), at: start) }
        #expect(throws: STAMPRefusal.sessions) {
            try reflector.number(of: question(0), from: endpoint(65), at: start + .seconds(59))
        }
        let known = try reflector.number(of: question(1), from: endpoint(1), at: start + .seconds(59))
        let new = try reflector.number(of: question(0), from: endpoint(65), at: start + .seconds(61))
        #expect(known == 1 && new == 0)
        #expect(reflector.sessionCount == 2, "those that are silent leave")
    }
}
