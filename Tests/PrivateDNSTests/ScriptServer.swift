// SPDX-License-Identifier: Apache-2.0

import CLdns
import CLinux
import NetworkTypes
import Testing

@testable import PrivateDNS

/// A server of a scenario: it answers from its records, whole chains of aliases at once, as a recursive one does. It uses
/// libldns for what the resolver does by itself.
struct ScriptServer {
    private struct Record {
        let owner: String
        let type: UInt16
        let wire: [UInt8]
        let target: String?
    }

    private let records: [Record]
    private let manner: String?

    /// - Parameter manner: `silent`, `refused`, `servfail`, `truncating` over UDP, `validating`: it says to whom asks so that
    ///   its data is authentic; nil for one that answers.
    init(_ lines: [String], _ manner: String?) throws {
        self.manner = manner
        records = try lines.map { line in
            let record = try PresentationRecord(line, origin: .root, defaultTTL: 60)
            let target = record.type == .cname ? DomainName(wire: record.data)?.description : nil
            let wire = MessageText.record(
                record.owner.withoutRootDot == "." ? "" : record.owner.withoutRootDot,
                record.type,
                ttl: record.ttl,
                record.data
            )
            return Record(owner: record.owner.description, type: record.type.rawValue, wire: wire, target: target)
        }
    }

    /// `NAME TYPE` of the question of a message, and what it wants besides.
    static func text(of message: [UInt8]) -> String {
        let (name, type) = question(message)
        let wishes = [("do", wantsDNSSEC(message)), ("ad", message[3] & 0x20 != 0), ("cd", message[3] & 0x10 != 0)]
        return "\(name.withoutRootDot) \(RecordText.type(type))" + wishes.filter(\.1).map { " " + $0.0 }.joined()
    }

    private static func wantsDNSSEC(_ message: [UInt8]) -> Bool {
        Reply(message).records.contains { $0.type == .opt && $0.ttl & 0x8000 != 0 }
    }

    private static func question(_ message: [UInt8]) -> (DomainName, UInt16) {
        var end = 12
        while message[end] != 0 { end += Int(message[end]) + 1 }
        let type = UInt16(message[end + 1]) << 8 | UInt16(message[end + 2])
        return (DomainName(wire: message[12...end]) ?? .root, type)
    }

    /// The answer to a question; nil for none.
    func answer(_ message: [UInt8], _ transport: UpstreamTransport) -> [UInt8]? {
        let (name, type) = Self.question(message)
        switch manner {
        case "silent": return nil
        case "refused": return MessageText.answer(to: message, code: 5)
        case "servfail": return MessageText.answer(to: message, code: 2)
        case "truncating" where transport == .datagram: return MessageText.answer(to: message, flags: 0x8380)
        default: break
        }
        var current = name.description
        var answers: [[UInt8]] = []
        for _ in 0..<32 {
            let here = records.filter { $0.owner == current }
            let found = here.filter { $0.type == type || $0.type == RecordType.rrsig.rawValue }
            answers += found.map(\.wire)
            guard found.isEmpty, let alias = here.first(where: { $0.target != nil }), let target = alias.target else {
                break
            }
            answers.append(alias.wire)
            current = target
        }
        let isThere = records.contains { $0.owner == current || $0.owner.hasSuffix(".\(current)") }
        let isPositive = records.contains { $0.owner == current && $0.type == type }
        let zone = current.split(separator: ".").suffix(2).joined(separator: ".")
        let soa = MessageText.soa(zone, ttl: 60, minimum: 60)
        return MessageText.answer(
            to: message,
            code: isThere ? 0 : 3,
            answers: answers,
            authority: isPositive ? [] : [soa],
            flags: manner == "validating" && (message[3] & 0x20 != 0 || Self.wantsDNSSEC(message)) ? 0x81a0 : 0x8180
        )
    }
}

/// An answer in the words of a scenario.
struct ScriptReply {
    /// The code, flags, and the number of an Extended DNS Error.
    let head: String
    /// One line a record: section if it is not the answer's, owner, TTL, type, data.
    let records: [String]

    init(_ message: [UInt8]) {
        let reply = Reply(message)
        var head = ResponseCode(rawValue: UInt16(reply.code)).text
        if reply.number(at: 2) & Int(HeaderFlags.authoritative) != 0 { head += " aa" }
        if reply.isTruncated { head += " tc" }
        if reply.bytes[3] & 0x20 != 0 { head += " ad" }
        if reply.bytes[3] & 0x10 != 0 { head += " cd" }
        if let error = reply.extendedError { head += " ede \(error.code)" }
        self.head = head
        records = RecordText.records(of: message)
    }

    /// An expected line as libldns writes what it says.
    static func normal(_ line: String) throws -> String {
        let isAuthority = line.hasPrefix("authority ")
        let text = isAuthority ? String(line.dropFirst("authority ".count)) : line
        let record = try PresentationRecord(text, origin: .root, defaultTTL: 60)
        let owner = record.owner.withoutRootDot == "." ? "" : record.owner.withoutRootDot
        let wire = MessageText.record(owner, record.type, ttl: record.ttl, record.data)
        return (isAuthority ? "authority " : "") + RecordText.text(wire)
    }
}

/// Records as text, by libldns.
enum RecordText {
    static func type(_ number: UInt16) -> String {
        guard let text = unsafe ldns_rr_type2str(ldns_rr_type(UInt32(number))) else { return "TYPE\(number)" }
        defer { unsafe free(text) }
        return unsafe String(cString: text)
    }

    /// All records of a message but its OPT.
    static func records(of message: [UInt8]) -> [String] {
        var packet: UnsafeMutablePointer<ldns_pkt>?
        guard unsafe ldns_wire2pkt(&packet, message, message.count) == LDNS_STATUS_OK, let packet = unsafe packet else {
            return ["not a message"]
        }
        defer { unsafe ldns_pkt_free(packet) }
        let sections: [(String, UnsafeMutablePointer<ldns_rr_list>?)] = unsafe [
            ("", ldns_pkt_answer(packet)), ("authority ", ldns_pkt_authority(packet)),
        ]
        return unsafe sections.flatMap { name, list in
            unsafe (0..<ldns_rr_list_rr_count(list)).compactMap { index in
                unsafe text(ldns_rr_list_rr(list, index)).map { name + $0 }
            }
        }
    }

    /// An uncompressed record.
    static func text(_ wire: [UInt8]) -> String {
        var record: UnsafeMutablePointer<ldns_rr>?
        var position = 0
        let section = LDNS_SECTION_ANSWER
        guard unsafe ldns_wire2rr(&record, wire, wire.count, &position, section) == LDNS_STATUS_OK else {
            return "not a record"
        }
        defer { unsafe ldns_rr_free(record) }
        return unsafe text(record) ?? "not a record"
    }

    private static func text(_ record: UnsafeMutablePointer<ldns_rr>?) -> String? {
        guard let text = unsafe ldns_rr2str(record) else { return nil }
        defer { unsafe free(text) }
        return unsafe String(cString: text).split { $0 == "\t" || $0 == "\n" || $0 == " " }.joined(separator: " ")
    }
}
