// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// A way to a zone's servers: a path and its interface.
public struct ServerWay: Hashable, Sendable {
    /// What the path is called where it is told of.
    public var path: String
    /// The interface that questions leave by.
    public var interface: InterfaceName
    /// The largest packet that the path carries whole, in octets; nil where that is not known.
    public var mtu: Int?

    /// Names a way.
    public init(path: String, interface: InterfaceName, mtu: Int? = nil) {
        (self.path, self.interface, self.mtu) = (path, interface, mtu)
    }

    /// The largest datagram that is asked of a server, in octets, so that no answer comes in fragments (RFC 9715 section
    /// 3.2): the IP and UDP headers take 28 octets of a packet, those of IPv6 take 48. Whatever a path carries, 512 are
    /// always allowed (RFC 6891 section 6.2.3).
    static func datagramSize(by way: ServerWay?, from server: SocketEndpoint) -> Int {
        guard let mtu = way?.mtu else { return MessageSize.datagram }
        let headers = server.address.family == .ipv4 ? 28 : 48
        return max(MessageSize.plain, min(MessageSize.datagram, mtu - headers))
    }
}

/// When an answer that is over is given again, because nobody gives a new one (RFC 8767).
public struct LastKnownGood: Hashable, Sendable {
    /// The TCP port that its address must take a connection on, now and through the active path; nil where that is not
    /// asked for.
    public var port: UInt16?
    /// How long after it came, in seconds.
    public var age: UInt32

    /// States when.
    public init(port: UInt16?, age: UInt32) {
        (self.port, self.age) = (port, age)
    }

    /// Of public names: a day, the shortest that RFC 8767 section 5 recommends.
    static let ofUpstreams = LastKnownGood(port: nil, age: 86_400)
}

/// Why the public is asked for a name that ought to be private.
public enum PublicReason: UInt8, Hashable, Sendable, CaseIterable {
    /// The zone's servers say that there is no such name.
    case noSuchName
    /// None of them has an answer of use: they are silent, refuse, or fail.
    case noAnswer

    /// The reason as a metric's label has it.
    public var text: String {
        switch self {
        case .noSuchName: "nxdomain"
        case .noAnswer: "no-answer"
        }
    }
}

/// Who is asked, by which ways, and under which scope the answers are kept.
final class ForwardRoute: Sendable {
    /// Who is asked where the route's own servers have no answer of use.
    struct Fallback: Sendable {
        let route: ForwardRoute
        let reasons: Set<PublicReason>
    }

    let scope: UInt64
    /// The same for all scopes of the same servers and filter: an answer of an earlier one is the last known good.
    let lineage: UInt64
    /// What is remembered of it is kept under this; nil where nothing is.
    let origin: AnswerOrigin?
    let servers: [SocketEndpoint]
    /// How each of them is asked first.
    let transports: [UpstreamTransport]
    /// Those whose word that data is authentic is taken (RFC 6840 section 5.8).
    let trusted: Set<SocketEndpoint>
    /// At least one, best first; nil is whatever the host's routes say.
    let ways: [ServerWay?]
    /// The number of the zone's counters.
    let label: Int
    /// How long clients are told to keep what holds only while a path does, in seconds; nil for what holds anyway.
    ///
    /// When names change with a decision, no client is wrong for longer. Ten seconds is what the clouds' own private endpoint
    /// records have.
    let pathBoundTTL: UInt32?
    /// The zone; nil for what goes to the upstreams.
    let apex: [UInt8]?
    let filter: AnswerFilter
    /// What answers are validated by; nil where they are not.
    let anchors: TrustAnchors?
    let lastKnownGood: LastKnownGood?
    let fallback: Fallback?

    init(
        scope: UInt64,
        lineage: UInt64,
        origin: AnswerOrigin? = nil,
        servers: [Upstream],
        trusted: Set<SocketEndpoint> = [],
        ways: [ServerWay?] = [nil],
        label: Int,
        pathBoundTTL: UInt32?,
        apex: [UInt8]? = nil,
        filter: AnswerFilter = AnswerFilter(),
        anchors: TrustAnchors? = nil,
        lastKnownGood: LastKnownGood? = nil,
        fallback: Fallback? = nil
    ) {
        self.scope = scope
        self.lineage = lineage
        self.origin = origin
        self.servers = servers.map(\.endpoint)
        transports = servers.map { $0.encryption.map { .encrypted($0) } ?? .datagram }
        self.trusted = trusted
        self.ways = ways
        self.label = label
        self.pathBoundTTL = pathBoundTTL
        self.apex = apex
        self.filter = filter
        self.anchors = anchors
        self.lastKnownGood = lastKnownGood
        self.fallback = fallback
    }

    /// The interfaces of the ways: what a way carries may change while questions are under way by it.
    var interfaces: [InterfaceName?] { ways.map { $0?.interface } }

    /// The longest that an answer is kept and that clients are told to keep it (RFC 8767 section 4 for the day).
    var longestTTL: UInt32 { pathBoundTTL ?? 86_400 }
    /// RFC 2308 section 5 recommends one to three hours.
    var longestNegativeTTL: UInt32 { pathBoundTTL ?? 3_600 }
    /// What clients are told of an answer that is over: RFC 8767 section 4 recommends thirty seconds.
    var lastKnownGoodTTL: UInt32 { min(pathBoundTTL ?? 30, 30) }

    /// Who is asked for a name instead, where there is this reason to; nil for nobody.
    ///
    /// Only what a client needs to connect is asked for, as Azure's NxDomainRedirect does.
    func fallback(for reason: PublicReason, _ type: RecordType) -> ForwardRoute? {
        guard let fallback, fallback.reasons.contains(reason), [.a, .aaaa, .cname].contains(type) else { return nil }
        return fallback.route
    }
}
