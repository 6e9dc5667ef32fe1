// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import Tunnel

/// Where peers are called, on a clock of the test's own.
struct EndpointBookTests {
    private var book = EndpointBook()
    private let peer: EndpointBook.Peer
    private let place: EndpointBook.Place
    private let addresses: [IPAddress]
    private var seconds: Int64 = 0

    init() throws {
        let key = try #require(WireGuardPublicKey(bytes: Array(repeating: 1, count: 32)))
        peer = EndpointBook.Peer(path: try #require(PathName("vpn-a")), key: key)
        place = EndpointBook.Place(
            host: try #require(HostEndpoint("gw.example.net:51820")),
            underlay: try #require(InterfaceName("eth0"))
        )
        addresses = ["2001:db8::1", "192.0.2.1", "192.0.2.2"].compactMap { IPAddress($0) }
    }

    private var now: Instant { Instant(nanoseconds: seconds * 1_000_000_000) }
    private var called: String? { book.endpoint(of: peer)?.description }

    private mutating func begin(told: String? = nil) {
        book.follow([peer: place], told: { _ in told.flatMap { SocketEndpoint($0) } }, now: now)
    }

    private mutating func answer(_ addresses: [IPAddress], lifetime: Int64 = 60) throws -> Set<EndpointBook.Peer> {
        let question = try #require(book.takeQuestions(atMost: 8, now: now).first, "nothing is asked at \(seconds) s")
        return book.found(addresses, for: .seconds(lifetime), question, now: now)
    }

    private mutating func observe(silent: Bool, at elsewhere: String? = nil) -> Set<EndpointBook.Peer> {
        let calledAt = elsewhere.flatMap { SocketEndpoint($0) } ?? book.endpoint(of: peer)
        return book.observe([peer: EndpointBook.Sign(isSilent: silent, calledAt: calledAt)], now: now)
    }

    @Test mutating func aNameIsAskedForAndItsFirstAddressCalled() throws {
        begin()
        #expect(called == nil)
        #expect(try answer(addresses) == [peer])
        #expect(called == "[2001:db8::1]:51820")
    }

    @Test mutating func aNameIsAskedForAgainByItsLifetime() throws {
        begin()
        _ = try answer(addresses, lifetime: 60)
        seconds = 59
        #expect(book.takeQuestions(atMost: 8, now: now).isEmpty)
        seconds = 60
        #expect(book.takeQuestions(atMost: 8, now: now).count == 1)
        #expect(book.takeQuestions(atMost: 8, now: now).isEmpty, "it is awaited")
    }

    /// Zero would be asked for without end, a week would never be.
    @Test(arguments: [(0, 5), (604_800, 3_600)] as [(Int64, Int64)])
    mutating func lifetimesHaveBounds(lifetime: Int64, asked: Int64) throws {
        begin()
        _ = try answer(addresses, lifetime: lifetime)
        seconds = asked - 1
        #expect(book.takeQuestions(atMost: 8, now: now).isEmpty)
        seconds = asked
        #expect(book.takeQuestions(atMost: 8, now: now).count == 1)
    }

    @Test mutating func aPeerThatIsHeardStaysWhereItIs() throws {
        begin()
        _ = try answer([addresses[1]])
        #expect(observe(silent: false).isEmpty)
        seconds = 60
        #expect(try answer([addresses[2]]).isEmpty)
        #expect(called == "192.0.2.1:51820")
        // What was learnt meanwhile is at hand when it falls silent.
        seconds = 61
        #expect(observe(silent: true) == [peer])
        #expect(called == "192.0.2.2:51820")
        #expect(try answer([addresses[2]]).isEmpty)
    }

    @Test mutating func aSilentPeerIsLookedUpAtOnce() throws {
        begin()
        _ = try answer([addresses[1]], lifetime: 3_600)
        seconds = 100
        #expect(observe(silent: true).isEmpty)
        #expect(try answer([addresses[2]]) == [peer])
        #expect(called == "192.0.2.2:51820")
    }

    @Test mutating func aSilentPeerIsTriedAtEachAddressInTurn() throws {
        begin()
        _ = try answer(addresses)
        var tried: [String] = []
        for second in 0...50 {
            seconds = Int64(second)
            if !observe(silent: true).isEmpty { tried.append("\(second) \(called ?? "")") }
            if let question = book.takeQuestions(atMost: 8, now: now).first {
                #expect(book.found(addresses, for: .seconds(60), question, now: now).isEmpty)
            }
        }
        #expect(
            tried == [
                "10 192.0.2.1:51820", "20 192.0.2.2:51820", "30 [2001:db8::1]:51820", "40 192.0.2.1:51820",
                "50 192.0.2.2:51820",
            ]
        )
    }

    /// Whoever roamed and was then lost is called back to where the file says it is.
    @Test mutating func aPeerThatRoamedAndFellSilentIsCalledBack() throws {
        begin()
        _ = try answer([addresses[1]])
        #expect(observe(silent: false, at: "198.51.100.7:999").isEmpty)
        seconds = 20
        #expect(observe(silent: true, at: "198.51.100.7:999").isEmpty)
        seconds = 30
        #expect(observe(silent: true, at: "198.51.100.7:999") == [peer])
        #expect(called == "192.0.2.1:51820")
        seconds = 40
        #expect(observe(silent: true).isEmpty, "it is called there already")
    }

