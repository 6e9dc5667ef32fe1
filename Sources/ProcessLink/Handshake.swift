// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// A TLS handshake (RFC 8446) that the frontend is to make over a connection of the agent's, and what it is to ask
/// then.
public struct HandshakeRequest: Hashable, Sendable, Codable {
    /// A GET (RFC 9110 section 9.3.1), of which the answer's head is wanted.
    public struct Question: Hashable, Sendable, Codable {
        /// Who is asked, as the Host field has it (RFC 9110 section 7.2).
        public var authority: String
        /// The resource's path, with its query if it has one.
        public var path: String
        /// The Authorization field (RFC 9110 section 11.6.2); nil: none.
        public var authorization: Secret?

        /// Asks for a resource.
        public init(authority: String, path: String, authorization: Secret?) {
            self.authority = authority
            self.path = path
            self.authorization = authorization
        }
    }

    /// Tells the answers apart.
    public var request: UInt64
    /// The name that the server is told (RFC 6066 section 3), and that its certificate must be of (RFC 9525).
    public var name: DomainName
    /// The certificates that the server's must lead to, as PEM; nil: those that the system trusts.
    public var roots: String?
    /// What the server is shown if it asks who we are; nil: nothing.
    public var identity: ClientIdentity?
    /// What it is asked then; nil: nothing.
    public var question: Question?
    /// How long all of it may take, in milliseconds.
    public var patience: Int

    /// Asks for a handshake.
    public init(
        request: UInt64,
        name: DomainName,
        roots: String?,
        identity: ClientIdentity? = nil,
        question: Question? = nil,
        patience: Int
    ) {
        self.request = request
        self.name = name
        self.roots = roots
        self.identity = identity
        self.question = question
        self.patience = patience
    }
}

/// What a TLS handshake came to, and the request over it.
public struct HandshakeReport: Hashable, Sendable, Codable {
    /// How it ended.
    public var outcome: HandshakeOutcome
    /// Until when the server's certificate is valid, in seconds since 1970, where one was seen.
    public var expires: Int64?
    /// Until when the certificate is valid that the server may be shown, in seconds since 1970, where there is one.
    public var identityExpires: Int64?
    /// The status of the answer (RFC 9110 section 15), where there was one.
    public var status: Int?

    /// Reports an end.
    public init(
        _ outcome: HandshakeOutcome,
        expires: Int64? = nil,
        identityExpires: Int64? = nil,
        status: Int? = nil
    ) {
        self.outcome = outcome
        self.expires = expires
        self.identityExpires = identityExpires
        self.status = status
    }
}

/// How a TLS handshake ended, and the request over it.
public enum HandshakeOutcome: String, Hashable, Sendable, Codable, CaseIterable {
    /// It came about, and the certificate is good; where there was a request, it was answered by HTTP.
    case served
    /// Nothing came back in time.
    case silent
    /// The connection ended before.
    case hungUp
    /// What came back is no TLS.
    case notTLS
    /// The server sent an alert (RFC 8446 section 6.2), or has no version or cipher in common with us.
    case declined
    /// The server wants a certificate, and there was none to be shown.
    case certificateWanted
    /// The server does not take the certificate that it was shown.
    case certificateDeclined
    /// The certificate leads to none of the roots (RFC 5280 section 6).
    case untrusted
    /// The certificate is of another name.
    case wrongName
    /// The certificate was valid until some time ago.
    case expired
    /// The certificate is to be valid some time.
    case notYetValid
    /// The handshake came about, and nothing came behind it in time.
    case unanswered
    /// The handshake came about, and then the connection ended.
    case cutOff
    /// What came back to the request is no HTTP.
    case notHTTP
    /// It could not be tried: the roots or the name are of no use.
    case unable
    /// It could not be tried: the identity's certificates or its key are of no use, or do not belong together.
    case unfit
}
