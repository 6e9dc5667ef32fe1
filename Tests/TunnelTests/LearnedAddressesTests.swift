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

    private func holding(_ set: NameSetName, _ number: Int, for seconds: Int64) -> LearnedAddresses.Holding {
        LearnedAddresses.Holding(set: set, address: address(number), until: start + .seconds(seconds))
    }

    @Test func holdsForLongerThanWasAskedFor() {
        var book = book()
        #expect(
            book.hold(address(1), in: [cloud, web], lifetime: 120, now: start) == [
                holding(cloud, 1, for: 180), holding(web, 1, for: 180),
            ]
        )
        #expect(book.counts(now: start + .seconds(179)) == [cloud: 1, web: 1])
        #expect(book.counts(now: start + .seconds(180)) == [cloud: 0, web: 0])
    }

    @Test func wantsNothingOfTheKernelThatItHolds() {
        var book = book()
        _ = book.hold(address(1), in: [cloud], lifetime: 120, now: start)
        #expect(book.hold(address(1), in: [cloud], lifetime: 120, now: start + .seconds(60)) == [])
        #expect(
            book.hold(address(1), in: [cloud], lifetime: 121, now: start + .seconds(60)) == [
                holding(cloud, 1, for: 241)
            ]
        )
        #expect(
            book.hold(address(1), in: [cloud, web], lifetime: 120, now: start + .seconds(60)) == [
                holding(web, 1, for: 240)
            ]
        )
    }

    @Test(arguments: [(0, 180), (120, 180), (172_800, 172_860), (UInt32.max, 172_860)] as [(UInt32, Int64)])
    func keepsTimesWithinBounds(asked: UInt32, held: Int64) {
        var book = book()
        let holdings = book.hold(address(1), in: [cloud], lifetime: asked, now: start)
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
        #expect(book.hold(address(1), in: [cloud, other], lifetime: 120, now: start) == nil)
        #expect(book.living(now: start) == [])
        book.keep(only: [other])
        #expect(book.hold(address(1), in: [cloud], lifetime: 120, now: start) == nil)
    }

    @Test func aSetIsFullUntilOthersEnd() {
        var book = book()
        for number in 1...LearnedAddresses.limit {
            #expect(book.hold(address(number), in: [cloud], lifetime: 120, now: start)?.count == 1)
        }
        #expect(book.hold(address(9_000), in: [cloud], lifetime: 120, now: start) == nil)
        #expect(book.full == [cloud])
        // What is in it may stay, and another set has room.
        #expect(book.hold(address(1), in: [cloud], lifetime: 300, now: start)?.count == 1)
        #expect(book.hold(address(9_000), in: [web], lifetime: 120, now: start)?.count == 1)
        #expect(book.counts(now: start) == [cloud: LearnedAddresses.limit, web: 1])
        #expect(book.hold(address(9_000), in: [cloud], lifetime: 120, now: start + .seconds(180))?.count == 1)
        #expect(book.full == [])
        #expect(book.counts(now: start + .seconds(180)) == [cloud: 2, web: 0])
    }

    @Test func allSetsTogetherHaveABound() throws {
        var book = LearnedAddresses()
        let names = try (0..<5).map { try #require(NameSetName("set\($0)")) }
        book.keep(only: names)
        for name in names {
            for number in 0..<LearnedAddresses.limit {
                _ = book.hold(address(number), in: [name], lifetime: 120, now: start)
            }
        }
        #expect(book.living(now: start).count == LearnedAddresses.totalLimit)
        #expect(book.full == [names[4]])
    }

    @Test func forgetsWhatTheKernelDidNotTake() {
        var book = book()
        let holdings = book.hold(address(1), in: [cloud], lifetime: 120, now: start)
        book.drop(holdings ?? [])
        #expect(book.hold(address(1), in: [cloud], lifetime: 120, now: start) == holdings)
    }
}
