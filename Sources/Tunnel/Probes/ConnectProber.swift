// SPDX-License-Identifier: Apache-2.0

import CLinux
public import NetworkTypes
public import SystemIO

/// Opens TCP connections out of one interface and closes each as soon as it stands: the target's kernel and whoever
/// listens there are alive.
///
/// Each socket is bound to the interface (SO_BINDTODEVICE): its handshake is only ever completed by what came in there.
public final class ConnectProber {
    private struct Attempt {
        let token: ProbeToken
        let limit: EventLoop.TimerID
    }

    /// What is open at once, at the most.
    private static let limit = 256
    /// How long an answer may take: the kernel alone would ask again and again for two minutes.
    private static let patience = Duration.seconds(3)

    private let interface: InterfaceName
    private let loop: EventLoop
    private let handler: (ProbeToken, ProbeOutcome) -> Void
    private var open: [Int32: Attempt] = [:]

    /// - Parameter handler: called for each connection that stood or was refused.
    public init(
        interface: InterfaceName,
        on loop: EventLoop,
        handler: @escaping (ProbeToken, ProbeOutcome) -> Void
    ) {
        self.interface = interface
        self.loop = loop
        self.handler = handler
    }

    deinit {
        for (socket, attempt) in open {
            loop.cancel(attempt.limit)
            discard(socket)
        }
    }

    /// Begins a connection. An error means that nothing left, as where there is no route, or too much is open.
    public func send(_ token: ProbeToken, to target: SocketEndpoint) throws(SystemError) {
        guard open.count < Self.limit else {
            throw SystemError(operation: "connect to \(target): too many connections are open", code: EAGAIN)
        }
        let descriptor = try NetworkSocket.stream(to: target, through: interface)
        // Nobody has anything to say: both ends forget the connection at once, without TIME_WAIT.
        var abort = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(descriptor.raw, SOL_SOCKET, SO_LINGER, &abort, socklen_t(MemoryLayout<linger>.size))
        let socket = descriptor.release()
        do throws(SystemError) {
            try loop.watch(socket, for: .writable) { [weak self] _ in self?.finish(socket) }
        } catch {
            close(socket)
            throw error
        }
        let limit = loop.schedule(after: Self.patience) { [weak self] in
            guard self?.open.removeValue(forKey: socket) != nil else { return }
            self?.discard(socket)
        }
        open[socket] = Attempt(token: token, limit: limit)
    }

    private func finish(_ socket: Int32) {
        guard let attempt = open.removeValue(forKey: socket) else { return }
        loop.cancel(attempt.limit)
        var code: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        let isKnown = unsafe getsockopt(socket, SOL_SOCKET, SO_ERROR, &code, &size) == 0
        discard(socket)
        switch code {
        case 0 where isKnown: handler(attempt.token, .answered)
        case ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EACCES: handler(attempt.token, .refused)
        default: break
        }
    }

    private func discard(_ socket: Int32) {
        loop.unwatch(socket)
        close(socket)
    }
}