    @Test mutating func anAddressIsCalledBackToo() throws {
        let fixed = EndpointBook.Place(host: try #require(HostEndpoint("192.0.2.1:51820")), underlay: place.underlay)
        book.follow([peer: fixed], told: { _ in nil }, now: now)
        #expect(book.takeQuestions(atMost: 8, now: now).isEmpty)
        #expect(called == "192.0.2.1:51820")
        _ = observe(silent: true, at: "198.51.100.7:999")
        seconds = 10
        #expect(observe(silent: true, at: "198.51.100.7:999") == [peer])
    }

    @Test mutating func failuresAreRepeatedMoreAndMoreSlowly() throws {
        begin()
        var asked: [Int64] = []
        for second in 0...200 {
            seconds = Int64(second)
            guard let question = book.takeQuestions(atMost: 8, now: now).first else { continue }
            asked.append(seconds)
            #expect(book.found([], for: .zero, question, now: now).isEmpty)
        }
        #expect(asked == [0, 1, 3, 7, 15, 31, 63, 123, 183])
    }

    @Test mutating func newHopeEndsAPause() throws {
        begin()
        for second in 0...63 {
            seconds = Int64(second)
            if let question = book.takeQuestions(atMost: 8, now: now).first {
                _ = book.found([], for: .zero, question, now: now)
            }
        }
        seconds = 70
        #expect(book.takeQuestions(atMost: 8, now: now).isEmpty)
        book.hurry(try #require(place.question), now: now)
        #expect(try answer([addresses[1]]) == [peer])
    }

    @Test mutating func aFailureLeavesTheAddressAlone() throws {
        begin()
        _ = try answer([addresses[1]], lifetime: 60)
        seconds = 60
        #expect(try answer([]).isEmpty)
        #expect(called == "192.0.2.1:51820")
    }

    @Test mutating func anAnswerThatNeverCameIsAskedForAgain() throws {
        begin()
        #expect(book.takeQuestions(atMost: 8, now: now).count == 1)
        seconds = 9
        #expect(book.takeQuestions(atMost: 8, now: now).isEmpty)
        seconds = 10
        #expect(book.takeQuestions(atMost: 8, now: now).count == 1)
    }

    @Test mutating func manyNamesAreAskedForAFewAtATime() throws {
        var places: [EndpointBook.Peer: EndpointBook.Place] = [:]
        for number in 0..<20 {
            let key = try #require(WireGuardPublicKey(bytes: Array(repeating: UInt8(number), count: 32)))
            let host = try #require(HostEndpoint("gw-\(number).example.net:51820"))
            places[EndpointBook.Peer(path: peer.path, key: key)] = .init(host: host, underlay: place.underlay)
        }
        let lone = try #require(PathName("vpn-b"))
        let host = try #require(HostEndpoint("lone.example.net:51820"))
        places[EndpointBook.Peer(path: lone, key: peer.key)] = .init(host: host, underlay: place.underlay)
        book.follow(places, told: { _ in nil }, now: now)
        #expect(book.takeQuestions(atMost: 1, now: now).map(\.host.description) == ["lone.example.net."])
        var asked: Set<EndpointBook.Question> = []
        for count in [8, 8, 4, 0] {
            let questions = book.takeQuestions(atMost: 8, now: now)
            #expect(questions.count == count && asked.isDisjoint(with: questions))
            asked.formUnion(questions)
        }
        #expect(book.takeQuestions(atMost: -1, now: now).isEmpty)
    }

    @Test mutating func theNextRunBeginsWhereTheLastOneCalled() throws {
        begin(told: "192.0.2.2:51820")
        #expect(called == "192.0.2.2:51820")
        #expect(try answer(addresses).isEmpty)
        #expect(called == "192.0.2.2:51820")
    }

    @Test mutating func aNameThatChangesInTheFileMovesAPeerThatIsHeard() throws {
        begin()
        _ = try answer([addresses[1]])
        let other = EndpointBook.Place(
            host: try #require(HostEndpoint("new.example.net:51820")),
            underlay: place.underlay
        )
        book.follow([peer: other], told: { _ in SocketEndpoint("192.0.2.1:51820") }, now: now)
        #expect(called == "192.0.2.1:51820", "until the other one is found")
        #expect(try answer([addresses[2]]) == [peer])
        #expect(called == "192.0.2.2:51820")
        seconds = 60
        #expect(try answer([addresses[1]]).isEmpty, "from now on it is left where it is heard")
    }

    @Test mutating func anAddressThatIsNamedTwiceIsTriedOnce() throws {
        begin()
        _ = try answer([addresses[1], addresses[1], addresses[2]], lifetime: 3_600)
        _ = observe(silent: true)
        seconds = 10
        #expect(observe(silent: true) == [peer])
        #expect(called == "192.0.2.2:51820")
    }

    @Test mutating func anotherPlaceIsAskedForAnew() throws {
        begin()
        _ = try answer(addresses)
        let other = EndpointBook.Place(host: try #require(HostEndpoint("b.example.net:1")), underlay: place.underlay)
        book.follow([peer: other], told: { _ in SocketEndpoint("192.0.2.2:51820") }, now: now)
        #expect(called == nil, "what was told was another port's")
        #expect(book.takeQuestions(atMost: 8, now: now).map(\.host.description) == ["b.example.net."])
        // An answer for what nobody asks any more.
        let stale = try #require(place.question)
        #expect(book.found(addresses, for: .seconds(1), stale, now: now).isEmpty)
    }
}
