// SPDX-License-Identifier: Apache-2.0

/// Why a TLS target does not serve (RFC 8446), as one probe found it.
public enum TLSFailure: Hashable, Sendable, Codable, CustomStringConvertible {
    /// No connection stood in time.
    case unreachable
    /// The connection was refused, by RST or ICMP.
    case refused
    /// The connection stood, and nobody said anything in time.
    case silent
    /// The connection ended amid the handshake.
    case hungUp
    /// What came back is no TLS.
    case notTLS
    /// The server sent an alert (RFC 8446 section 6.2), or has no version or cipher in common with us.
    case declined
    /// The certificate's chain leads to none of the roots (RFC 5280 section 6).
    case untrusted
    /// The certificate is of another name (RFC 9525 section 6).
    case wrongName
    /// The certificate was valid until so many whole days ago (RFC 5280 section 4.1.2.5).
    case expired(days: Int)
    /// The certificate is valid from a time on that is yet to come, as this host's clock has it.
    case notYetValid

    /// The failure in words.
    public var description: String {
        switch self {
        case .unreachable: "no connection in time"
        case .refused: "the connection was refused"
        case .silent: "connected, but no answer to the TLS handshake in time"
        case .hungUp: "the connection ended amid the TLS handshake"
        case .notTLS: "what it answers is no TLS"
        case .declined: "it declined the TLS handshake (an alert, or no version or cipher in common)"
        case .untrusted: "its certificate leads to none of the roots"
        case .wrongName: "its certificate is of another name"
        case .expired(0): "its certificate expired less than a day ago"
        case .expired(1): "its certificate expired a day ago"
        case .expired(let days): "its certificate expired \(days) days ago"
        case .notYetValid: "its certificate is not valid yet (or this host's clock is behind)"
        }
    }
}
