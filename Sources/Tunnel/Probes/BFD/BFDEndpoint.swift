// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes
public import PathHealth
public import SystemIO

/// A path's BFD session on the wire: single hop (RFC 5881) or multihop (RFC 5883) over UDP.
///
///     socket ─> origin, TTL ─> BFDPacket ─> BFDSession ─> packets, status
///     timer  ──────────────────────────────┘
///
/// The session outlives its sockets: where the interface goes away, it comes to its own conclusion.
public final class BFDEndpoint {
    /// What does not change while a session lives.
    public struct Place: Hashable, Sendable {
        /// The far end's address.
        public var peer: IPAddress
        /// Ours, of the same family.
        public var local: IPAddress
        /// The least TTL or hop limit of a packet that counts; nil: single hop, where it is 255 (RFC 5881 section 5).
        public var multihopTTL: Int?

        /// Names the two ends.
        public init(peer: IPAddress, local: IPAddress, multihopTTL: Int? = nil) {
            self.peer = peer
            self.local = local
            self.multihopTTL = multihopTTL
        }
    }

    /// Packets, counted.
    public struct Counts: Hashable, Sendable {
        /// Those that left.
        public var sent: UInt64 = 0
        /// Those that could not leave.
        public var unsendable: UInt64 = 0
        /// Those that were taken.
        public var received: UInt64 = 0
        /// Those that were discarded.
        public var refused: [BFDRefusal: UInt64] = [:]
    }

    /// The two ends.
    public let place: Place
    /// What was counted.
    public private(set) var counts = Counts()
    private var session: BFDSession
    private var socket: BFDSocket?
    private let loop: EventLoop
    private let onChange: (BFDStatus) -> Void
    private var told = BFDStatus.silent
    private var timer: (id: EventLoop.TimerID, deadline: Instant)?

    /// How many datagrams are taken in a row, so that a flood of them does not keep the loop from all else.
    private static let batch = 64

    /// Begins a session that sends once it is attached.
    ///
    /// - Parameters:
    ///   - discriminator: no other session of this host has it; not 0.
    ///   - onChange: told what the session says of its path, whenever that changes.
    public init(
        _ place: Place,
        _ parameters: BFDSession.Parameters,
        discriminator: UInt32,
        on loop: EventLoop,
        onChange: @escaping (BFDStatus) -> Void
    ) {
        self.place = place
        self.loop = loop
        self.onChange = onChange
        session = BFDSession(
            peer: place.peer,
            parameters,
            discriminator: discriminator,
            seed: .random(in: .min ... .max),
            at: loop.now
        )
    }

    deinit {
        if let timer { loop.cancel(timer.id) }
        detach()
    }

    /// Opens the sockets on the interface, in place of those before. Throws ENODEV where it is not there, EADDRNOTAVAIL
    /// where it has not our address yet, EADDRINUSE where another program hears the port.
    public func attach(to interface: InterfaceName) throws(SystemError) {
        detach()
        let opened = try BFDSocket(interface: interface, local: place.local, isMultihop: place.multihopTTL != nil)
        try loop.watch(opened.descriptor) { [weak self] _ in
            self?.drain()
            self?.conclude()
        }
        socket = consume opened
        work()
    }

    /// Closes the sockets; the session goes on without.
    public func detach() {
        if let descriptor = socket?.descriptor { loop.unwatch(descriptor) }
        socket = nil
    }

    /// Takes a new pace and key.
    public func change(to parameters: BFDSession.Parameters) {
        guard parameters != session.parameters else { return }
        session.change(to: parameters)
        conclude()
    }

    /// Takes our end out by hand, or gives it back; the far end is told at once.
    public func setAdminDown(_ isDown: Bool) {
        carryOut(session.setAdminDown(isDown, at: loop.now))
        conclude()
    }

    /// The session as it is now.
    public func inspect<Result>(_ body: (borrowing BFDSession) -> Result) -> Result {
        body(session)
    }

    private func drain() {
        for _ in 0..<Self.batch {
            guard let datagram = socket?.receive() else { return }
            do {
                carryOut(session.receive(try examine(datagram), at: loop.now), isReceived: true)
            } catch {
                counts.refused[error, default: 0] += 1
            }
        }
    }

    private func examine(_ datagram: PathSocket.Datagram) throws(BFDRefusal) -> BFDPacket {
        guard datagram.source.address == place.peer else { throw .source }
        guard let ttl = datagram.ttl, ttl >= place.multihopTTL ?? 255 else { throw .ttl }
        return try BFDPacket(datagram.payload)
    }

    private func work() {
        // What came in while the loop did something else was not missed.
        drain()
        while let deadline = session.nextDeadline, deadline <= loop.now { carryOut(session.advance(to: loop.now)) }
        conclude()
    }

    private func carryOut(_ action: BFDSession.Action, isReceived: Bool = false) {
        switch action {
        case .refused(let refusal): return counts.refused[refusal, default: 0] += 1
        case .send(let packet):
            if socket?.send(packet.octets, to: place.peer) == true {
                counts.sent += 1
            } else {
                counts.unsendable += 1
            }
        case .none: break
        }
        if isReceived { counts.received += 1 }
    }

    /// Sees to the next deadline, and tells what changed.
    private func conclude() {
        if let deadline = session.nextDeadline, timer.map({ deadline < $0.deadline }) ?? true {
            if let timer { loop.cancel(timer.id) }
            let id = loop.schedule(at: deadline) { [weak self] in
                self?.timer = nil
                self?.work()
            }
            timer = (id, deadline)
        }
        guard session.status != told else { return }
        told = session.status
        onChange(told)
    }
}
