// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// What the file asks for, checked: references lead somewhere, keys were read, defaults are filled in.
public struct SiteConfiguration: Equatable, Sendable {
    /// The version of the file's format.
    public let version: Int
    /// The site's name.
    public let site: SiteName
    /// The paths, in the order of the file.
    public internal(set) var paths: [PathConfiguration]
    /// The networks, in the order of the file.
    public let networks: [NetworkConfiguration]
    /// The resolver; nil where the file has none.
    public let resolver: ResolverConfiguration?
    /// What some of its clients see otherwise; the first one that fits counts.
    public let views: [ViewConfiguration]
    /// Sets of names whose addresses the firewall knows.
    public let nameSets: [NameSetConfiguration]
    /// Where metrics are served over HTTP; empty where they are not.
    public let metricsListen: [SocketEndpoint]
    /// The control socket.
    public let control: ControlConfiguration
    /// Where pnetd keeps what the kernel does not hold.
    public let state: StateConfiguration
    /// Who is told of decisions.
    public let alerts: [AlertReceiver]
    /// The numbers in the kernel that are pnetd's.
    public let reserve: Reservation
    /// Who must never be locked out.
    public let management: ManagementConfiguration
    /// The control socket of strongSwan's charon, for IPsec paths.
    public let charonSocket: String
}

/// The connections by which this host is managed.
public struct ManagementConfiguration: Hashable, Sendable {
    /// The TCP ports of this host that they come in to.
    public let ports: Set<UInt16>

    /// ssh alone.
    public static let standard = ManagementConfiguration(ports: [22])
}

/// The socket that pnetctl talks to.
public struct ControlConfiguration: Hashable, Sendable {
    /// The socket's path.
    public let socket: String
    /// The group whose members may use it, by name; nil: root alone.
    public let group: String?
}

/// The directories that pnetd writes to.
public struct StateConfiguration: Hashable, Sendable {
    /// What outlives a boot: the guard's copy, the event log.
    public let directory: String
    /// What does not: private sockets.
    public let runtimeDirectory: String
}

/// Who is told of decisions.
public enum AlertReceiver: Hashable, Sendable {
    /// An HTTP POST of JSON to this URL.
    case webhook(String)
    /// A program by absolute path, and its arguments; it gets the JSON on standard input.
    case command([String])
}
