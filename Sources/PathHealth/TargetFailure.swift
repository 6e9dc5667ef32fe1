// SPDX-License-Identifier: Apache-2.0

/// Why a target that is asked over TLS (RFC 8446) does not serve, as one probe found it.
public enum TargetFailure: Hashable, Sendable, Codable, CustomStringConvertible {
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
    /// It wants a certificate (RFC 8446 section 4.3.2), and was shown none.
    case certificateWanted
    /// It does not take the certificate that it was shown.
    case certificateDeclined
    /// The certificate's chain leads to none of the roots (RFC 5280 section 6).
    case untrusted
    /// The certificate is of another name (RFC 9525 section 6).
    case wrongName
    /// The certificate was valid until so many whole days ago (RFC 5280 section 4.1.2.5).
    case expired(days: Int)
    /// The certificate is valid from a time on that is yet to come, as this host's clock has it.
    case notYetValid
    /// The handshake was done, and nobody said anything in time to what came next.
    case unanswered
    /// The connection ended behind the handshake, before anybody said anything.
    case cutOff
    /// The answer to the request is no HTTP (RFC 9112).
    case notHTTP
    /// The answer to the request has a status (RFC 9110 section 15) that is not good enough.
    case status(Int)

    /// The failure in words.
    public var description: String {
        switch self {
        case .unreachable: "no connection in time"
        case .refused: "the connection was refused"
        case .silent: "connected, but no answer to the TLS handshake in time"
        case .hungUp: "the connection ended amid the TLS handshake"
        case .notTLS: "what it answers is no TLS"
        case .declined: "it declined the TLS handshake (an alert, or no version or cipher in common)"
        case .certificateWanted: "it wants a certificate and was shown none (certificate-file and private-key-file)"
        case .certificateDeclined: "it does not take the certificate that it was shown"
        case .untrusted: "its certificate leads to none of the roots"
        case .wrongName: "its certificate is of another name"
        case .expired(0): "its certificate expired less than a day ago"
        case .expired(1): "its certificate expired a day ago"
        case .expired(let days): "its certificate expired \(days) days ago"
        case .notYetValid: "its certificate is not valid yet (or this host's clock is behind)"
        case .unanswered: "no answer behind the TLS handshake in time"
        case .cutOff: "the connection ended right behind the TLS handshake"
        case .notHTTP: "what it answers to the request is no HTTP"
        case .status(401): "it answered with status 401 (is the key right, and this host's clock?)"
        case .status(let code): "it answered with status \(code)"
        }
    }
}
