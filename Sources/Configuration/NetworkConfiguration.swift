// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// A network that must be reached, as the file asks for it.
public struct NetworkConfiguration: Hashable, Sendable {
    /// When to go back to a better path.
    public enum Failback: Hashable, Sendable {
        /// When it has been good for this long; where there is a window, only while that is open.
        case auto(after: Duration, in: WeeklyWindow? = nil)
        /// By hand only.
        case manual
    }

    /// What names do while no path is good. The prefixes stay guarded either way.
    public enum WhenDown: String, Hashable, Sendable, CaseIterable {
        /// They are not answered.
        case block
        /// They are answered as the public sees them.
        case `public`
    }

    /// The network's name.
    public let name: NetworkName
    /// What is reached through its paths, and guarded; at least one.
    public let prefixes: [IPPrefix]
    /// The paths that lead there, best first; at least one.
    public let paths: [PathName]
    /// The priorities that the file gives to paths, 1 the best; those with the same one carry together.
    public let priorities: [PathName: Int]
    /// How much of what they carry together is a path's, beside the others' weights; one without has 1.
    public let weights: [PathName: Int]
    /// Octets of the largest packet to it; nil: as many as the path takes.
    public let mtu: Int?
    /// Who is asked whether it can be reached.
    public let targets: TargetsConfiguration
    /// How a dead path is to be found out.
    public let detection: DetectionConfiguration
    /// From where on a path that carries traffic counts as degraded.
    public let degraded: DegradedConfiguration
    /// When to go back to a better path.
    public let failback: Failback
    /// Whether a path that goes down again and again is kept off for a while.
    public let damping: Bool
    /// How its standby paths are tried out with its traffic.
    public let drill: DrillConfiguration
    /// What names do while no path is good.
    public let whenDown: WhenDown
    /// The zones whose names lead there.
    public internal(set) var zones: [ZoneConfiguration]

    /// What a weight may be: the kernel's largest is 255 (`nexthop_grp.weight`, which is one less, up to 254:
    /// net/ipv4/nexthop.c, nh_check_attr_group).
    public static let possibleWeights = 1...255

    /// The paths that carry together with a path, by the file, and itself.
    public func group(of path: PathName) -> [PathName] {
        guard let priority = priorities[path] else { return [path] }
        return paths.filter { priorities[$0] == priority }
    }
}

/// How a network's standby paths are tried out: each carries its traffic, or a part of it, for a while.
public struct DrillConfiguration: Hashable, Sendable {
    /// When that is done by itself, once each time; nil: by hand only.
    public var window: WeeklyWindow?
    /// How long each path carries the traffic.
    public var hold = usualHold
    /// The part of the network whose traffic is led there; nil: all of it.
    public var prefix: IPPrefix?
    /// Who is asked meanwhile, by ICMP echo; nil: the first of the network's targets that is asked so.
    public var target: IPAddress?
    /// The address that is asked from; nil: the one that the route says.
    public var source: IPAddress?

    /// What the file may say.
    public static let holds = Duration.seconds(1) ... .seconds(600)
    /// The same in words.
    public static let holdsText = "1s to 10m"
    static let usualHold = Duration.seconds(10)

    /// Who is asked; nil where nobody can be.
    public func target(among targets: TargetsConfiguration) -> IPAddress? {
        let echoes = targets.list.compactMap { target in
            if case .icmp(let address) = target { address } else { nil }
        }
        return target ?? echoes.first { prefix?.contains($0) ?? true }
    }
}

/// How soon a dead path is to be found out, and how seldom in vain.
public struct DetectionConfiguration: Hashable, Sendable {
    /// The time within which it is to be known.
    public var within: Duration = .seconds(1)
    /// How often in a year a living path may be taken for dead.
    public var falseAlarmsPerYear: Double = 1
}

/// What makes a path that carries traffic degraded; nil where the file does not ask.
public struct DegradedConfiguration: Hashable, Sendable {
    /// The share of lost packets, above 0 and below 1.
    public var loss: Double?
    /// The round trip.
    public var roundTrip: Duration?
    /// The difference between one round trip and the next.
    public var jitter: Duration?
}

/// Who is asked whether a network can be reached.
public struct TargetsConfiguration: Hashable, Sendable {
    /// How many must answer.
    public enum Need: Hashable, Sendable {
        case any
        case all
        case count(Int)
    }

    /// One who is asked.
    public enum Target: Hashable, Sendable {
        /// By ICMP echo (RFC 792, RFC 4443).
        case icmp(IPAddress)
        /// By a TCP connection.
        case tcp(SocketEndpoint)
        /// By a question over UDP for a zone's SOA record, which a DNS server is to answer.
        case dns(SocketEndpoint, zone: DomainName)
        /// By a TLS handshake, and perhaps by a request over it.
        case tls(TLSTarget)
    }

    /// How many must answer.
    public let need: Need
    /// Who is asked; at least one.
    public let list: [Target]
}

/// A zone whose names lead into a network.
public struct ZoneConfiguration: Hashable, Sendable {
    /// Where the answers come from.
    public enum Source: Hashable, Sendable {
        /// Resource records in presentation form, owners relative to the zone: `historian A 10.20.0.10`.
        case records([String])
        /// The text of a zone file (RFC 1035 section 5).
        case file(String)
        /// Nowhere, for this reason: its zone file is not whole. No name in it is answered, whatever its network's
        /// decision is.
        case unready(String)
        /// Servers in the network that are asked through its active path.
        case forward([SocketEndpoint])

        /// Whether servers are asked.
        public var isForwarded: Bool { if case .forward = self { true } else { false } }

        /// Whether nothing is answered, since its zone file is not whole.
        public var isUnready: Bool { if case .unready = self { true } else { false } }
    }

    /// The zone's apex.
    public let name: DomainName
    /// Where the answers come from.
    public let source: Source
    /// What holds of it where it is forwarded.
    public var terms: ForwardTerms
    /// Whether there are addresses in its records that get reverse names, where they are the network's.
    public let hasPointers: Bool
    /// The hosts in its records.
    public let hosts: ZoneHosts
    /// Whether it is one of a preset's, so that one of the same name in the file goes before it.
    let isOfPreset: Bool
}
