// SPDX-License-Identifier: Apache-2.0

import CLinux
public import Logging
import SystemIO

/// Log lines on standard error: `2026-01-01T00:00:00.123Z notice  azure: up -> up  path=vpn-b was=vpn-a`.
///
/// Where the journal reads them they begin with the priority of sd-daemon(3) instead of time and level, which the
/// journal has by itself.
public struct LogLines: LogHandler {
    /// What every line ends with.
    public var metadata: Logger.Metadata = [:]
    /// What is less than this is not said.
    public var logLevel: Logger.Level = .info
    private let isJournal: Bool

    /// Makes a handler, which finds out where it writes to.
    public init() {
        isJournal = unsafe getenv("JOURNAL_STREAM") != nil
    }

    /// One field of ``metadata``.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes one line.
    public func log(event: LogEvent) {
        let fields = metadata.merging(event.metadata ?? [:]) { $1 }
        let words = fields.sorted { $0.key < $1.key }.map { "\($0.key)=\(Self.quoted("\($0.value)"))" }
        let text = ([Self.oneLine("\(event.message)")] + words).joined(separator: "  ")
        let head = isJournal ? "<\(event.level.priority)>" : "\(Self.time) \(event.level.rawValue.padded(to: 7)) "
        StandardStream.error.write("\(head)\(text)\n")
    }

    private static var time: String {
        let now = SystemClock().wallNanoseconds
        let milliseconds = String(now / 1_000_000 % 1_000)
        let padding = String(repeating: "0", count: 3 - milliseconds.count)
        return Timestamp.text(wallNanoseconds: now).dropLast() + ".\(padding)\(milliseconds)Z"
    }

    private static func quoted(_ value: String) -> String {
        value.contains { $0 == " " || $0 == "\"" } ? "\"\(oneLine(value).replacing("\"", with: "'"))\"" : oneLine(value)
    }

    /// What was said by others must not begin a line of its own.
    private static func oneLine(_ text: String) -> String {
        text.contains(where: \.isNewline) ? text.split(whereSeparator: \.isNewline).joined(separator: " | ") : text
    }
}

extension Logger.Level {
    /// The priority of syslog(3).
    fileprivate var priority: Int {
        switch self {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
