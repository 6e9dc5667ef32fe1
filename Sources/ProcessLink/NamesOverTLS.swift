// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// How the frontend asks servers for names over TLS, and serves clients.
public struct NamesOverTLS: Hashable, Sendable, Codable {
    /// A server that is asked over TLS.
    public struct Server: Hashable, Sendable, Codable {
        /// Where it is, and how it is asked.
        public var upstream: Upstream
        /// The name that it is told (RFC 6066 section 3), and that its certificate must be of (RFC 9525).
        public var name: DomainName
        /// The resource that is asked where it speaks HTTPS (RFC 8484 section 4.1).
        public var path: String
        /// The certificates that its own must lead to, as PEM; nil: those that the system trusts.
        public var roots: String?

        /// Describes a server.
        public init(_ upstream: Upstream, name: DomainName, path: String, roots: String?) {
            (self.upstream, self.name, self.path, self.roots) = (upstream, name, path, roots)
        }
    }

    /// The servers.
    public var servers: [Server]
    /// Who clients are shown that we are; nil where none are served.
    public var identity: ClientIdentity?

    /// States the terms.
    public init(servers: [Server], identity: ClientIdentity?) {
        (self.servers, self.identity) = (servers, identity)
    }
}

/// What became of the connections to a server that is asked over TLS, since the frontend runs.
public struct UpstreamReport: Hashable, Sendable, Codable {
    /// The server.
    public var upstream: Upstream
    /// How many connections came about.
    public var connections: UInt64
    /// How many did not, by why.
    public var failures: [UpstreamFailure: UInt64]
    /// Why the last one did not; nil where it did.
    public var problem: UpstreamFailure?

    /// Reports on a server.
    public init(
        _ upstream: Upstream,
        connections: UInt64 = 0,
        failures: [UpstreamFailure: UInt64] = [:],
        problem: UpstreamFailure? = nil
    ) {
        self.upstream = upstream
        self.connections = connections
        self.failures = failures
        self.problem = problem
    }
}

/// Why there is no connection to a server that is asked over TLS.
public enum UpstreamFailure: String, Hashable, Sendable, Codable, CodingKeyRepresentable, CaseIterable {
    /// Nobody takes a connection there.
    case unreachable
    /// It took too long.
    case silent = "timeout"
    /// The server ended the connection, or sent an alert (RFC 8446 section 6.2).
    case declined
    /// The certificate leads to none of the roots (RFC 5280 section 6).
    case untrusted
    /// The certificate is of another name.
    case wrongName = "wrong-name"
    /// The certificate was valid until some time ago.
    case expired
    /// The certificate is to be valid some time.
    case notYetValid = "not-yet-valid"
    /// The server speaks TLS, but not what is spoken over it.
    case wrongProtocol = "wrong-protocol"
    /// It could not be tried: the roots are of no use.
    case unable
}
