// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// Something in a network that is asked, through each path, whether it answers.
public enum Target: Hashable, Sendable, Codable, CustomStringConvertible {
    /// An ICMP or ICMPv6 echo (RFC 792, RFC 4443).
    case icmp(IPAddress)
    /// A TCP connection (RFC 9293).
    case tcp(SocketEndpoint)
    /// A question to a DNS server for a zone's SOA record (RFC 1035).
    case dns(SocketEndpoint, zone: DomainName)
    /// A TLS handshake (RFC 8446) with the server of this name (RFC 6066 section 3), at the most once in so long.
    case tls(SocketEndpoint, name: DomainName, every: Duration)
    /// The same, and then a GET (RFC 9110) of this path, with its query if it has one.
    case https(SocketEndpoint, name: DomainName, path: String, every: Duration)

    /// The time between two questions, where the target is too dear to be asked as often as the promise wants.
    public var pace: Duration? {
        switch self {
        case .tls(_, _, let interval), .https(_, _, _, let interval): interval
        case .icmp, .tcp, .dns: nil
        }
    }

    /// Where a TCP connection is opened to ask it; nil where none is.
    public var connection: SocketEndpoint? {
        switch self {
        case .tcp(let endpoint), .tls(let endpoint, _, _), .https(let endpoint, _, _, _): endpoint
        case .icmp, .dns: nil
        }
    }

    /// The target as the file writes it.
    public var description: String {
        switch self {
        case .icmp(let address): "icmp \(address)"
        case .tcp(let endpoint): "tcp \(endpoint)"
        case .dns(let server, let zone):
            "dns \(server.port == 53 ? "\(server.address)" : "\(server)") for \(zone.withoutRootDot)"
        case .tls(let endpoint, let name, _): "tls \(endpoint) as \(name.withoutRootDot)"
        case .https(let endpoint, let name, let path, _): "https \(endpoint)\(path) as \(name.withoutRootDot)"
        }
    }
}

/// A target as it is asked for one network through one path.
public struct ProbeSubject: Hashable, Sendable, Codable {
    /// The network that the answer speaks for.
    public let network: NetworkName
    /// The path that the question leaves by and the answer comes back by.
    public let path: PathName
    /// Who is asked.
    public let target: Target

    /// Names a subject.
    public init(network: NetworkName, path: PathName, target: Target) {
        self.network = network
        self.path = path
        self.target = target
    }
}

/// One question to a target.
public struct Probe: Hashable, Sendable, Codable {
    /// Who is asked, through which path, for which network.
    public let subject: ProbeSubject
    /// Counts the subject's probes and tells their answers apart; it wraps.
    public let sequence: UInt16

    /// Names a probe.
    public init(subject: ProbeSubject, sequence: UInt16) {
        self.subject = subject
        self.sequence = sequence
    }
}

/// What a path itself shows, whoever is asked through it.
public enum PathCondition: Hashable, Sendable, Codable {
    /// The interface is there, up and configured, and its underlay can carry packets.
    case ready
    /// The path cannot carry anything, and why.
    case unusable(Reason)
}

/// The path that a network's traffic is wanted on, before all others, for as long as it carries.
public struct Preference: Hashable, Sendable, Codable {
    /// The path.
    public let path: PathName
    /// Who wants that, and why.
    public let reason: Reason

    /// Puts a path first.
    public init(_ path: PathName, _ reason: Reason) {
        self.path = path
        self.reason = reason
    }
}

/// One timed observation. The time is given beside it.
public enum Evidence: Hashable, Sendable, Codable {
    /// The probe's answer came in by its path.
    case answer(Probe)
    /// The probe of a target that is asked at its own pace ended otherwise.
    case failure(Probe, TargetFailure)
    /// Whether there is somebody who can ask by a TLS handshake.
    case handshakes(Bool)
    /// The path's own condition changed.
    case condition(PathName, PathCondition)
    /// The path was taken out by hand for this reason, or, with none, given back. It is probed all the same.
    case drained(PathName, Reason?)
    /// A network's traffic is wanted on a path, as soon as that carries; with none, the file's order holds.
    case preferred(NetworkName, Preference?)
    /// The same for as long as a drill lasts; it goes before ``preferred(_:_:)``.
    case drilled(NetworkName, Preference?)
    /// Whether a network's traffic may come back to better paths just now, by the time of the day.
    case failback(NetworkName, isOpen: Bool)
    /// What BFD with the path's far end shows changed.
    case session(PathName, BFDStatus)
    /// What the counters of the path's tunnel say of its far end changed.
    case peer(PathName, PeerStatus)
    /// What the kernel refuses of the packets that come in by the path's tunnel changed.
    case refusals(PathName, PacketRefusals)
    /// The answers to the path's probes come in by another path, or, with none, not any more. They answer nothing: what the
    /// far end sends, it does not send by this path.
    case detour(PathName, by: PathName?)
    /// What this host's own TCP connections to a network by a path show changed.
    case flows(NetworkName, PathName, FlowStatus)
    /// What STAMP with the path's far end shows changed.
    case reflector(PathName, ReflectorStatus)
}
