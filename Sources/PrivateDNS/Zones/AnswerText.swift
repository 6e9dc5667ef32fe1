// SPDX-License-Identifier: Apache-2.0

import CLdns
import CLinux
import NetworkTypes
import SystemIO

/// An answer of ours in presentation form, by libldns; its pointers stay in this file.
public struct AnswerText: Hashable, Sendable {
    /// What it says.
    public let code: ResponseCode
    /// The records of the answer section, `hub1.example.net. 10 IN A 10.20.0.5`.
    public private(set) var records: [String] = []
    /// The Extended DNS Error (RFC 8914): its number and text, `3`, `23 10.20.0.53: no answer`.
    public private(set) var remark: String?

    /// Reads an answer that the resolver made; nil for octets that are none.
    public init?(_ message: [UInt8]) {
        let span = message.span
        guard message.count >= MessageSize.header, let question = try? WireName.skip(span, at: MessageSize.header)
        else {
            return nil
        }
        var code = span.uint16(at: 2) & HeaderFlags.responseCode
        var offset = question + 4
        let answers = Int(span.uint16(at: 6))
        for index in 0..<(answers + Int(span.uint16(at: 8)) + Int(span.uint16(at: 10))) {
            guard let record = try? RecordView(span, at: offset) else { return nil }
            if index < answers {
                var wire: [UInt8] = []
                record.appendExpanded(span, ttl: record.ttl, to: &wire)
                records.append(Self.text(of: wire))
            } else if record.type == .opt {
                code |= UInt16(record.ttl >> 24) << 4
                remark = Self.remark(span.extracting(record.data))
            }
            offset = record.end
        }
        self.code = ResponseCode(rawValue: code)
    }

    private static func text(of wire: [UInt8]) -> String {
        var record: UnsafeMutablePointer<ldns_rr>?
        var position = 0
        guard unsafe ldns_wire2rr(&record, wire, wire.count, &position, LDNS_SECTION_ANSWER) == LDNS_STATUS_OK else {
            return "a record that has no text"
        }
        defer { unsafe ldns_rr_free(record) }
        guard let text = unsafe ldns_rr2str(record) else { return "a record that has no text" }
        defer { unsafe free(text) }
        let words = unsafe String(cString: text).split { $0 == "\t" || $0 == "\n" }
        return words.joined(separator: " ")
    }

    private static func remark(_ options: Span<UInt8>) -> String? {
        var offset = 0
        while offset + 4 <= options.count {
            let end = offset + 4 + Int(options.uint16(at: offset + 2))
            guard end <= options.count else { return nil }
            if options.uint16(at: offset) == OPT.extendedErrorOption, end >= offset + 6 {
                let text = String(decoding: [UInt8](options.extracting(offset + 6..<end)), as: UTF8.self)
                return ["\(options.uint16(at: offset + 4))", text].filter { !$0.isEmpty }.joined(separator: " ")
            }
            offset = end
        }
        return nil
    }
}
