// SPDX-License-Identifier: Apache-2.0

/// A record or directive of a zone file as its words.
struct ZoneFileEntry: Hashable, Sendable {
    /// The line that it begins on, from 1.
    let line: Int
    /// Whether it begins where its line does: one that does not belongs to the owner before it.
    let beginsLine: Bool
    /// What stands between blanks; a word keeps its quotes and escapes.
    var words: [String] = []
}

/// Cuts the text of a zone file into entries: one a line, or on several lines within parentheses (RFC 1035 section
/// 5.1). What cannot be cut is thrown with its line, and the next call goes on behind that.
struct ZoneFileLexer {
    /// Octets of the longest entry: every octet of the longest RDATA may be written as `\DDD`.
    static let entryLimit = 4 * ZoneBuilder.dataLimit + 1024

    private let text: [UInt8]
    private var position = 0
    private var line = 1
    /// The line of the parenthesis that is open.
    private var opened: Int?

    init(_ text: String) {
        // Some editors put a mark before the first line.
        self.text = Array(text.utf8.starts(with: [0xef, 0xbb, 0xbf]) ? text.utf8.dropFirst(3) : text.utf8[...])
    }

    /// The next entry; nil at the end.
    mutating func next() throws(ZoneFileError.Fault) -> ZoneFileEntry? {
        do {
            return try entry()
        } catch {
            skipEntry()
            throw error
        }
    }

    private mutating func entry() throws(ZoneFileError.Fault) -> ZoneFileEntry? {
        var entry = begin()
        var size = 0
        while position < text.count {
            let octet = text[position]
            switch octet {
            case UInt8(ascii: "\n"):
                guard opened == nil, !entry.words.isEmpty else {
                    position += 1
                    line += 1
                    if opened == nil { entry = begin() }
                    continue
                }
                return entry
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"):
                position += 1
            case UInt8(ascii: ";"):
                try skipComment()
            case UInt8(ascii: "("):
                guard opened == nil else { throw fault("a second '('", "parentheses do not nest: remove one") }
                opened = line
                position += 1
            case UInt8(ascii: ")"):
                guard opened != nil else { throw fault("a ')' without '('", "remove it, or write it as \\)") }
                opened = nil
                position += 1
            default:
                let word = try self.word()
                size += word.utf8.count + 1
                guard size <= Self.entryLimit else {
                    throw fault("the record is longer than \(Self.entryLimit) characters", "shorten it")
                }
                entry.words.append(word)
            }
        }
        if let line = opened {
            let hint = "close it with ')' behind the last line of the record"
            throw ZoneFileError.Fault(line: line, problem: "a '(' is never closed", hint: hint)
        }
        return entry.words.isEmpty ? nil : entry
    }

    private func begin() -> ZoneFileEntry {
        let isBlank = position < text.count && [UInt8(ascii: " "), UInt8(ascii: "\t")].contains(text[position])
        return ZoneFileEntry(line: line, beginsLine: !isBlank)
    }

    private mutating func word() throws(ZoneFileError.Fault) -> String {
        let start = position
        var isQuoted = false
        loop: while position < text.count {
            switch text[position] {
            case UInt8(ascii: "\n"):
                break loop
            case UInt8(ascii: "\\"):
                position += 1
                guard position < text.count, text[position] >= 0x20 else {
                    throw fault("a '\\' with nothing behind it", "write a backslash as \\\\")
                }
            case UInt8(ascii: "\""):
                isQuoted.toggle()
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: ";"), UInt8(ascii: "("),
                UInt8(ascii: ")"):
                if !isQuoted { break loop }
            case 0..<0x20, 0x7f:
                throw controlCharacter()
            default:
                break
            }
            position += 1
        }
        guard !isQuoted else { throw fault("a quotation that does not end on its line", "close it with \"") }
        return String(decoding: text[start..<position], as: UTF8.self)
    }

    private mutating func skipComment() throws(ZoneFileError.Fault) {
        while position < text.count, text[position] != UInt8(ascii: "\n") {
            let isBlank = text[position] == UInt8(ascii: "\t") || text[position] == UInt8(ascii: "\r")
            guard isBlank || text[position] >= 0x20, text[position] != 0x7f else { throw controlCharacter() }
            position += 1
        }
    }

    /// Not in comments either: it would take six times its room on the way to the resolver.
    private func controlCharacter() -> ZoneFileError.Fault {
        fault("the control character \(text[position])", "write it as \\DDD, and none in comments")
    }

    /// What is left of the entry belongs to the mistake in it.
    private mutating func skipEntry() {
        while opened != nil, position < text.count {
            if text[position] == UInt8(ascii: ")") { opened = nil }
            if text[position] == UInt8(ascii: "\n") { line += 1 }
            position += 1
        }
        opened = nil
        while position < text.count, text[position] != UInt8(ascii: "\n") { position += 1 }
    }

    private func fault(_ problem: String, _ hint: String) -> ZoneFileError.Fault {
        ZoneFileError.Fault(line: line, problem: problem, hint: hint)
    }
}
