// SPDX-License-Identifier: Apache-2.0

import CLinux
public import NetworkTypes
public import SystemIO

/// Asks DNS servers out of one interface, over UDP, whether they serve a zone.
///
/// A socket a stream, bound to the interface (SO_BINDTODEVICE) and connected: what comes in elsewhere, or from anybody
/// else, never reaches it.
public final class DNSProber {
    private struct Stream {
        let socket: Int32
        let name: DomainName
        /// What was asked and not answered, the oldest first.
        var asked: [(id: UInt16, sequence: UInt16)] = []
    }

    /// Questions of one stream that wait for their answers, at the most.
    private static let limit = 256

    private let interface: InterfaceName
    private let loop: EventLoop
    private let handler: (ProbeToken, ProbeOutcome) -> Void
    private var streams: [UInt32: Stream] = [:]

    /// - Parameter handler: called for each question that was answered.
    public init(
        interface: InterfaceName,
        on loop: EventLoop,
        handler: @escaping (ProbeToken, ProbeOutcome) -> Void
    ) {
        self.interface = interface
        self.loop = loop
        self.handler = handler
    }

    deinit { for stream in streams.values { discard(stream) } }

    /// Asks a server for a zone's SOA record. An error means that nothing left, as where there is no route.
    public func send(_ token: ProbeToken, for name: DomainName, to server: SocketEndpoint) throws(SystemError) {
        let message = DNSProbeMessage(id: .random(in: .min ... .max), name: name)
        do throws(SystemError) {
            try send(message, by: try known(token.stream, name, server).socket)
        } catch {
            // Whatever is wrong with a socket, as that its address is no more, another one may not have.
            keep(only: Set(streams.keys).subtracting([token.stream]))
            try send(message, by: try known(token.stream, name, server).socket)
        }
        if streams[token.stream]?.asked.count == Self.limit { streams[token.stream]?.asked.removeFirst() }
        streams[token.stream]?.asked.append((message.id, token.sequence))
    }

    private func send(_ message: DNSProbeMessage, by socket: Int32) throws(SystemError) {
        let bytes = message.bytes
        let sent = unsafe bytes.withUnsafeBytes { unsafe CLinux.send(socket, $0.baseAddress, $0.count, 0) }
        guard sent == bytes.count else { throw .last("ask for \(message.name)") }
    }

    private func known(_ number: UInt32, _ name: DomainName, _ server: SocketEndpoint) throws(SystemError) -> Stream {
        if let stream = streams[number] { return stream }
        return try open(number, name, server)
    }

    /// Closes the sockets of all streams but these.
    public func keep(only numbers: Set<UInt32>) {
        for (number, stream) in streams where !numbers.contains(number) {
            discard(stream)
            streams[number] = nil
        }
    }

    private func open(
        _ number: UInt32,
        _ name: DomainName,
        _ server: SocketEndpoint
    ) throws(SystemError) -> Stream {
        let socket = try NetworkSocket.datagram(to: server, through: interface).release()
        do throws(SystemError) {
            try loop.watch(socket) { [weak self] _ in self?.drain(number) }
        } catch {
            close(socket)
            throw error
        }
        let stream = Stream(socket: socket, name: name)
        streams[number] = stream
        return stream
    }

    private func drain(_ number: UInt32) {
        guard let socket = streams[number]?.socket else { return }
        // The header and the question come first: the rest may be cut off.
        var room = [UInt8](repeating: 0, count: 512)
        while true {
            let count = unsafe room.withUnsafeMutableBytes { unsafe recv(socket, $0.baseAddress, $0.count, 0) }
            if count < 0, pn_errno() == ECONNREFUSED {
                if let last = streams[number]?.asked.last?.sequence {
                    handler(ProbeToken(stream: number, sequence: last), .refused)
                }
                continue
            }
            guard count > 0 else { return }
            take(room[..<count], number)
        }
    }

    private func take(_ received: ArraySlice<UInt8>, _ number: UInt32) {
        guard let stream = streams[number] else { return }
        // The newest first: of those that were never answered one may have the same number by chance.
        for (place, question) in stream.asked.enumerated().reversed() {
            let message = DNSProbeMessage(id: question.id, name: stream.name)
            guard let answer = message.answer(in: received) else { continue }
            streams[number]?.asked.remove(at: place)
            let token = ProbeToken(stream: number, sequence: question.sequence)
            return handler(token, answer == .served ? .answered : .refused)
        }
    }

    private func discard(_ stream: Stream) {
        loop.unwatch(stream.socket)
        close(stream.socket)
    }
}
