// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// A TLS handshake (RFC 8446) that the frontend is to make over a connection of the agent's.
public struct HandshakeRequest: Hashable, Sendable, Codable {
    /// Tells the answers apart.
    public var request: UInt64
    /// The name that the server is told (RFC 6066 section 3), and that its certificate must be of (RFC 9525).
    public var name: DomainName
    /// The certificates that the server's must lead to, as PEM; nil: those that the system trusts.
    public var roots: String?
    /// How long it may take, in milliseconds.
    public var patience: Int

    /// Asks for a handshake.
    public init(request: UInt64, name: DomainName, roots: String?, patience: Int) {
        self.request = request
        self.name = name
        self.roots = roots
        self.patience = patience
    }
}

/// How a TLS handshake ended.
public enum HandshakeOutcome: String, Hashable, Sendable, Codable, CaseIterable {
    /// It came about, and the certificate is good.
    case served
    /// Nothing came back in time.
    case silent
    /// The connection ended before.
    case hungUp
    /// What came back is no TLS.
    case notTLS
    /// The server sent an alert (RFC 8446 section 6.2), or has no version or cipher in common with us.
    case declined
    /// The certificate leads to none of the roots (RFC 5280 section 6).
    case untrusted
    /// The certificate is of another name.
    case wrongName
    /// The certificate was valid until some time ago.
    case expired
    /// The certificate is to be valid some time.
    case notYetValid
    /// It could not be tried: the roots or the name are of no use.
    case unable
}
