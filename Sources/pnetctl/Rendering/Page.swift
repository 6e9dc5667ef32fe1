// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import NetworkTypes
import SystemIO

/// What text is made for: who reads it, how wide, and when. Nothing else that renders asks the world.
struct Page {
    /// Whether escape sequences may be used.
    let hasColour: Bool
    /// How many columns a line should not exceed.
    let width: Int
    /// Seconds since 1970, to tell how long ago something was.
    let now: Int64

    /// Standard output, now. Colour on a terminal only, and not where NO_COLOR is set (no-color.org).
    static var current: Page {
        let environment = ProcessInfo.processInfo.environment
        let isPlain = !(environment["NO_COLOR"] ?? "").isEmpty || environment["TERM"] == "dumb"
        return Page(
            hasColour: StandardStream.output.isTerminal && !isPlain,
            width: max(StandardStream.output.size?.columns ?? 80, 40),
            now: SystemClock().wallNanoseconds / 1_000_000_000
        )
    }

    /// How a word stands out.
    enum Colour: Int {
        case good = 32
        case warning = 33
        case bad = 31
        case heading = 1
        case faint = 2
    }

    func painted(_ text: String, _ colour: Colour?) -> String {
        guard hasColour, let colour, !text.isEmpty else { return text }
        return "\u{1b}[\(colour.rawValue)m\(text)\u{1b}[0m"
    }

    /// How long ago a time was, as in `2d4h`; the text itself where it is no time.
    func age(since timestamp: String) -> String {
        guard let then = try? Date(timestamp, strategy: .iso8601) else { return timestamp }
        return Duration.seconds(max(0, now - Int64(then.timeIntervalSince1970))).shortText
    }

    /// Breaks text at spaces so that it fits, each line behind an indent.
    func wrapped(_ text: String, indent: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            if !line.isEmpty, indent + line.count + 1 + word.count > width {
                lines.append(line)
                line = ""
            }
            line += (line.isEmpty ? "" : " ") + word
        }
        if !line.isEmpty { lines.append(line) }
        return lines.map { String(repeating: " ", count: indent) + $0 }
    }
}

/// The escape sequences of a screen that is drawn again and again.
enum Screen {
    /// From the top left, each line cleared behind its text and then all below: nothing flickers.
    ///
    /// What does not fit is cut off at the end: the networks stand at the top.
    static func repainting(_ lines: [String], rows: Int) -> String {
        "\u{1b}[H" + lines.prefix(max(rows - 1, 1)).map { $0 + "\u{1b}[K\r\n" }.joined() + "\u{1b}[J"
    }
}
