// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Tunnel

/// Octets of messages and packets: the README's, those of strongSwan's own cases, and the bounds.
struct VICIMessageTests {
    private static func octets(_ message: VICIMessage) throws -> [UInt8] {
        var octets: [UInt8] = []
        try message.encode(into: &octets)
        #expect(octets.count == message.encodedSize)
        return octets
    }

    private static func read(_ octets: [UInt8]) throws(VICIGarbage) -> VICIMessage {
        var reader = VICIReader(octets)
        return try VICIMessage(from: &reader)
    }

    /// An element's octets, by hand.
    private static func start(_ name: String) -> [UInt8] { [1, UInt8(name.utf8.count)] + Array(name.utf8) }
    private static func pair(_ name: String, _ value: [UInt8]) -> [UInt8] {
        [3, UInt8(name.utf8.count)] + Array(name.utf8) + [UInt8(value.count >> 8), UInt8(value.count & 255)] + value
    }
    private static func list(_ name: String, _ items: [[UInt8]]) -> [UInt8] {
        [4, UInt8(name.utf8.count)] + Array(name.utf8)
            + items.flatMap { [5, UInt8($0.count >> 8), UInt8($0.count & 255)] + $0 } + [6]
    }

    /// "Encoding example" of the vici plugin's README.
    @Test func writesAndReadsTheExampleOfTheREADME() throws {
        let message = VICIMessage.made {
            $0.append("key1", "value1")
            $0.append(
                "section1",
                section: .made {
                    $0.append("sub-section", section: .made { $0.append("key2", "value2") })
                    $0.append("list1", texts: ["item1", "item2"])
                }
            )
        }
        let octets: [UInt8] =
            [3, 4] + Array("key1".utf8) + [0, 6] + Array("value1".utf8)
            + [1, 8] + Array("section1".utf8)
            + [1, 11] + Array("sub-section".utf8)
            + [3, 4] + Array("key2".utf8) + [0, 6] + Array("value2".utf8)
            + [2]
            + [4, 5] + Array("list1".utf8)
            + [5, 0, 5] + Array("item1".utf8)
            + [5, 0, 5] + Array("item2".utf8)
            + [6]
            + [2]
        #expect(try Self.octets(message) == octets)
        #expect(try Self.read(octets) == message)
        #expect(message.section("section1").section("sub-section").text("key2") == "value2")
        #expect(message.section("section1").texts("list1") == ["item1", "item2"])
    }

    /// The trees of strongSwan's suite test_message.c: simple, nested, list, blobs; octets written by hand.
    @Test func writesAndReadsTheTreesOfStrongSwansSuite() throws {
        let value1 = Array("value1".utf8)
        let value2 = Array("value2".utf8)
        let blob = (0..<513).map { UInt8(truncatingIfNeeded: $0 &* 167) }
        let cases: [(VICIMessage, [UInt8])] = [
            (
                .made {
                    $0.append(
                        "section1",
                        section: .made {
                            $0.append("key1", "value1")
                            $0.append("key2", "value2")
                        }
                    )
                },
                Self.start("section1") + Self.pair("key1", value1) + Self.pair("key2", value2) + [2]
            ),
            (
                .made {
                    $0.append(
                        "section1",
                        section: .made {
                            $0.append(
                                "section2",
                                section: .made {
                                    $0.append(
                                        "section3",
                                        section: .made {
                                            $0.append("key1", "value1")
                                            $0.append("section4", section: .made { $0.append("key2", "value2") })
                                        }
                                    )
                                }
                            )
                            $0.append("key3", "value3")
                        }
                    )
                },
                Self.start("section1") + Self.start("section2") + Self.start("section3") + Self.pair("key1", value1)
                    + Self.start("section4") + Self.pair("key2", value2) + [2, 2, 2]
                    + Self.pair("key3", Array("value3".utf8)) + [2]
            ),
            (
                .made {
                    $0.append(
                        "section1",
                        section: .made {
                            $0.append("list1", texts: ["item1", "item2"])
                            $0.append("key1", "value1")
                        }
                    )
                },
                Self.start("section1") + Self.list("list1", [Array("item1".utf8), Array("item2".utf8)])
                    + Self.pair("key1", value1) + [2]
            ),
            (
                .made {
                    $0.append("key1", blob)
                    $0.append(
                        "section1",
                        section: .made {
                            $0.append("list1", list: [blob, blob])
                            $0.append("key2", blob)
                        }
                    )
                },
                Self.pair("key1", blob) + Self.start("section1") + Self.list("list1", [blob, blob])
                    + Self.pair("key2", blob) + [2]
            ),
        ]
        for (message, octets) in cases {
            #expect(try Self.octets(message) == octets)
            #expect(try Self.read(octets) == message)
        }
    }

