// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes
public import SystemIO

/// A path's Session-Reflector on the wire (RFC 8762): it answers those whom the file allows.
public final class STAMPResponder {
    /// What does not change while a reflector lives.
    public struct Place: Hashable, Sendable {
        /// Where it listens.
        public var local: SocketEndpoint
        /// Who may ask.
        public var allowed: [IPPrefix]

        /// Names both.
        public init(local: SocketEndpoint, allowed: [IPPrefix]) {
            self.local = local
            self.allowed = allowed
        }
    }

    /// Packets, counted.
    public struct Counts: Hashable, Sendable {
        /// Questions that were answered.
        public var answered: UInt64 = 0
        /// Answers that could not leave.
        public var unsendable: UInt64 = 0
        /// Questions that were discarded.
        public var refused: [STAMPRefusal: UInt64] = [:]
    }

    /// Where it is, and who may ask.
    public let place: Place
    /// What was counted.
    public private(set) var counts = Counts()
    private var reflector = STAMPReflector()
    private var socket: PathSocket?
    private let loop: EventLoop
    private let clock: any TimeSource

    /// How many datagrams are taken in a row, so that a flood of them does not keep the loop from all else.
    private static let batch = 64

    /// Begins a reflector that answers once it is attached.
    public init(_ place: Place, on loop: EventLoop, clock: any TimeSource) {
        self.place = place
        self.loop = loop
        self.clock = clock
    }

    deinit { detach() }

    /// Opens the socket on the interface, in place of the one before. Throws ENODEV where it is not there, EADDRNOTAVAIL
    /// where it has not our address yet, EADDRINUSE where another program hears the port.
    public func attach(to interface: InterfaceName) throws(SystemError) {
        detach()
        let (address, port) = (place.local.address, place.local.port)
        let opened = try PathSocket(interface: interface, local: address, port: port, size: STAMPLayout.sizeLimit + 1)
        try loop.watch(opened.descriptor) { [weak self] _ in self?.drain() }
        socket = consume opened
        drain()
    }

    /// Closes the socket; the sessions stay as they are.
    public func detach() {
        if let descriptor = socket?.descriptor { loop.unwatch(descriptor) }
        socket = nil
    }

    /// How many sessions there are.
    public var sessionCount: Int { reflector.sessionCount }

    private func drain() {
        for _ in 0..<Self.batch {
            guard let datagram = socket?.receive() else { return }
            do throws(STAMPRefusal) {
                let answer = try answer(to: datagram)
                if socket?.send(answer.octets, to: datagram.source) == true {
                    counts.answered += 1
                } else {
                    counts.unsendable += 1
                }
            } catch {
                counts.refused[error, default: 0] += 1
            }
        }
    }

    private func answer(to datagram: PathSocket.Datagram) throws(STAMPRefusal) -> STAMPAnswer {
        // Who asks from the port that is answered may be another reflector, and the two would never end.
        guard place.allowed.contains(where: { $0.contains(datagram.source.address) }),
            datagram.source.port != 0, datagram.source.port != place.local.port
        else { throw .source }
        let question = try STAMPQuestion(datagram.payload)
        let number = try reflector.number(of: question, from: datagram.source, at: loop.now)
        let wall = clock.wallNanoseconds
        return STAMPAnswer(
            to: question,
            sequence: number,
            received: STAMPTimestamp(wallNanoseconds: min(datagram.received ?? wall, wall)),
            ttl: UInt8(clamping: datagram.ttl ?? 0),
            sent: STAMPTimestamp(wallNanoseconds: wall),
            errorEstimate: STAMPErrorEstimate(isSynchronised: SystemClock.isSynchronised)
        )
    }
}
