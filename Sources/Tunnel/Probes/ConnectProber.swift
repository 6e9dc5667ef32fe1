// SPDX-License-Identifier: Apache-2.0

import CLinux
public import NetworkTypes
public import SystemIO

/// Opens TCP connections out of one interface and closes each as soon as it stands: the target's kernel and whoever
/// listens there are alive.
public final class ConnectProber {
    /// How long an answer may take.
    private static let patience = Duration.seconds(3)

    private let opener: StreamOpener

    /// - Parameter handler: called for each connection that stood or was refused.
    public init(
        interface: InterfaceName,
        on loop: EventLoop,
        handler: @escaping (ProbeToken, ProbeOutcome) -> Void
    ) {
        opener = StreamOpener(interface: interface, patience: Self.patience, on: loop) { token, outcome in
            switch consume outcome {
            case .stood(let descriptor):
                // Nobody has anything to say: both ends forget the connection at once, without TIME_WAIT.
                var abort = linger(l_onoff: 1, l_linger: 0)
                let size = socklen_t(MemoryLayout<linger>.size)
                unsafe setsockopt(descriptor.raw, SOL_SOCKET, SO_LINGER, &abort, size)
                _ = consume descriptor
                handler(token, .answered)
            case .refused: handler(token, .refused)
            case .missed: break
            }
        }
    }

    /// Begins a connection. An error means that nothing left, as where there is no route, or too much is open.
    public func send(_ token: ProbeToken, to target: SocketEndpoint) throws(SystemError) {
        try opener.open(token, to: target)
    }
}
