// SPDX-License-Identifier: Apache-2.0

import SystemIO

/// The last words of a program on its standard error; all is read, little is kept.
final class ErrorTail {
    /// How many octets are kept.
    static let limit = 200

    private let loop: EventLoop
    private let reader: FileDescriptor
    private var isOpen = true
    private var octets: [UInt8] = []

    /// Reads a pipe's end from now on.
    init(_ reader: consuming FileDescriptor, on loop: EventLoop) throws(SystemError) {
        self.loop = loop
        let raw = reader.raw
        self.reader = reader
        try loop.watch(raw) { [weak self] _ in self?.read() }
    }

    deinit {
        loop.unwatch(reader.raw)
    }

    /// What was said last, in one line. What the program's children say after its end is not waited for.
    var text: String {
        if isOpen { read() }
        let words = String(decoding: octets, as: UTF8.self).split { $0.isWhitespace || $0.isNewline }
        return words.joined(separator: " ").filter { character in
            character.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
        }
    }

    /// Reads a bounded part: a program that never stops talking must not hold the loop.
    private func read() {
        for _ in 0..<4 {
            guard let part = try? reader.read(upTo: 16 << 10) else { return }
            guard !part.isEmpty else {
                isOpen = false
                return loop.unwatch(reader.raw)
            }
            octets = Array((octets + part).suffix(Self.limit))
        }
    }
}
