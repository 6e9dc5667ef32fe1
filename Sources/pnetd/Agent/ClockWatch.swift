// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Tunnel

/// Whether this host's clock stands behind what its peers have seen of it.
///
/// A peer refuses a handshake whose time stamp is not later than that of the last one (TAI64N, WireGuard's paper section
/// 5.1). After the clock went back, as on a host without one that starts without the network, no tunnel comes up until it
/// has caught up; and where time is asked for through the tunnel it never does.
struct ClockWatch {
    /// When each path had its last handshake, nanoseconds since 1970 by this host's clock then.
    private(set) var handshakes: [PathName: Int64]

    init(_ handshakes: [PathName: Int64] = [:]) { self.handshakes = handshakes }

    /// Takes what the tunnel shows; what it showed before stands where it shows none, as after a boot.
    mutating func note(_ peers: [WireGuardDevice.Peer], of path: PathName) {
        if let newest = peers.compactMap(\.lastHandshake).max() { handshakes[path] = newest }
    }

    /// How far the clock is behind a path's last handshake.
    func lag(of path: PathName, wallNanoseconds: Int64) -> Duration {
        guard let last = handshakes[path] else { return .zero }
        let (lag, overflow) = last.subtractingReportingOverflow(wallNanoseconds)
        return overflow ? .zero : .nanoseconds(max(lag, 0))
    }

    /// What to tell people of a path; nil where the clock is right.
    func warning(of path: PathName, wallNanoseconds: Int64) -> String? {
        let lag = lag(of: path, wallNanoseconds: wallNanoseconds)
        // The stamps are coarse, and clocks are corrected by less than this all the time.
        guard lag > .seconds(1) else { return nil }
        return
            "\(path): this host's clock is \(lag.shortText) behind its last handshake there: the peer refuses new ones "
            + "until the clock is right (TAI64N); does its time come through the tunnel?"
    }
}
