// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import SystemIO

/// A stream of pings from the site's own address to a host in the cloud, and the holes in it.
public final class Traffic {
    private let process: Background
    private let interval: Duration

    /// Begins to ping at a fixed interval, at least 1 ms, for at most a minute (as
    /// the host counts it).
    public init(_ lab: Lab, to target: String = Lab.target, every interval: Duration = .milliseconds(10)) throws {
        self.interval = interval
        let milliseconds = max(1, interval.nanoseconds / 1_000_000)
        let source = target.contains(":") ? "fd00:1::1" : "10.1.0.1"
        process = try lab.site.start(
            "traffic-\(UInt32.random(in: 0...UInt32.max))",
            "fping",
            "-D",
            "-c",
            "\(Stage.here.patience * 60_000 / Int(milliseconds))",
            "-i",
            "1",
            "-p",
            "\(milliseconds)",
            "-t",
            "\(1_000 * Stage.here.patience)",
            "-S",
            source,
            target
        )
    }

    /// What became of the stream.
    public struct Result: Sendable {
        /// Pings sent.
        public let sent: Int
        /// Pings answered.
        public let answered: Int
        /// The longest time without an answered ping, by the times of sending; to the end of the run where answers
        /// never came back.
        public let longestGap: Duration
        /// Pings that were not answered.
        public var lost: Int { sent - answered }
    }

    /// Ends the stream and reads what it saw.
    public func stop() throws -> Result {
        // Answers on their way get a moment.
        pause(Stage.here.limit(.milliseconds(200)))
        process.signal(SIGINT)
        try process.wait()
        // `[1700000000.12345] 10.20.0.4 : [17], 64 bytes, 1.23 ms (1.20 avg, 0% loss)`
        var answered: [Int] = []
        var last = -1
        for line in process.output.split(separator: "\n") {
            guard let open = line.range(of: ": ["),
                let close = line.range(of: "], ", in: open.upperBound..<line.endIndex),
                let number = Int(line[open.upperBound..<close.lowerBound].drop { $0 == " " })
            else { continue }
            last = max(last, number)
            if line.contains(" bytes, ") { answered.append(number) }
        }
        var gap = 0
        var before = -1
        for number in answered.sorted() + [last + 1] {
            gap = max(gap, number - before - 1)
            before = number
        }
        return Result(sent: last + 1, answered: answered.count, longestGap: interval * gap)
    }
}

extension Substring {
    fileprivate func range(of text: String, in bounds: Range<Index>? = nil) -> Range<Index>? {
        self[bounds ?? startIndex..<endIndex].firstRange(of: text)
    }
}
