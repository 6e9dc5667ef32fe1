// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import PrivateDNS

/// RFC 9460 section 2.2, octet by octet.
struct ServiceBindingTests {
    private static let hint: [UInt8] = [0, 4, 0, 8, 10, 20, 0, 1, 20, 1, 2, 3]

    private func record(_ data: [UInt8]) throws -> (view: RecordView, message: [UInt8]) {
        let message = MessageText(flags: 0x8180, answers: [MessageText.record("a.test", .https, ttl: 60, data)]).bytes
        return (try RecordView(message.span, at: MessageSize.header), message)
    }

    @Test func findsAllHints() throws {
        let alpn: [UInt8] = [0, 1, 0, 3, 2, 104, 50]
        let hint6: [UInt8] = [0, 6, 0, 16, 0xfd, 0, 0, 0x20] + [UInt8](repeating: 0, count: 11) + [1]
        let (view, message) = try record([0, 1, 0] + alpn + Self.hint + hint6)
        try view.checkData(message.span)
        #expect(view.addresses(in: message.span).map(\.description) == ["10.20.0.1", "20.1.2.3", "fd00:20::1"])
    }

    @Test func hasNoneInAliasMode() throws {
        let (view, message) = try record([0, 0] + MessageText.wire("www.example.net"))
        try view.checkData(message.span)
        #expect(view.addresses(in: message.span) == [])
    }

    @Test(
        arguments: [
            ("no target", [0, 1]),
            ("a target without an end", [0, 1, 3, 97, 98]),
            ("a target that is a pointer", [0, 1, 0xc0, 12]),
            ("half of a parameter's head", [0, 1, 0, 0, 4, 0]),
            ("a value that is too long", [0, 1, 0, 0, 4, 0, 8, 10, 20, 0, 1]),
            ("a hint that is no address", [0, 1, 0, 0, 4, 0, 3, 10, 20, 0]),
            ("a hint of nothing", [0, 1, 0, 0, 4, 0, 0]),
            ("an IPv6 hint that is none", [0, 1, 0, 0, 6, 0, 4, 10, 20, 0, 1]),
            ("a parameter twice", [0, 1, 0, 0, 3, 0, 2, 1, 187, 0, 3, 0, 2, 1, 187]),
            ("parameters in falling order", [0, 1, 0, 0, 3, 0, 2, 1, 187, 0, 1, 0, 0]),
        ] as [(String, [UInt8])]
    )
    func refuses(_ what: String, _ data: [UInt8]) throws {
        let (view, message) = try record(data)
        #expect(throws: FormatError.malformedData, "\(what)") { try view.checkData(message.span) }
    }
}
