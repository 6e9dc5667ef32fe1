// SPDX-License-Identifier: Apache-2.0
// Messages for tests, made by hand: what is under test must not make what it is tested with.

import NetworkTypes

@testable import PrivateDNS

/// A message that is put together field by field.
struct MessageText {
    var id: UInt16 = 0x1234
    var flags: UInt16 = 0x0100
    var questions: [(name: String, type: UInt16, classNumber: UInt16)] = []
    var answers: [[UInt8]] = []
    var authority: [[UInt8]] = []
    var additional: [[UInt8]] = []

    static func query(
        _ name: String,
        _ type: RecordType = .a,
        id: UInt16 = 0x1234,
        edns: [UInt8]? = nil
    ) -> MessageText {
        var message = MessageText(id: id)
        message.questions = [(name, type.rawValue, 1)]
        if let edns { message.additional = [edns] }
        return message
    }

    /// An OPT record: root, 41, payload size, extended code, version, DO.
    static func opt(size: UInt16 = 1232, version: UInt8 = 0, dnssecOK: Bool = false, options: [UInt8] = []) -> [UInt8] {
        [0, 0, 41, UInt8(size >> 8), UInt8(size & 255), 0, version, dnssecOK ? 0x80 : 0, 0]
            + [UInt8(options.count >> 8), UInt8(options.count & 255)] + options
    }

    /// An uncompressed record.
    static func record(_ name: String, _ type: RecordType, ttl: UInt32, _ data: [UInt8]) -> [UInt8] {
        var record = wire(name)
        record.append(type.rawValue)
        record.append(1 as UInt16)
        record.append(ttl)
        record.append(UInt16(data.count))
        return record + data
    }

    static func soa(_ zone: String, ttl: UInt32, minimum: UInt32) -> [UInt8] {
        var data = wire("ns.\(zone)") + wire("admin.\(zone)")
        for value in [1, 2, 3, 4, minimum] { data.append(value as UInt32) }
        return record(zone, .soa, ttl: ttl, data)
    }

    /// Keeps the case, which DomainName does not.
    static func wire(_ name: String) -> [UInt8] {
        name.split(separator: ".").flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) } + [0]
    }

    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(id)
        bytes.append(flags)
        for count in [questions.count, answers.count, authority.count, additional.count] { bytes.append(UInt16(count)) }
        for question in questions {
            bytes += Self.wire(question.name)
            bytes.append(question.type)
            bytes.append(question.classNumber)
        }
        for record in answers + authority + additional { bytes += record }
        return bytes
    }

    /// The answer to a question that was asked upstream.
    static func answer(
        to query: [UInt8],
        code: UInt16 = 0,
        answers: [[UInt8]] = [],
        authority: [[UInt8]] = [],
        additional: [[UInt8]] = [],
        flags: UInt16 = 0x8180
    ) -> [UInt8] {
        var end = 12
        while query[end] != 0 { end += Int(query[end]) + 1 }
        end += 5
        var message: [UInt8] = Array(query[..<2])
        message.append(flags | code)
        message.append(1 as UInt16)
        message.append(UInt16(answers.count))
        message.append(UInt16(authority.count))
        message.append(UInt16(additional.count))
        return message + query[12..<end] + (answers + authority + additional).joined()
    }
}
