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

    /// Where questions come in; at least one.
    public let listen: [SocketEndpoint]
    /// Who may ask.
    public let allow: [IPPrefix]
    /// How many threads answer.
    public let workers: Int
    /// What is answered for a name whose network is blocked.
    public let whenBlocked: BlockedAnswer
    /// What one client may cost.
    public let limits: ClientLimits
    /// Who is asked for names in no zone; where there is none, such names are refused.
    public let upstreams: [SocketEndpoint]
    /// Those of them whose word that data is authentic is taken.
    public let trustedUpstreams: Set<SocketEndpoint>
    /// How their answers are validated; nil where they are not.
    public let validation: ValidationConfiguration?
    /// Special-use names that the upstreams are asked for all the same, with all below them.
    public let specialUseUpstream: [DomainName]
    /// Domains in no zone whose names may lead to private addresses.
    public let trusted: [DomainName]
    /// Whether this host's own names are answered as well.
    public let host: HostNames
}
