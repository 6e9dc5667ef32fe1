// SPDX-License-Identifier: Apache-2.0

import Journal
import NetworkTypes
import PathHealth
import SystemIO
import Testing

struct JournalReaderTests {
    /// All records of a segment, and how many octets at its end are none.
    private func read(_ octets: [UInt8]) throws(JournalError) -> (entries: [JournalEntry], torn: Int) {
        var reader = try JournalReader(octets)
        var entries: [JournalEntry] = []
        while let entry = try reader.next() { entries.append(entry) }
        return (entries, reader.torn)
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func whatIsWrittenIsRead(seed: UInt64) throws {
        let chaos = Chaos(seed: seed, steps: 400)
        let (entries, torn) = try read(chaos.segment)
        #expect(entries == chaos.entries)
        #expect(torn == 0)
    }

    @Test func anAnswerTakesSixOctetsAndTimeFive() throws {
        let target = Target.icmp(.v4(IPv4Address(bits: 0x0a14_0004)))
        let subject = ProbeSubject(
            network: try #require(NetworkName("azure")),
            path: try #require(PathName("vpn-a")),
            target: target
        )
        var writer = try JournalWriter(Chaos.header(.run))
        var now = Chaos.start
        func octets(_ input: CoreInput) throws -> Int {
            let before = writer.octets
            now = now + .milliseconds(20)
            try writer.add(.told(input), at: now)
            return writer.octets - before
        }
        _ = try octets(.evidence(.answer(Probe(subject: subject, sequence: 65_535))))
        let answer = try octets(.evidence(.answer(Probe(subject: subject, sequence: 0))))
        let time = try octets(.time)
        #expect((answer, time) == (6, 5))
    }

    @Test func theFirstOctetsAreThoseOfTheFormat() throws {
        var writer = try JournalWriter(Chaos.header(.run))
        writer.flush { _ in }
        try writer.add(.told(.time), at: Chaos.start + .nanoseconds(300))
        var block: [UInt8] = []
        writer.flush { block.append($0) }
        let expected: [UInt8] = [
            3, 0, 0, 0,  // octets of the payload
            0xdb, 0x4b, 0xfd, 0x13,  // CRC-32 of the three
            0,  // time went by
            0xac, 2,  // 300 ns
        ]
        #expect(block == expected)
        let begun = try Chaos(seed: 0, steps: 0).segment
        #expect(Array(begun.prefix(9)) == Array("pnetdjnl".utf8) + [2])
    }

    @Test func aTornTailIsLeftOutAtEveryLength() throws {
        let chaos = Chaos(seed: 1, steps: 30)
        let whole = try chaos.segment
        var counts: Set<Int> = []
        for length in 0..<whole.count {
            do throws(JournalError) {
                let (entries, _) = try read(Array(whole.prefix(length)))
                let isPrefix = entries[...] == chaos.entries.prefix(entries.count)
                #expect(isPrefix, "\(length)")
                counts.insert(entries.count)
            } catch {
                #expect(error == .notAJournal, "\(length)")
            }
        }
        #expect(counts.count > 2, "each block that is whole counts")
    }

    @Test func whatWasNotYetOnTheDiskIsATornTailAsWell() throws {
        let whole = try Chaos(seed: 1, steps: 40).segment
        #expect(try read(whole + Array(repeating: 0, count: 4096)).torn == 4096)
        var zeroed = whole
        for index in whole.count - 20..<whole.count { zeroed[index] = 0 }
        #expect(try read(zeroed).torn > 0)
    }

    @Test func aChangedOctetIsFound() throws {
        let whole = try Chaos(seed: 2, steps: 120).segment
        var random = SplitMix(state: 3)
        var places: Set<Int> = []
        for _ in 0..<400 {
            var octets = whole
            let index = Int.random(in: 0..<octets.count, using: &random)
            octets[index] ^= UInt8.random(in: 1...255, using: &random)
            do throws(JournalError) {
                // A length that leads past the end looks like a torn tail.
                #expect(try read(octets).torn > 0, "octet \(index)")
            } catch {
                if case .damaged(let place, _) = error { places.insert(place) }
            }
        }
        #expect(places.count > 3)
    }

    @Test func whatAnotherVersionWroteIsPassedOver() throws {
        let head = try Chaos(seed: 0, steps: 0).segment
        let json = Array(#"{"dreamt":{}}"#.utf8)
        let record: [UInt8] = [UInt8(json.count) << 2 | 2, 1] + json
        let (entries, _) = try read(Self.framed(record + [0, 1], behind: head))
        #expect(entries.suffix(2).map(\.record) == [.unknown, .told(.time)])
    }

    @Test func randomOctetsAreNoJournalAndNoCrash() throws {
        var random = SplitMix(state: 4)
        let head = try Chaos(seed: 0, steps: 0).segment
        for _ in 0..<1_000 {
            let length = Int.random(in: 0..<200, using: &random)
            let noise = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
            _ = try? read(noise)
            _ = try? read(head + noise)
            _ = try? read(Self.framed(noise, behind: head))
        }
    }

    /// The same with a checksum that is right: what then stands in a block is read.
    private static func framed(_ payload: [UInt8], behind head: [UInt8]) -> [UInt8] {
        var checksum: UInt32 = ~0
        for octet in payload {
            checksum ^= UInt32(octet)
            for _ in 0..<8 { checksum = checksum & 1 == 0 ? checksum >> 1 : checksum >> 1 ^ 0xedb8_8320 }
        }
        func four(_ number: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) } }
        return head + four(UInt32(payload.count)) + four(~checksum) + payload
    }
}
