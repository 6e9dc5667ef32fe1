// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// What one client may cost. They keep one host that runs wild from taking the resolver from all others.
///
/// A client is an IPv4 address or an IPv6 prefix of 56 bits, as a site gets one (RFC 6177 section 2). Each worker counts
/// for itself.
public struct ClientLimits: Hashable, Sendable {
    /// Queries a second, with as many at once; what is more gets no answer, or BADCOOKIE (RFC 7873) where the client
    /// knows cookies. Whoever shows a good cookie or comes by TCP is not counted.
    public var queriesPerSecond: Int
    /// Questions that wait for an upstream.
    public var inFlight: Int
    /// Answers of one kind a second by UDP to one prefix of 24 or 56 bits; of what is more every second one says that
    /// TCP is to be used, and the others are not sent. Whoever shows a good cookie is not counted.
    public var responsesPerSecond: Int
    /// Who is not limited.
    public var exempt: AddressSet

    /// Higher than any plant's hosts get, and this host is not limited.
    public static let standard = ClientLimits(
        queriesPerSecond: 2000,
        inFlight: 256,
        responsesPerSecond: 500,
        exempt: ["127.0.0.0/8", "::1/128"].compactMap { IPPrefix($0) }
    )

    /// Describes limits.
    public init(queriesPerSecond: Int, inFlight: Int, responsesPerSecond: Int, exempt: [IPPrefix]) {
        self.queriesPerSecond = queriesPerSecond
        self.inFlight = inFlight
        self.responsesPerSecond = responsesPerSecond
        self.exempt = AddressSet(exempt)
    }
}

/// Which limit cut a query or its answer.
public enum ClientLimit: Int, Sendable, CaseIterable {
    case queries
    case inFlight
    case responses
    /// Of no client: all that waited for longer than clients do.
    case overload

    /// The text that metrics carry.
    public var text: String {
        switch self {
        case .queries: "queries"
        case .inFlight: "in-flight"
        case .responses: "responses"
        case .overload: "overload"
        }
    }
}
