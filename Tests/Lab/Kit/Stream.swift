// SPDX-License-Identifier: Apache-2.0

import CLinux
public import NetworkTypes
import SystemIO

/// A UDP stream in one direction between the site's own address and a host in the cloud: a numbered datagram every
/// millisecond for at most two minutes, seen where it arrives.
public final class Stream {
    /// Which way datagrams go.
    public enum Direction: String, CaseIterable, Sendable {
        /// From the site to the cloud.
        case outward
        /// From the cloud to the site.
        case inward
    }

    private let direction: Direction
    private let sender: Background
    private let receiver: Background
    private static let port = "7009"

    /// Begins to send.
    public init(_ lab: Lab, _ direction: Direction) throws {
        self.direction = direction
        let isOutward = direction == .outward
        let (from, to) = isOutward ? (lab.site, lab.cloud) : (lab.cloud, lab.site)
        let (source, target) = isOutward ? ("10.1.0.1", Lab.target) : (Lab.target, "10.1.0.1")
        let label = "stream-\(direction)-\(UInt32.random(in: 0 ... .max))"
        let receiver = try to.start(
            "\(label)-in",
            "python3",
            try to.write("receive.py", Self.receive),
            target,
            Self.port
        )
        self.receiver = receiver
        try waitUntil("\(label) is listened to") { receiver.output.contains("listens") }
        let sender = try from.start(
            "\(label)-out",
            "python3",
            try from.write("send.py", Self.send),
            source,
            target,
            Self.port
        )
        self.sender = sender
        try waitUntil("\(label) flows") { sender.output.contains("sends") }
    }

    /// What became of a stream each way.
    public typealias Results = (outward: Result, inward: Result)

    /// Sends both ways while something happens.
    public static func bothWays(_ lab: Lab, while body: () throws -> Void) throws -> Results {
        let (outward, inward) = (try Stream(lab, .outward), try Stream(lab, .inward))
        pause(.milliseconds(300))
        try body()
        return (try outward.stop(), try inward.stop())
    }

    /// A datagram that arrived.
    public struct Arrival: Sendable {
        /// Its number; the first is 0.
        public let number: Int
        /// When it was sent.
        public let sent: Instant
        /// When it arrived.
        public let arrived: Instant
        /// The tunnel that it came by; nil for the leased line.
        public let tunnel: Tunnel?
    }

    /// What became of the stream.
    public struct Result: Sendable {
        /// What arrived, by number.
        public let arrivals: [Arrival]
        /// How many were sent.
        public let sent: Int
        /// How many did not arrive.
        public var lost: Int { sent - arrivals.count }
        /// How many were sent in a second.
        public let rate: Int
        /// The longest time of sending of which nothing arrived; no more than an interval where nothing was lost.
        public var longestGap: Duration {
            zip(arrivals, arrivals.dropFirst()).filter { $1.number > $0.number + 1 }.map { $1.sent - $0.sent }.max()
                ?? .zero
        }

        /// When the first datagram that was sent at an instant or later came by a tunnel.
        public func first(by tunnel: Tunnel, from instant: Instant) -> Instant? {
            arrivals.first { $0.tunnel == tunnel && $0.sent >= instant }?.arrived
        }
    }

    /// Ends the stream and reads what arrived.
    public func stop() throws -> Result {
        try sender.stop()
        // Those on their way get a moment.
        pause(.milliseconds(200))
        try receiver.stop()
        let arrivals = receiver.output.split(separator: "\n").compactMap { line -> Arrival? in
            let words = line.split(separator: " ")
            guard words.count == 4, let number = Int(words[0]), let sent = Int64(words[1]),
                let arrived = Int64(words[2])
            else { return nil }
            return Arrival(
                number: number,
                sent: Instant(nanoseconds: sent),
                arrived: Instant(nanoseconds: arrived),
                tunnel: words[3].last.flatMap { Tunnel(rawValue: String($0)) }
            )
        }
        let said = sender.output.split { $0.isWhitespace }.compactMap { Int($0) }
        guard said.count == 2 else { throw TimedOut(description: "the \(direction) stream never said what it sent") }
        return Result(arrivals: arrivals.sorted { $0.number < $1.number }, sent: said[0], rate: said[1])
    }

    /// Says at its end how many datagrams it sent, and how many in a second.
    private static let send = """
        import signal, socket, sys, time
        source, target, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
        stream = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        stream.bind((source, 0))
        stream.setblocking(False)
        ended = []
        signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
        start, number = time.monotonic(), 0
        while number < 120000 and not ended:
            time.sleep(max(0, start + number * 0.001 - time.monotonic()))
            try:
                stream.sendto(b"%d %d" % (number, time.clock_gettime_ns(time.CLOCK_BOOTTIME)), (target, port))
            except OSError:
                pass
            if number == 0:
                print("sends", flush=True)
            number += 1
        print(number, round(number / (time.monotonic() - start)))

        """

    /// Says of each datagram its number, when it was sent and when it came, and by which interface.
    private static let receive = """
        import signal, socket, struct, sys, time
        stream = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        stream.setsockopt(socket.IPPROTO_IP, 8, 1)  # IP_PKTINFO
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        stream.bind((sys.argv[1], int(sys.argv[2])))
        signal.signal(signal.SIGTERM, lambda *_: sys.exit())
        print("listens", flush=True)
        names = {}
        while True:
            datagram, extra, _, _ = stream.recvmsg(64, 64)
            now = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
            index = struct.unpack_from("i", extra[0][2])[0]
            if index not in names:
                names[index] = socket.if_indextoname(index)
            print(datagram.decode(), now, names[index])

        """
}
