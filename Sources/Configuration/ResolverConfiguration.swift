// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// The resolver, as the file asks for it.
public struct ResolverConfiguration: Hashable, Sendable {
    /// What is answered for a name whose network is blocked.
    public enum BlockedAnswer: String, Hashable, Sendable, CaseIterable {
        case servfail
        case nxdomain
        case nodata
    }

    /// What one client may cost, per thread.
    public struct ClientLimits: Hashable, Sendable {
        /// Queries a second over UDP.
        public var queriesPerSecond = 2000
        /// Questions that wait for an upstream.
        public var inFlight = 256
        /// Answers of one kind a second over UDP.
        public var responsesPerSecond = 500
        /// Who is not limited.
        public var exempt: [IPPrefix]
    }

    /// A server that is asked for names in no zone.
    public struct UpstreamServer: Hashable, Sendable {
        /// Where it is, and how it is asked.
        public let upstream: Upstream
        /// What is asked of it over TLS; nil where it is asked in the clear.
        public let terms: Terms?
        /// Whether its word that data is authentic (AD) is taken.
        public let trustsAD: Bool

        /// What is asked of a server over TLS.
        public struct Terms: Hashable, Sendable {
            /// The name that it is told (RFC 6066 section 3), and that its certificate must be of (RFC 9525).
            public let name: DomainName
            /// The resource that is asked over HTTPS (RFC 8484 section 4.1).
            public let path: String
            /// The certificates that its own must lead to, as PEM; nil: those that the system trusts.
            public let roots: String?

            /// The path that public resolvers have.
            static let usualPath = "/dns-query"
        }
    }

    /// DNS over TLS for clients (RFC 7858).
    public struct TLSService: Hashable, Sendable {
        /// Where they come in; at least one.
        public let listen: [SocketEndpoint]
        /// The name that the certificate is of, by which clients find it (RFC 9462).
        public let name: DomainName
        /// Who they are shown that we are.
        public let identity: ClientIdentity

        /// How many addresses there may be: a socket each, which go over in one message with others.
        static let mostAddresses = 16
    }

    /// Where questions come in; at least one.
    public let listen: [SocketEndpoint]
    /// Who may ask.
    public let allow: [IPPrefix]
    /// How many threads answer.
    public let workers: Int
    /// What is answered for a name whose network is blocked.
    public let whenBlocked: BlockedAnswer
    /// How long clients are told to keep the answers of networks' zones, in whole seconds.
    public let pathBoundTTL: Duration
    /// What one client may cost.
    public let limits: ClientLimits
    /// Who is asked for names in no zone; where there is none, such names are refused.
    public let upstreams: [UpstreamServer]
    /// Where clients are served over TLS; nil: nowhere.
    public let tls: TLSService?
    /// How their answers are validated; nil where they are not.
    public let validation: ValidationConfiguration?
    /// Special-use names that the upstreams are asked for all the same, with all below them.
    public let specialUseUpstream: [DomainName]
    /// Domains in no zone whose names may lead to private addresses.
    public let trusted: [DomainName]
    /// Whether this host's own names are answered as well.
    public let host: HostNames
}
