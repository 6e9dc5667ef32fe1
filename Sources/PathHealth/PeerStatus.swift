// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// What a tunnel's counters say of its far end, or the kernel of the router at a line's end, while targets are silent:
/// whether it is the way that is broken, or what lies behind it.
public enum PeerStatus: Hashable, Sendable, Codable {
    /// Nothing yet, or the targets answer.
    case unknown
    /// Packets were sent, and nothing came back: the way is broken, there or back.
    case silent
    /// Something was received: the way back carries.
    case heard
    /// A handshake was done: the way carries, there and back.
    case shakesHands
    /// The line's router was looked for in vain: nothing leaves by the line.
    case gatewayMissing(IPAddress)
    /// The line's router answers on the line.
    case gatewayThere(IPAddress)

    /// How long a far end may stay silent that was sent something: after ten seconds WireGuard says that it got it
    /// (KEEPALIVE_TIMEOUT, the protocol's section 6.5), and a round trip comes to that. IPsec has no such word of its own;
    /// probes are sent all the time.
    static let patience = Duration.seconds(12)

    /// How long what was received says that the way back carries: keepalives come as often, and probes are sent all the
    /// time.
    private static let hearing = Duration.seconds(30)
    /// How long a handshake says that both ways carry: no session is used for longer (REJECT_AFTER_TIME).
    private static let session = Duration.seconds(180)

    /// What happened since the targets fell silent comes to.
    ///
    /// - Parameters:
    ///   - silence: when the targets fell silent.
    ///   - heard: when something was received last.
    ///   - handshake: when a handshake was done last, by this clock.
    public init(since silence: Instant, heard: Instant?, handshake: Instant?, now: Instant) {
        if let handshake, handshake > silence, now - handshake <= Self.session {
            self = .shakesHands
        } else if let heard, heard > silence, now - heard <= Self.hearing {
            self = .heard
        } else {
            self = now - silence >= Self.patience ? .silent : .unknown
        }
    }

    /// What it means for targets that do not answer; nil where it says nothing.
    var reason: Reason? {
        switch self {
        case .unknown: nil
        case .silent: .peerSilent
        case .heard: .peerHeard
        case .shakesHands: .peerAnswers
        case .gatewayMissing(let gateway): .gatewaySilent(gateway)
        case .gatewayThere(let gateway): .gatewayAnswers(gateway)
        }
    }
}