    /// What strongSwan's getters give of the same message (test_message.c: build_getter_msg).
    @Test func findsValuesOfAllKinds() {
        let message = VICIMessage.made {
            $0.append("key1", 1)
            $0.append("key4", "asdf")
            $0.append("key5", "")
            $0.append("up", true)
            $0.append("if-id-in", "0000002a")
            $0.append("empty", list: [])
        }
        #expect(message.number("key1") == 1 && message.text("key4") == "asdf" && message.octets("key5") == [])
        #expect(message.number("key4", as: Int.self) == nil && message.number("key5", as: Int.self) == nil)
        #expect(message.number("nonexistent", as: Int.self) == nil && message.text("empty") == nil)
        #expect(message.flag("up") && !message.flag("key1") && message.hexadecimal("if-id-in") == 42)
        #expect(message.list("empty") == [] && message.section("key1").elements.isEmpty)
    }

    @Test(
        arguments: [
            ([3], .truncated), ([3, 4, 107], .truncated), ([3, 1, 107], .truncated), ([3, 1, 107, 0], .truncated),
            ([3, 1, 107, 0, 2, 1], .truncated), ([3, 1, 107, 255, 255], .truncated), ([4, 1, 107], .truncated),
            ([4, 1, 107, 5, 0, 1], .truncated), ([2], .unbalanced), ([1, 1, 115], .unbalanced),
            ([1, 1, 115, 2, 2], .unbalanced), ([6], .misplaced), ([5, 0, 0], .misplaced),
            ([4, 1, 107, 4, 1, 107, 6, 6], .misplaced), ([4, 1, 107, 3, 1, 107, 0, 0, 6], .misplaced),
            ([4, 1, 107, 1, 1, 107, 2, 6], .misplaced), ([4, 1, 107, 2], .misplaced), ([0], .elementType),
            ([7], .elementType), ([4, 1, 107, 9], .elementType),
            (Array(repeating: [1, 0], count: 17).flatMap { $0 } + Array(repeating: 2, count: 17), .tooDeep),
        ] as [([UInt8], VICIGarbage)]
    )
    func refusesWhatIsNoMessage(octets: [UInt8], reason: VICIGarbage) {
        #expect(throws: reason) { try Self.read(octets) }
    }

