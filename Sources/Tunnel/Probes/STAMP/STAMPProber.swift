// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes
public import PathHealth
public import SystemIO

/// A path's Session-Sender on the wire (RFC 8762): it asks the far end's reflector at its own pace.
///
/// Like a BFD session it outlives its socket: where the interface goes away, its answers stay away.
public final class STAMPProber {
    /// What does not change while a session lives.
    public struct Place: Hashable, Sendable {
        /// The reflector.
        public var peer: SocketEndpoint
        /// Our address, of the same family.
        public var local: IPAddress

        /// Names the two ends.
        public init(peer: SocketEndpoint, local: IPAddress) {
            self.peer = peer
            self.local = local
        }
    }

    /// Packets, counted.
    public struct Counts: Hashable, Sendable {
        /// Questions that left.
        public var sent: UInt64 = 0
        /// Questions that could not leave.
        public var unsendable: UInt64 = 0
        /// Answers that were discarded.
        public var refused: [STAMPRefusal: UInt64] = [:]
    }

    /// The two ends.
    public let place: Place
    /// What was counted.
    public private(set) var counts = Counts()
    private var sender: STAMPSender
    private var socket: PathSocket?
    private let loop: EventLoop
    private let clock: any TimeSource
    private let onChange: (ReflectorStatus) -> Void
    private var told = ReflectorStatus.unknown
    private var timer: EventLoop.TimerID?

    /// How many datagrams are taken in a row, so that a flood of them does not keep the loop from all else.
    private static let batch = 64

    /// Begins a session that asks once it is attached.
    ///
    /// - Parameter onChange: told what the session shows of its far end, whenever that changes: once a second at the most.
    public init(
        _ place: Place,
        every interval: Duration,
        on loop: EventLoop,
        clock: any TimeSource,
        onChange: @escaping (ReflectorStatus) -> Void
    ) {
        self.place = place
        self.loop = loop
        self.clock = clock
        self.onChange = onChange
        sender = STAMPSender(every: interval, sessionID: .random(in: 1 ... .max), at: loop.now)
    }

    deinit {
        if let timer { loop.cancel(timer) }
        detach()
    }

    /// Opens the socket on the interface, in place of the one before. Throws ENODEV where it is not there, EADDRNOTAVAIL
    /// where it has not our address yet.
    public func attach(to interface: InterfaceName) throws(SystemError) {
        detach()
        let opened = try PathSocket(interface: interface, local: place.local, size: STAMPLayout.sizeLimit + 1)
        try loop.watch(opened.descriptor) { [weak self] _ in self?.drain() }
        socket = consume opened
        work()
    }

    /// Closes the socket; the session goes on without.
    public func detach() {
        if let descriptor = socket?.descriptor { loop.unwatch(descriptor) }
        socket = nil
    }

    /// Takes a new pace.
    public func change(to interval: Duration) {
        guard interval != inspect({ $0.interval }) else { return }
        sender.change(to: interval)
    }

    /// The session as it is now.
    public func inspect<Result>(_ body: (borrowing STAMPSender) -> Result) -> Result {
        body(sender)
    }

    private func drain() {
        for _ in 0..<Self.batch {
            guard let datagram = socket?.receive() else { return }
            do throws(STAMPRefusal) {
                try take(datagram)
            } catch {
                counts.refused[error, default: 0] += 1
            }
        }
    }

    private func take(_ datagram: PathSocket.Datagram) throws(STAMPRefusal) {
        guard datagram.source == place.peer else { throw .source }
        let (now, wall) = (loop.now, clock.wallNanoseconds)
        // How long it waited for us to read it is not the path's.
        let waited = datagram.received.map { wall - $0 }.flatMap { (0...1_000_000_000).contains($0) ? $0 : nil } ?? 0
        try sender.receive(
            STAMPAnswer(datagram.payload),
            at: now + .nanoseconds(-waited),
            wallNanoseconds: wall - waited
        )
    }

    private func work() {
        // What came in while the loop did something else was not missed.
        drain()
        let question = sender.advance(
            to: loop.now,
            wallNanoseconds: clock.wallNanoseconds,
            isSynchronised: SystemClock.isSynchronised
        )
        if let question {
            if socket?.send(question.octets, to: place.peer) == true {
                counts.sent += 1
            } else {
                counts.unsendable += 1
            }
        }
        if let timer { loop.cancel(timer) }
        timer = loop.schedule(at: sender.nextDeadline) { [weak self] in
            self?.timer = nil
            self?.work()
        }
        guard sender.status != told else { return }
        told = sender.status
        onChange(told)
    }
}
