// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO
import Testing

@testable import Tunnel

/// The bounds of what the firewall holds, whatever the resolver says.
struct LearnedAddressesTests {
    private let cloud: NameSetName
    private let web: NameSetName
    private let start = Instant(nanoseconds: 1_000_000_000)

    init() throws {
        cloud = try #require(NameSetName("cloud"))
        web = try #require(NameSetName("web"))
    }

    private func book() -> LearnedAddresses {
        var book = LearnedAddresses()
        book.keep(only: [cloud, web])
        return book
    }

    private func address(_ number: Int) -> IPAddress { .v4(IPv4Address(bits: 0x0a14_0000 + UInt32(number))) }

    /// What a book wants of the kernel.
    private func hold(
        _ book: inout LearnedAddresses,
        _ number: Int,
        _ sets: [NameSetName],
        _ lifetime: UInt32,
        after seconds: Int64 = 0
    ) -> [LearnedAddresses.Holding]? {
        let now = start + .seconds(seconds)
        return book.hold(address(number), in: sets, lifetime: lifetime, now: now)?.map(\.holding)
    }

    private func holding(_ set: NameSetName, _ number: Int, for seconds: Int64) -> LearnedAddresses.Holding {
        LearnedAddresses.Holding(set: set, address: address(number), until: start + .seconds(seconds))
    }

    @Test func holdsForLongerThanWasAskedFor() {
        var book = book()
        #expect(
            hold(&book, 1, [cloud, web], 120) == [
                holding(cloud, 1, for: 180), holding(web, 1, for: 180),
            ]
        )
        #expect(book.counts(now: start + .seconds(179)) == [cloud: 1, web: 1])
        #expect(book.counts(now: start + .seconds(180)) == [cloud: 0, web: 0])
    }

    @Test func wantsNothingOfTheKernelThatItHolds() {
        var book = book()
        _ = hold(&book, 1, [cloud], 120)
        #expect(hold(&book, 1, [cloud], 120, after: 60) == [])
        #expect(
            hold(&book, 1, [cloud], 121, after: 60) == [
                holding(cloud, 1, for: 241)
            ]
        )
        #expect(
            hold(&book, 1, [cloud, web], 120, after: 60) == [
                holding(web, 1, for: 240)
            ]
        )
    }

    @Test(arguments: [(0, 180), (120, 180), (172_800, 172_860), (UInt32.max, 172_860)] as [(UInt32, Int64)])
    func keepsTimesWithinBounds(asked: UInt32, held: Int64) {
        var book = book()
        let holdings = hold(&book, 1, [cloud], asked)
        #expect(holdings == [holding(cloud, 1, for: held)])
    }

    @Test(arguments: ["0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "::1", "ff02::1", "fe80::1"])
    func takesHostsAlone(text: String) throws {
        var book = book()
        #expect(book.hold(try #require(IPAddress(text)), in: [cloud], lifetime: 120, now: start) == nil)
    }

    @Test func takesKnownSetsAlone() throws {
        var book = book()
        let other = try #require(NameSetName("other"))
        #expect(hold(&book, 1, [cloud, other], 120) == nil)
        #expect(book.living(now: start) == [])
        book.keep(only: [other])
        #expect(hold(&book, 1, [cloud], 120) == nil)
    }

    @Test func aSetIsFullUntilOthersEnd() {
        var book = book()
        for number in 1...LearnedAddresses.limit {
            #expect(hold(&book, number, [cloud], 120)?.count == 1)
        }
        #expect(hold(&book, 9_000, [cloud], 120) == nil)
        #expect(book.full(now: start) == [cloud])
        // What is in it may stay, and another set has room.
        #expect(hold(&book, 1, [cloud], 300)?.count == 1)
        #expect(hold(&book, 9_000, [web], 120)?.count == 1)
        #expect(book.counts(now: start) == [cloud: LearnedAddresses.limit, web: 1])
        #expect(book.full(now: start + .seconds(179)) == [cloud])
        // Nobody has asked for room yet.
        #expect(book.full(now: start + .seconds(180)) == [])
        #expect(hold(&book, 9_000, [cloud], 120, after: 180)?.count == 1)
        #expect(book.full(now: start) == [])
        #expect(book.counts(now: start + .seconds(180)) == [cloud: 2, web: 0])
    }

    @Test func allSetsTogetherHaveABound() throws {
        var book = LearnedAddresses()
        let names = try (0..<5).map { try #require(NameSetName("set\($0)")) }
        book.keep(only: names)
        for name in names {
            for number in 0..<LearnedAddresses.limit {
                _ = hold(&book, number, [name], 120)
            }
        }
        #expect(book.living(now: start).count == LearnedAddresses.totalLimit)
        #expect(book.full(now: start) == [names[4]])
    }

    @Test func forgetsWhatTheKernelDidNotTake() {
        var book = book()
        let renewals = book.hold(address(1), in: [cloud], lifetime: 120, now: start)
        book.restore(renewals ?? [])
        #expect(book.living(now: start) == [])
        #expect(book.hold(address(1), in: [cloud], lifetime: 120, now: start) == renewals)
    }

    @Test func knowsUntilWhenItHeldWhatTheKernelDidNotProlong() {
        var book = book()
        _ = hold(&book, 1, [cloud], 120)
        let once = book.hold(address(1), in: [cloud, web], lifetime: 300, now: start) ?? []
        let twice = book.hold(address(1), in: [cloud], lifetime: 600, now: start) ?? []
        #expect((once + twice).map(\.former) == [start + .seconds(180), nil, start + .seconds(360)])
        book.restore(once + twice)
        #expect(book.living(now: start) == [holding(cloud, 1, for: 180)])
    }

    @Test func noticesWhatIsMissingAndWhatNobodyToldOf() {
        var book = book()
        _ = hold(&book, 1, [cloud], 120)
        func isAsHeld(_ found: [LearnedAddresses.Holding], after seconds: Int64 = 0) -> Bool {
            book.isAsHeld(cloud, .ipv4, found, now: start + .seconds(seconds))
        }
        let held = holding(cloud, 1, for: 180)
        #expect(isAsHeld([held]))
        #expect(!isAsHeld([]))
        #expect(!isAsHeld([held, holding(cloud, 2, for: 31)]))
        // What is about to end may be gone, or there for a little longer than the book has it.
        #expect(isAsHeld([], after: 150))
        #expect(isAsHeld([held, holding(cloud, 2, for: 30)]))
    }

    @Test func takesFromAnEarlierRunWhatThatCanHavePutThere() throws {
        var book = book()
        let long = holding(cloud, 1, for: 172_860)
        let loopback = try #require(IPAddress("127.0.0.1"))
        book.take(
            [
                long, holding(cloud, 2, for: 172_861),
                LearnedAddresses.Holding(set: cloud, address: loopback, until: start + .seconds(60)),
            ],
            now: start
        )
        #expect(book.living(now: start) == [long])
        book.take((0...LearnedAddresses.limit).map { holding(web, $0, for: 60) }, now: start)
        #expect(book.counts(now: start) == [cloud: 1, web: LearnedAddresses.limit])
    }
}
