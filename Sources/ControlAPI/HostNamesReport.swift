// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// The answer to `names`: the resolver as the file in force has it, and how this host's own names come to it.
///
/// `{"host":{"domains":"zones","manage":"auto","problems":[],"servers":["127.0.0.1:53"],"way":"resolved"},
/// "isAnswering":true,"listen":["127.0.0.1:53"],"upstreams":["192.0.2.53:53"],"zones":[{"name":"plant.internal.",
/// "network":"azure","servers":["10.20.0.53:53"]}]}`
public struct HostNamesReport: Hashable, Sendable, Codable {
    /// Where it listens; empty where the file has no resolver.
    public var listen: [SocketEndpoint]
    /// Whether it runs and knows what to answer by.
    public var isAnswering: Bool
    /// Who is asked for names in no zone.
    public var upstreams: [SocketEndpoint]
    /// The zones of all networks, those of reverse names left out.
    public var zones: [Zone]
    /// This host's own names; null where the file has no resolver.
    @ExplicitNull public var host: Host?

    /// A zone and who is asked about it.
    public struct Zone: Hashable, Sendable, Codable {
        /// Its name.
        public var name: DomainName
        /// The network whose it is.
        public var network: NetworkName
        /// Who is asked; empty where its records are in the file.
        public var servers: [SocketEndpoint]

        /// Makes a zone of a report.
        public init(name: DomainName, network: NetworkName, servers: [SocketEndpoint]) {
            self.name = name
            self.network = network
            self.servers = servers
        }
    }

    /// How this host's own names come to the resolver.
    public struct Host: Hashable, Sendable, Codable {
        /// What the file asks for: `auto`, `resolved`, `resolv-conf` or `off`.
        public var manage: String
        /// Which names: `zones` or `all`.
        public var domains: String
        /// What was done: `resolved` or `resolv-conf`; null where nothing was.
        @ExplicitNull public var way: String?
        /// Where this host is to ask, best first.
        public var servers: [SocketEndpoint]
        /// What stands in the way.
        public var problems: [String]

        /// Makes the host's part.
        public init(manage: String, domains: String, way: String?, servers: [SocketEndpoint], problems: [String]) {
            self.manage = manage
            self.domains = domains
            self.way = way
            self.servers = servers
            self.problems = problems
        }
    }

    /// Makes a report.
    public init(
        listen: [SocketEndpoint],
        isAnswering: Bool,
        upstreams: [SocketEndpoint],
        zones: [Zone],
        host: Host?
    ) {
        self.listen = listen
        self.isAnswering = isAnswering
        self.upstreams = upstreams
        self.zones = zones
        self.host = host
    }
}
