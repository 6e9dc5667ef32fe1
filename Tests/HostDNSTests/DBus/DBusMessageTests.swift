// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import HostDNS

struct DBusMessageTests {
    private static func text(_ text: String) -> [UInt8] { Array(text.utf8) }

    /// What every client says first.
    private static let hello: [UInt8] =
        text("l") + [1, 2, 1]  // little-endian, METHOD_CALL, NO_AUTO_START, version
        + [0, 0, 0, 0]  // body's length
        + [7, 0, 0, 0]  // serial
        + [109, 0, 0, 0]  // header fields' length
        + [1, 1] + text("o") + [0, 21, 0, 0, 0] + text("/org/freedesktop/DBus") + [0, 0, 0]  // PATH, padding
        + [2, 1] + text("s") + [0, 20, 0, 0, 0] + text("org.freedesktop.DBus") + [0, 0, 0, 0]  // INTERFACE, padding
        + [3, 1] + text("s") + [0, 5, 0, 0, 0] + text("Hello") + [0, 0, 0]  // MEMBER, padding
        + [6, 1] + text("s") + [0, 20, 0, 0, 0] + text("org.freedesktop.DBus") + [0]  // DESTINATION
        + [0, 0, 0]  // padding to the body

    /// What SetLinkDNSEx is told of 127.0.0.1:5353 on link 3.
    private static let servers: [UInt8] =
        [3, 0, 0, 0]  // INT32
        + [21, 0, 0, 0]  // the array's length: from the structure to its end
        + [2, 0, 0, 0]  // AF_INET
        + [4, 0, 0, 0, 127, 0, 0, 1]  // the address
        + [0xe9, 0x14]  // port 5353
        + [0, 0]  // padding
        + [0, 0, 0, 0, 0]  // no name in TLS

    private static let call: DBusMessage = {
        var message = DBusMessage(.call)
        message.serial = 7
        message.path = "/org/freedesktop/DBus"
        message.interface = "org.freedesktop.DBus"
        message.member = "Hello"
        message.destination = "org.freedesktop.DBus"
        return message
    }()

    private static let arguments: [DBusValue] = [
        .int32(3),
        .array(of: "(iayqs)", [.structure([.int32(2), .bytes([127, 0, 0, 1]), .uint16(5353), .string("")])]),
    ]

    @Test func writesAndReadsTheFirstMessage() throws {
        #expect(Self.call.bytes == Self.hello)
        #expect(try DBusMessage.length(Self.hello[...]) == 128)
        #expect(try DBusMessage(Self.hello[...]) == Self.call)
    }

    @Test func writesAndReadsArguments() throws {
        var message = Self.call
        message.body = Self.arguments
        let bytes = message.bytes
        #expect(Array(bytes.suffix(Self.servers.count)) == Self.servers)
        #expect(try DBusMessage(bytes[...]) == message)
        #expect(message.body.map(\.signature).joined() == "ia(iayqs)")
    }

    @Test func readsTheOtherByteOrder() throws {
        var reader = DBusReader([0, 0, 0, 1, 0, 0, 0, 2, 0x68, 0x69, 0], isLittleEndian: false)
        #expect(try reader.values("us") == [.uint32(1), .string("hi")])
    }

    @Test func readsEverythingThatItWrites() throws {
        let values: [DBusValue] = [
            .byte(1), .uint64(1 << 40), .boolean(true), .signature("a{sv}"), .objectPath("/a"),
            .array(of: "{sv}", [.entry(.string("k"), .variant(.array(of: "t", [])))]), .variant(.structure([.byte(2)])),
        ]
        var writer = DBusWriter()
        for value in values { writer.put(value) }
        var reader = DBusReader(writer.bytes[...], isLittleEndian: true)
        #expect(try reader.values(values.map(\.signature).joined()) == values)
        #expect(reader.position == writer.bytes.count)
    }

    @Test(arguments: [
        ("(", DBusGarbage.signature), ("a", .signature), ("()", .signature), ("a()", .signature), ("z", .signature),
        ("(i", .signature), ("{s}", .text), ("b", .boolean), ("aaaaaaaaaai", .depth), ("tttttt", .truncated),
    ])
    func refusesWhatIsNoDBus(signature: String, error: DBusGarbage) {
        var octets = [UInt8](repeating: 1, count: 32)
        if signature == "aaaaaaaaaai" {
            octets = (0..<12).flatMap { [UInt8(44 - 4 * $0), 0, 0, 0] }
        } else if signature == "b" {
            octets = [2, 0, 0, 0]
        } else if signature == "{s}" {
            octets = [1, 0, 0, 0, 0, 1]
        } else if signature == "a()" {
            octets = [1, 0, 0, 0, 0, 0, 0, 0, 1]
        }
        #expect(throws: error) {
            var reader = DBusReader(octets[...], isLittleEndian: true)
            _ = try reader.values(signature)
        }
    }

    /// 64 MiB of body are announced: nobody waits for them.
    @Test func refusesWhatIsTooLong() {
        var bytes = Self.hello
        bytes[7] = 4
        #expect(throws: DBusGarbage.tooLong) { try DBusMessage.length(bytes[...]) }
    }

    /// Whatever a single octet is changed to, and wherever it is cut, there is an answer.
    @Test func standsAnyChange() {
        var message = Self.call
        message.body = Self.arguments
        let bytes = message.bytes
        for place in bytes.indices {
            for value in [0, 1, 0x28, 0x61, 0x7f, 0x80, 0xff] as [UInt8] {
                var changed = bytes
                changed[place] = value
                _ = try? DBusMessage.length(changed[...])
                _ = try? DBusMessage(changed[...])
            }
            _ = try? DBusMessage(bytes[..<place])
        }
    }
}
