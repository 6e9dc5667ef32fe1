// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes
import SystemIO

/// Whom systemd-resolved asks, and for what, as it says itself (org.freedesktop.resolve1(5)).
public struct ResolvedFacts: Hashable, Sendable {
    /// A server of a link, or of all (number 0).
    public struct Server: Hashable, Sendable {
        /// The link's number.
        public let link: Int32
        /// Where it is asked.
        public let endpoint: SocketEndpoint
    }

    /// A domain of a link, or of all (number 0).
    public struct Domain: Hashable, Sendable {
        /// The link's number.
        public let link: Int32
        /// The domain whose names are asked there.
        public let name: DomainName
        /// Whether it is for routing only, and not put behind short names.
        public let isForRouting: Bool
    }

    /// The servers of all links.
    public let servers: [Server]
    /// The domains of all links.
    public let domains: [Domain]

    /// Makes facts.
    public init(servers: [Server], domains: [Domain]) {
        self.servers = servers
        self.domains = domains
    }

    /// Asks over a bus.
    static func fetch(over bus: DBusConnection, then done: @escaping (Result<ResolvedFacts, DBusError>) -> Void) {
        get("DNSEx", of: manager, over: bus) { servers in
            switch servers {
            case .failure(let error): done(.failure(error))
            case .success(let values):
                get("Domains", of: manager, over: bus) { domains in
                    switch domains {
                    case .failure(let error): done(.failure(error))
                    case .success(let domains):
                        fetch(values.compactMap(server), domains.compactMap(domain), over: bus, then: done)
                    }
                }
            }
        }
    }

    /// Servers at loopback addresses are told of as `lo`'s, whatever link has them: the links say it themselves.
    private static func fetch(
        _ servers: [Server],
        _ domains: [Domain],
        over bus: DBusConnection,
        then done: @escaping (Result<ResolvedFacts, DBusError>) -> Void
    ) {
        let links = Set(servers.map(\.link) + domains.map(\.link)).subtracting([0, loopback])
        var missing = links.count
        var known = servers.filter { $0.link == 0 }
        func finish() {
            let others = servers.filter { server in
                server.link == loopback && !known.contains { $0.endpoint == server.endpoint }
            }
            done(.success(ResolvedFacts(servers: known + others, domains: domains)))
        }
        guard missing > 0 else { return finish() }
        for link in links.sorted() {
            get("DNSEx", of: object(of: link), over: bus) { result in
                // A link may go meanwhile.
                let values = (try? result.get()) ?? []
                known += values.compactMap { value in
                    value.fields.flatMap { endpoint($0[...]) }.map { Server(link: link, endpoint: $0) }
                }
                missing -= 1
                if missing == 0 { finish() }
            }
        }
    }

    /// The number of `lo`, in every network namespace (LOOPBACK_IFINDEX of the kernel).
    private static let loopback: Int32 = 1

    private typealias Object = (path: String, interface: String)

    private static let manager: Object = (Resolved.path, Resolved.manager)

    /// A link's object: its number, of which the first digit is escaped (sd_bus_path_encode(3)).
    private static func object(of link: Int32) -> Object {
        ("\(Resolved.path)/link/_3\(link)", "org.freedesktop.resolve1.Link")
    }

    private static func get(
        _ property: String,
        of object: Object,
        over bus: DBusConnection,
        then done: @escaping (Result<[DBusValue], DBusError>) -> Void
    ) {
        let method = DBusConnection.Method(of: Resolved.name, object.path, "org.freedesktop.DBus.Properties", "Get")
        bus.call(method, [.string(object.interface), .string(property)]) { result in
            done(
                result.map { values in
                    guard case .variant(let value) = values.first else { return [] }
                    return value.elements ?? []
                }
            )
        }
    }

    /// `(iiayqs)`: link, and an endpoint.
    private static func server(_ value: DBusValue) -> Server? {
        guard let fields = value.fields, case .int32(let link) = fields.first,
            let endpoint = endpoint(fields.dropFirst())
        else { return nil }
        return Server(link: link, endpoint: endpoint)
    }

    /// `iayqs`: family, address, port (0: 53), name in TLS.
    private static func endpoint(_ fields: ArraySlice<DBusValue>) -> SocketEndpoint? {
        let fields = Array(fields)
        guard fields.count == 4, let octets = fields[1].elements, case .uint16(let port) = fields[2] else { return nil }
        let bytes = octets.compactMap { if case .byte(let octet) = $0 { octet } else { nil } }
        guard let address = IPAddress(bytes: bytes) else { return nil }
        return SocketEndpoint(address: address, port: port == 0 ? 53 : port)
    }

    /// `(isb)`: link, domain, whether it is for routing only.
    private static func domain(_ value: DBusValue) -> Domain? {
        guard let fields = value.fields, fields.count == 3, case .int32(let link) = fields[0],
            let text = fields[1].text, let name = DomainName(text), case .boolean(let isForRouting) = fields[2]
        else { return nil }
        return Domain(link: link, name: name, isForRouting: isForRouting)
    }

    /// Asks and waits, for programs that do one thing at a time; nil where systemd-resolved does not run, or keeps silent.
    public static func ask(bus path: String = DBusConnection.systemBus, within limit: Duration = .seconds(2)) -> Self? {
        var answer: Result<ResolvedFacts, DBusError>?
        do {
            let loop = try EventLoop()
            let bus = try DBusConnection(to: path, on: loop, onSignal: { _ in }) { answer = .failure($0) }
            fetch(over: bus) { answer = $0 }
            let end = loop.now + limit
            while answer == nil, loop.now < end { try loop.turn(waiting: end - loop.now) }
            bus.close()
        } catch {
            return nil
        }
        return try? answer?.get()
    }
}
