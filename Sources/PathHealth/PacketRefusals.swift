// SPDX-License-Identifier: Apache-2.0

/// What the kernel lately refused of the packets that came in by an IPsec tunnel.
///
/// Anybody who was on the way once can send such packets. So they never change a verdict; they say what is behind one.
public struct PacketRefusals: Hashable, Sendable, Codable {
    /// Some were not what the far end had sealed with the keys of this end (RFC 4303 section 3.4.4.1).
    public var areForged: Bool
    /// Some had a number that was seen before, or is too old to tell (RFC 4303 section 3.4.3).
    public var areReplayed: Bool

    /// Notes what was refused; without anything, nothing was.
    public init(areForged: Bool = false, areReplayed: Bool = false) {
        (self.areForged, self.areReplayed) = (areForged, areReplayed)
    }

    /// Whether nothing was refused.
    public var isEmpty: Bool { !areForged && !areReplayed }

    /// What it means for a path that is down or degraded.
    var reasons: [Reason] {
        (areForged ? [.packetsForged] : []) + (areReplayed ? [.packetsReplayed] : [])
    }
}
