// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

extension ZoneRecords {
    /// Octets of the longest zone file.
    public static let fileLimit = 3 << 20

    /// Reads the text of a zone file (RFC 1035 section 5, RFC 2308 section 4).
    ///
    /// It may have an SOA and NS records at the apex; without an SOA one is made. A record without a TTL has that of the
    /// `$TTL` above it, else that of the record before it that states one, else ``defaultTTL``.
    ///
    /// Throws all mistakes, up to ``ZoneFileError/faultLimit`` of them.
    public init(zone: DomainName, file text: String) throws(ZoneFileError) {
        guard text.utf8.count <= Self.fileLimit else {
            let problem = "the file is longer than \(Self.fileLimit) octets"
            let fault = ZoneFileError.Fault(line: 1, problem: problem, hint: "divide the zone, or forward it")
            throw ZoneFileError(faults: [fault])
        }
        var lexer = ZoneFileLexer(text)
        var reader = ZoneFileReader(zone: zone)
        var faults: [ZoneFileError.Fault] = []
        while faults.count < ZoneFileError.faultLimit {
            do {
                guard let entry = try lexer.next() else { break }
                try reader.take(entry)
            } catch {
                faults.append(error)
            }
        }
        let records = reader.builder.records
        if faults.isEmpty, !records.fitsMemory {
            let (problem, hint) = Self.tooLarge
            faults.append(ZoneFileError.Fault(line: 1, problem: problem, hint: hint))
        }
        guard faults.isEmpty else { throw ZoneFileError(faults: faults) }
        self = records
    }
}

/// Makes records of the entries of a zone file, with what the entries before them set.
private struct ZoneFileReader {
    private(set) var builder: ZoneBuilder
    private var origin: DomainName
    private var owner: DomainName?
    /// Of the last `$TTL`, and of the last record that states one.
    private var directedTTL: UInt32?
    private var statedTTL: UInt32?

    init(zone: DomainName) {
        builder = ZoneBuilder(zone: zone, hasAuthority: true)
        origin = zone
    }

    mutating func take(_ entry: ZoneFileEntry) throws(ZoneFileError.Fault) {
        do throws(ZoneBuilder.Fault) {
            if entry.beginsLine, let word = entry.words.first, word.hasPrefix("$") {
                try obey(word.uppercased(), entry.words.dropFirst())
            } else {
                try builder.add(record(entry))
            }
        } catch {
            throw ZoneFileError.Fault(line: entry.line, problem: error.problem, hint: error.hint)
        }
    }

    private mutating func obey(_ directive: String, _ words: ArraySlice<String>) throws(ZoneBuilder.Fault) {
        switch directive {
        case "$ORIGIN":
            guard words.count == 1, let name = words.first.flatMap({ DomainName($0, relativeTo: origin) }) else {
                throw ZoneBuilder.Fault(problem: "$ORIGIN has no name", hint: "one, as in '$ORIGIN plant.internal.'")
            }
            origin = name
        case "$TTL":
            guard words.count == 1, let ttl = words.first.flatMap(Self.ttl) else {
                throw ZoneBuilder.Fault(problem: "$TTL has no time", hint: "one, as in '$TTL 3600' or '$TTL 1h'")
            }
            directedTTL = ttl
        case "$INCLUDE":
            throw ZoneBuilder.Fault(problem: "$INCLUDE is not obeyed", hint: "put the other file's records here")
        case "$GENERATE":
            throw ZoneBuilder.Fault(problem: "$GENERATE is not obeyed", hint: "write the records out")
        default:
            let hint = "$ORIGIN and $TTL are known; a name that begins so is written as \\$"
            throw ZoneBuilder.Fault(problem: "unknown directive \(directive.prefix(20))", hint: hint)
        }
    }

    private mutating func record(_ entry: ZoneFileEntry) throws(ZoneBuilder.Fault) -> PresentationRecord {
        var words = entry.words[...]
        if entry.beginsLine, let word = words.popFirst() {
            guard let name = DomainName(word, relativeTo: origin) else {
                let hint = "labels of 1 to 63 characters, 255 in all"
                throw ZoneBuilder.Fault(problem: "'\(word.prefix(80))' is no name", hint: hint)
            }
            owner = name
        }
        guard let owner else {
            throw ZoneBuilder.Fault(problem: "the first record has no owner", hint: "begin its line with a name, or @")
        }
        let ttl = try takeTTLAndClass(&words) ?? directedTTL ?? statedTTL ?? ZoneRecords.defaultTTL
        let data = words.joined(separator: " ")
        do {
            return try PresentationRecord("\(owner) \(ttl) IN \(data)", origin: origin, defaultTTL: ttl)
        } catch {
            let hint = "as in 'historian A 10.20.0.10' or 'historian 300 IN A 10.20.0.10'"
            throw ZoneBuilder.Fault(problem: "'\(data.prefix(80))': \(error.text)", hint: hint)
        }
    }

    /// Takes what may stand before the type, in either order and each once.
    private mutating func takeTTLAndClass(_ words: inout ArraySlice<String>) throws(ZoneBuilder.Fault) -> UInt32? {
        var ttl: UInt32?
        var hasClass = false
        while let word = words.first {
            if ttl == nil, word.utf8.first.map({ (0x30...0x39).contains($0) }) == true {
                guard let stated = Self.ttl(word) else {
                    let hint = "seconds, or as in 1h30m; at most 2147483647 seconds"
                    throw ZoneBuilder.Fault(problem: "'\(word.prefix(40))' is no TTL", hint: hint)
                }
                ttl = stated
                statedTTL = stated
            } else if !hasClass, ["IN", "CH", "HS", "CS"].contains(word.uppercased()) {
                guard word.uppercased() == "IN" else {
                    throw ZoneBuilder.Fault(problem: "only class IN is served", hint: "write IN, or leave it out")
                }
                hasClass = true
            } else {
                break
            }
            words.removeFirst()
        }
        return ttl
    }

    /// Seconds, or numbers with units as in `1h30m` (what BIND made usual); nil where it is neither.
    private static func ttl(_ text: String) -> UInt32? {
        var total: UInt64 = 0
        var number: UInt64?
        for octet in text.utf8 {
            if (0x30...0x39).contains(octet) {
                number = (number ?? 0) * 10 + UInt64(octet - 0x30)
            } else {
                guard let seconds = seconds(in: octet.asciiLowered), let count = number else { return nil }
                total += count * seconds
                number = nil
            }
            guard total <= UInt64(Int32.max), number ?? 0 <= UInt64(Int32.max) else { return nil }
        }
        total += number ?? 0
        return text.isEmpty || total > UInt64(Int32.max) ? nil : UInt32(total)
    }

    private static func seconds(in unit: UInt8) -> UInt64? {
        switch unit {
        case UInt8(ascii: "s"): 1
        case UInt8(ascii: "m"): 60
        case UInt8(ascii: "h"): 3600
        case UInt8(ascii: "d"): 86_400
        case UInt8(ascii: "w"): 604_800
        default: nil
        }
    }
}
