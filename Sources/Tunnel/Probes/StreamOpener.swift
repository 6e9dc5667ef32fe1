// SPDX-License-Identifier: Apache-2.0

import CLinux
public import NetworkTypes
public import SystemIO

/// Opens TCP connections out of one interface.
///
/// Each socket is bound to the interface (SO_BINDTODEVICE): its handshake is only ever completed by what came in there.
public final class StreamOpener {
    /// What became of a connection.
    public enum Outcome: ~Copyable {
        /// It stands.
        case stood(FileDescriptor)
        /// The far end, or a host before it, said no: by RST or ICMP.
        case refused
        /// Nobody answered in time, or what happened says nothing of the far end.
        case missed
    }

    private struct Attempt {
        let token: ProbeToken
        let limit: EventLoop.TimerID
    }

    /// What is open at once, at the most.
    private static let limit = 256

    private let interface: InterfaceName
    private let loop: EventLoop
    private let patience: Duration
    private let handler: (ProbeToken, consuming Outcome) -> Void
    private var open: [Int32: Attempt] = [:]

    /// - Parameters:
    ///   - patience: how long an answer may take: the kernel alone would ask again and again for two minutes.
    ///   - handler: called once for each connection that was begun.
    public init(
        interface: InterfaceName,
        patience: Duration,
        on loop: EventLoop,
        handler: @escaping (ProbeToken, consuming Outcome) -> Void
    ) {
        self.interface = interface
        self.loop = loop
        self.patience = patience
        self.handler = handler
    }

    deinit {
        for (socket, attempt) in open {
            loop.cancel(attempt.limit)
            _ = take(socket)
        }
    }

    /// Begins a connection. An error means that nothing left, as where there is no route, or too much is open.
    public func open(_ token: ProbeToken, to target: SocketEndpoint) throws(SystemError) {
        guard open.count < Self.limit else {
            throw SystemError(operation: "connect to \(target): too many connections are open", code: EAGAIN)
        }
        let socket = try NetworkSocket.stream(to: target, through: interface).release()
        do throws(SystemError) {
            try loop.watch(socket, for: .writable) { [weak self] _ in self?.finish(socket) }
        } catch {
            close(socket)
            throw error
        }
        let limit = loop.schedule(after: patience) { [weak self] in
            guard let self, open.removeValue(forKey: socket) != nil else { return }
            _ = take(socket)
            handler(token, .missed)
        }
        open[socket] = Attempt(token: token, limit: limit)
    }

    private func finish(_ socket: Int32) {
        guard let attempt = open.removeValue(forKey: socket) else { return }
        loop.cancel(attempt.limit)
        var code: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        let isKnown = unsafe getsockopt(socket, SOL_SOCKET, SO_ERROR, &code, &size) == 0
        let descriptor = take(socket)
        switch code {
        case 0 where isKnown: handler(attempt.token, .stood(descriptor))
        case ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EACCES: handler(attempt.token, .refused)
        default: handler(attempt.token, .missed)
        }
    }

    private func take(_ socket: Int32) -> FileDescriptor {
        loop.unwatch(socket)
        return FileDescriptor(owning: socket)
    }
}