    @Test func holdsWhatTheLengthsCanSayAndNoMore() throws {
        let longest = VICIMessage.made {
            $0.append(String(repeating: "n", count: 255), Array(repeating: 7, count: 65_535))
        }
        #expect(try Self.read(Self.octets(longest)) == longest)
        let name = String(repeating: "n", count: 256)
        #expect(throws: VICIEncodingError.nameTooLong(name)) {
            try Self.octets(.made { $0.append(name, "") })
        }
        let value = VICIMessage.made { $0.append("data", Array(repeating: 7, count: 65_536)) }
        #expect(throws: VICIEncodingError.valueTooLong(name: "data", octets: 65_536)) { try Self.octets(value) }
        let item = VICIMessage.made { $0.append("certs", list: [Array(repeating: 7, count: 65_536)]) }
        #expect(throws: VICIEncodingError.valueTooLong(name: "certs", octets: 65_536)) { try Self.octets(item) }
        var deep = VICIMessage()
        for _ in 0..<16 { deep = .made { [deep] in $0.append("s", section: deep) } }
        #expect(try Self.read(Self.octets(deep)) == deep)
        #expect(throws: VICIEncodingError.tooDeep) {
            try Self.octets(.made { [deep] in $0.append("s", section: deep) })
        }
        // A type of one octet, a name of six, 512 KiB less seven octets of a message; then one octet more.
        let room = (512 << 10) - 7 - 8 * (4 + 1 + 65_525) - 5
        let full = VICIMessage.made {
            for _ in 0..<8 { $0.append("k", Array(repeating: 7, count: 65_525)) }
            $0.append("l", Array(repeating: 7, count: room))
        }
        let segment = try VICIPacket.request(name: Array("abcde".utf8), full).segment()
        #expect(segment.prefix(4) == [0, 8, 0, 0] && segment.count == 4 + (512 << 10))
        #expect(throws: VICIEncodingError.segmentTooLong(octets: (512 << 10) + 1)) {
            try VICIPacket.request(name: Array("abcdef".utf8), full).segment()
        }
    }

    /// Octets as the layout of packets in the README has them.
    @Test(
        arguments: [
            (.request(name: Array("version".utf8), VICIMessage()), [0, 0, 0, 9, 0, 7] + Array("version".utf8)),
            (
                .response(.made { $0.append("success", true) }),
                [0, 0, 0, 15, 1, 3, 7] + Array("success".utf8) + [0, 3] + Array("yes".utf8)
            ),
            (.commandUnknown, [0, 0, 0, 1, 2]), (.register(name: [120]), [0, 0, 0, 3, 3, 1, 120]),
            (.unregister(name: [120]), [0, 0, 0, 3, 4, 1, 120]), (.eventConfirmed, [0, 0, 0, 1, 5]),
            (.eventUnknown, [0, 0, 0, 1, 6]),
            (.event("x", .made { $0.append("k", "v") }), [0, 0, 0, 9, 7, 1, 120, 3, 1, 107, 0, 1, 118]),
        ] as [(VICIPacket, [UInt8])]
    )
    func writesAndReadsPackets(packet: VICIPacket, octets: [UInt8]) throws {
        #expect(try packet.segment() == octets)
        #expect(try VICIPacket(Array(octets.dropFirst(4))) == packet)
    }

    @Test(
        arguments: [
            ([], .empty), ([8], .packetType), ([255], .packetType), ([2, 0], .trailing), ([5, 1], .trailing),
            ([3, 1, 120, 0], .trailing), ([7], .truncated), ([7, 9, 120], .truncated), ([0, 1], .truncated),
        ] as [([UInt8], VICIGarbage)]
    )
    func refusesWhatIsNoPacket(octets: [UInt8], reason: VICIGarbage) {
        #expect(throws: reason) { try VICIPacket(octets) }
    }

    /// The same segments, however the stream is cut.
    @Test(arguments: [1, 2, 3, 5, 64]) func findsSegmentsInAnyCut(size: Int) throws {
        let stream: [UInt8] = [0, 0, 0, 1, 2, 0, 0, 0, 3, 3, 1, 120, 0, 0, 0, 1, 5, 0, 0, 0, 9]
        var segments = VICISegments()
        var found: [[UInt8]] = []
        for start in stride(from: 0, to: stream.count, by: size) {
            segments.append(stream[start..<min(start + size, stream.count)])
            while let segment = try segments.next() { found.append(segment) }
        }
        #expect(found == [[2], [3, 1, 120], [5]])
    }

    @Test func refusesSegmentsOfNoLengthAndOfTooMuch() throws {
        var none = VICISegments()
        none.append([0, 0, 0, 0])
        #expect(throws: VICIGarbage.empty) { try none.next() }
        var long = VICISegments()
        long.append([0, 8, 0, 1])
        #expect(throws: VICIGarbage.oversized) { try long.next() }
        var most = VICISegments()
        most.append([0, 8, 0, 0])
        #expect(try most.next() == nil)
    }

    @Test func neverPrintsAValue() {
        let message = VICIMessage.made {
            $0.append("data", "hunter2")
            $0.append("list", texts: ["hunter2"])
            $0.append("section", section: .made { $0.append("data", "hunter2") })
        }
        var dumped = ""
        dump(message, to: &dumped)
        dump(message.elements, to: &dumped)
        dump(VICIPacket.response(message), to: &dumped)
        let printed = "\(message) \(message.elements) \(String(reflecting: message)) \(VICIPacket.response(message))"
        #expect(!(dumped + printed).contains("hunter2") && !(dumped + printed).contains("104"))
        #expect("\(message)" == "{data list[1] section {data}}")
    }
}
