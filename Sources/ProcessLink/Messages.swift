// SPDX-License-Identifier: Apache-2.0
// What the three processes say to each other over the agent's private sockets, one a role. The agent trusts none of it.

public import ControlAPI
public import NetworkTypes
public import SystemIO

/// Who connects to one of the agent's private sockets.
public enum LinkRole: String, Hashable, Sendable, CaseIterable {
    case resolver
    case frontend

    /// Whom a process of the role runs as, so that neither can signal or stand in for the other: the account of its
    /// own that the packages make, else a number that has no name (from systemd's range for such, 61184 to 65519).
    public var account: Account {
        Account(named: "pnetd-\(rawValue)") ?? Account(number: self == .resolver ? 65_401 : 65_402)
    }

    /// The exit status of a process that the agent told to end: a service manager does not start it again.
    public static let toldToEnd: Int32 = 100

    /// The name of the agent's socket for the role, in the runtime directory.
    public var socketName: String { "\(rawValue).sock" }
}

/// A socket that the agent opens and another process serves.
public struct ListenerDescription: Hashable, Sendable, Codable {
    /// What is spoken on it.
    public enum Kind: String, Hashable, Sendable, Codable {
        case dnsUDP
        case dnsTCP
        case http
        case dnsTLS

        /// Who serves it.
        public var role: LinkRole {
            switch self {
            case .dnsUDP, .dnsTCP: .resolver
            case .http, .dnsTLS: .frontend
            }
        }
    }

    /// What is spoken on it.
    public var kind: Kind
    /// The address it is bound to.
    public var endpoint: SocketEndpoint
    /// Which of the sockets of one SO_REUSEPORT set it is, from 0; one a worker.
    public var index: Int

    /// Describes a listener.
    public init(kind: Kind, endpoint: SocketEndpoint, index: Int) {
        self.kind = kind
        self.endpoint = endpoint
        self.index = index
    }
}

/// One value of a metric as a process that is not the agent counts it.
public struct MetricSample: Hashable, Sendable, Codable {
    /// The metric's name, as in `pnetd_dns_queries_total`; the agent knows the names that it accepts.
    public var name: String
    /// Label names and values.
    public var labels: [String: String]
    /// The value since the process began.
    public var value: Double

    /// Makes a sample.
    public init(name: String, labels: [String: String] = [:], value: Double) {
        self.name = name
        self.labels = labels
        self.value = value
    }
}

/// What resolver and frontend say to the agent.
public enum MessageToAgent: Sendable, Codable {
    /// The first message. Descriptors of the listeners travel with it, in the same order.
    case hello(holding: [ListenerDescription])
    /// The resolver answers by this snapshot from now on.
    case inForce(snapshot: UInt64)
    /// The counters of this process, all of them.
    case metrics([MetricSample])
    /// The frontend asks for the page of metrics and the state of health.
    case scrape(request: UInt64)
    /// An alert reached its receiver.
    case delivered(alert: String)
    /// An alert did not reach its receiver; the agent will offer it again.
    case undelivered(alert: String, reason: String)
    /// What the resolver found of a host: its addresses, for so many seconds; or none, and why.
    case found(request: UInt64, addresses: [IPAddress], lifetime: UInt32, problem: FindingProblem?)
    /// What the agent asked about names.
    case names(request: UInt64, NamesReport)
    /// Addresses that the firewall is to hold before clients hear of them; answers wait for the agent's `held`.
    case learned(request: UInt64, [NameSetAddress])
    /// What a TLS handshake came to.
    case shookHands(request: UInt64, HandshakeReport)
    /// What became of the connections to servers that are asked over TLS, all of them.
    case upstreams([UpstreamReport])
    /// What the resolver remembers of private names, all of it.
    case rememberedNames(RememberedNames)
}

/// What the resolver tells of names.
public enum NamesReport: Hashable, Sendable, Codable {
    case explained(NameExplanation)
    case flushed(FlushReport)
    case dumped(NameDump)
    /// Of the agent itself.
    case audited(NameAudit)
}

/// Why a host has no address.
public enum FindingProblem: String, Hashable, Sendable, Codable {
    /// The servers say that there is no such name.
    case noSuchName
    /// The servers say that the name has no address.
    case noAddress
    /// No server has given an answer of use.
    case noAnswer
}

/// What the agent says to resolver and frontend.
public enum MessageFromAgent: Sendable, Codable {
    /// The listeners to serve from now on, all of them; any other is closed. The descriptors of those for which
    /// `attached` is true travel with the message, in order; the receiver holds the others already.
    case listeners([ListenerDescription], attached: [Bool])
    /// The text of a zone file. It is sent once on a connection, before the first snapshot that names its number, and
    /// kept for as long as each snapshot names it: a decision does not send ten thousand records again.
    case zoneFile(number: UInt64, text: String)
    /// What the resolver answers by.
    case resolver(ResolverSnapshot)
    /// What the frontend asked for: exposition text, and health.
    case page(request: UInt64, metrics: String, health: Health)
    /// An alert to deliver.
    case deliver(AlertDelivery)
    /// What an earlier resolver remembered of private names. It comes before the first snapshot.
    case rememberedNames(RememberedNames)
    /// The resolver finds a host's addresses, by these servers and through this interface.
    case find(request: UInt64, host: DomainName, servers: [SocketEndpoint], interface: InterfaceName)
    /// The resolver tells what it knows of names, or forgets it. It cannot tell itself which index (0 for none) the
    /// request's interface has.
    case names(request: UInt64, NamesRequest, interface: UInt32)
    /// The firewall holds the addresses that the resolver told of, but those at these places of the list.
    case held(request: UInt64, except: Set<Int>)
    /// The frontend shakes hands with a TLS server. The connection to it travels with the message.
    case shakeHands(HandshakeRequest)
    /// The frontend asks servers, and serves clients, over TLS by these terms from now on.
    case namesOverTLS(NamesOverTLS)
    /// Resolver and frontend pass names on to each other from now on, each of the resolver's threads by a socket of its
    /// own; these travel with the message.
    case relay
    /// End now.
    case stop
}

/// Health, as `/healthz` gives it.
public struct Health: Hashable, Sendable, Codable {
    /// The worst of `up`, `degraded`, `down`.
    public var state: String
    /// What is wrong, in words; empty where all is well.
    public var reasons: [String]

    /// Makes a state of health.
    public init(state: String, reasons: [String]) {
        self.state = state
        self.reasons = reasons
    }
}

/// One alert for one receiver.
public struct AlertDelivery: Hashable, Sendable, Codable {
    /// Where it goes.
    public enum Receiver: Hashable, Sendable, Codable {
        /// An HTTP POST to this URL.
        case webhook(url: String)
        /// A program and its arguments; it gets the JSON on standard input.
        case command([String])
    }

    /// Names the delivery; a receiver that sees it twice may drop the second.
    public var id: String
    /// Where it goes.
    public var receiver: Receiver
    /// The JSON text.
    public var body: String

    /// Makes a delivery.
    public init(id: String, receiver: Receiver, body: String) {
        self.id = id
        self.receiver = receiver
        self.body = body
    }
}
