// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import PrivateDNS

/// A recursive server for a small tree of signed and unsigned zones, from the root down.
final class SignedTree {
    struct Zone {
        /// nil for an unsigned one.
        let key: SigningKey?
        /// Records in presentation form; owners of a signed zone in the order of RFC 4034 section 6.1.
        let records: [String]
        /// NSEC3 records in place of NSEC: all of them are in each proof.
        var hashed: [String] = []
    }

    /// What goes out, for tests that change it.
    struct Answer {
        var code: UInt16 = 0
        var answers: [[UInt8]] = []
        var authority: [[UInt8]] = []
    }

    private var zones: [String: [(owner: String, type: RecordType, wire: [UInt8])]] = [:]
    private var denials: [String: [[UInt8]]] = [:]
    private var keys: [String: SigningKey] = [:]
    /// Changes answers, by `NAME TYPE` with the type's number.
    var changes: [String: (inout Answer) -> Void] = [:]
    /// What was asked.
    private(set) var asked: [String] = []

    init(_ zones: [String: Zone]) throws {
        for (name, zone) in zones {
            keys[name] = zone.key
            var records = try zone.records.map { try Self.record($0) }
            if let key = zone.key { records.append((name, .dnskey, key.record)) }
            self.zones[name] = records
        }
        for (name, key) in keys { if name != "." { self.zones[parent(of: name)]?.append((name, .ds, key.ds)) } }
        for (name, zone) in zones where zone.key != nil {
            denials[name] = try zone.hashed.isEmpty ? gaps(of: name) : zone.hashed.map { try Self.record($0).wire }
        }
    }

    static func record(_ text: String) throws -> (owner: String, type: RecordType, wire: [UInt8]) {
        let record = try PresentationRecord(text, origin: .root, defaultTTL: 300)
        var wire = record.owner.wire
        wire.append(record.type.rawValue)
        wire.append(1 as UInt16)
        wire.append(record.ttl)
        wire.append(UInt16(record.data.count))
        return (record.owner.description, record.type, wire + record.data)
    }

    private func parent(of name: String) -> String {
        zones.keys.filter { $0 != name && ($0 == "." || name.hasSuffix("." + $0)) }.max { $0.count < $1.count } ?? "."
    }

    private func gaps(of zone: String) -> [[UInt8]] {
        let records = zones[zone] ?? []
        var owners: [String] = []
        for record in records where !owners.contains(record.owner) { owners.append(record.owner) }
        return owners.enumerated().map { number, owner in
            var bits = [UInt8](repeating: 0, count: 7)
            let types = records.filter { $0.owner == owner }.map(\.type) + [.rrsig, .nsec]
            for type in types { bits[Int(type.rawValue) / 8] |= 0x80 >> UInt8(type.rawValue % 8) }
            let next = DomainName(owners[(number + 1) % owners.count])?.wire ?? []
            let name = owner == "." ? "" : owner
            return MessageText.record(name, .nsec, ttl: 300, next + [0, 7] + bits)
        }
    }

    private func signed(_ set: [[UInt8]], by zone: String) -> [[UInt8]] {
        guard !set.isEmpty, let key = keys[zone] else { return set }
        return set + [key.sign(set)]
    }

    /// The answer to a question.
    func answer(_ message: [UInt8]) -> [UInt8] {
        let type = RecordType(rawValue: UInt16(Reply(message).number(at: Reply(message).questionEnd - 4)))
        let name = DomainName(wire: message[12..<Reply(message).questionEnd - 4])?.description ?? "."
        asked.append("\(name) \(type.rawValue)")
        var answer = Answer()
        fill(&answer, name, type)
        changes["\(name) \(type.rawValue)"]?(&answer)
        return MessageText.answer(
            to: message,
            code: answer.code,
            answers: answer.answers,
            authority: answer.authority
        )
    }

    /// Puts into an answer what the tree has to say.
    func fill(_ answer: inout Answer, _ name: String, _ type: RecordType) {
        var zone = zones[name] != nil ? name : parent(of: name)
        if type == .ds, name != "." { zone = parent(of: name) }
        let records = zones[zone] ?? []
        let found = records.filter { $0.owner == name && $0.type == type }.map(\.wire)
        let proof = (denials[zone] ?? []).flatMap { signed([$0], by: zone) }
        if !found.isEmpty {
            answer.answers += signed(found, by: zone)
        } else if let alias = records.first(where: { $0.owner == name && $0.type == .cname }) {
            answer.answers += signed([alias.wire], by: zone)
            let data = alias.wire[(DomainName(alias.owner)?.wire.count ?? 0) + 10..<alias.wire.count]
            fill(&answer, DomainName(wire: data)?.description ?? ".", type)
        } else if let redirection = records.first(where: { $0.type == .dname && name.hasSuffix("." + $0.owner) }) {
            let (owner, wire) = (DomainName(redirection.owner)?.wire ?? [], DomainName(name)?.wire ?? [])
            let target = wire.dropLast(owner.count) + redirection.wire[(owner.count + 10)...]
            answer.answers += signed([redirection.wire], by: zone)
            answer.answers.append(MessageText.record(name, .cname, ttl: 300, Array(target)))
            fill(&answer, DomainName(wire: target)?.description ?? ".", type)
        } else if let wildcard = records.first(where: {
            $0.owner.hasPrefix("*.") && $0.type == type && name.hasSuffix($0.owner.dropFirst())
        }) {
            let own = DomainName(wildcard.owner)?.wire.count ?? 0
            let wire = DomainName(name)?.wire ?? []
            answer.answers += signed([wildcard.wire], by: zone).map { wire + $0[own...] }
            answer.authority += proof
        } else {
            answer.code = records.contains { $0.owner == name || $0.owner.hasSuffix("." + name) } ? 0 : 3
            answer.authority += signed(records.filter { $0.type == .soa }.map(\.wire), by: zone) + proof
        }
    }
}
