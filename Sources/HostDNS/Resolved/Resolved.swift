// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes
public import SystemIO

/// systemd-resolved, told over D-Bus whom to ask for which names (org.freedesktop.resolve1(5)).
///
/// It asks per link, and forgets a link's servers and routing domains with the link or its carrier: what hangs on a tunnel
/// leaks when the tunnel goes down (systemd issue 14647). So all hangs on a link that carries nothing and never goes down.
public final class Resolved {
    static let name = "org.freedesktop.resolve1"
    static let path = "/org/freedesktop/resolve1"
    static let manager = "org.freedesktop.resolve1.Manager"

    /// What a link is to have.
    public struct Wish: Hashable, Sendable {
        /// The link's number.
        public let link: Int32
        /// Who is asked.
        public let servers: [SocketEndpoint]
        /// For names in these domains, the root for all.
        public let domains: [DomainName]

        /// Makes a wish.
        public init(link: Int32, servers: [SocketEndpoint], domains: [DomainName]) {
            self.link = link
            self.servers = servers
            self.domains = domains
        }

        /// Whether names in no domain of any link come here.
        var isDefault: Bool { domains.contains(.root) }

        /// Whether systemd-resolved has it so.
        func holds(in facts: ResolvedFacts) -> Bool {
            Set(facts.servers.filter { $0.link == link }.map(\.endpoint)) == Set(servers)
                && Set(facts.domains.filter { $0.link == link && $0.isForRouting }.map(\.name)) == Set(domains)
        }
    }

    /// What is known of it.
    public enum State: Hashable, Sendable {
        /// It was not heard of yet.
        case unknown
        /// There is no bus, or it does not run.
        case absent
        /// It runs.
        case running
    }

    private let loop: EventLoop
    private let address: String
    private var bus: DBusConnection?
    /// Its name on the bus, another one each time it is started.
    private var owner: String?
    /// What it has, as far as we know.
    private var applied: Wish?
    private var isAtWork = false
    private var lastLook: Instant?
    /// What is known of it.
    public private(set) var state = State.unknown
    /// Since when that is so.
    public private(set) var stateSince: Instant
    /// Why it does not have what was wished for; nil where it has, or was not told yet.
    public private(set) var problem: String?
    /// Called when something about it is another.
    public var onChange: () -> Void = {}
    /// Called when somebody else had changed what it was told.
    public var onForeignChange: () -> Void = {}

    private static let lookInterval = Duration.seconds(5)

    /// - Parameter address: the bus's socket.
    public init(on loop: EventLoop, bus address: String = DBusConnection.systemBus) {
        self.loop = loop
        self.address = address
        stateSince = loop.now
    }

    /// Whether it has what was wished for.
    public func has(_ wish: Wish) -> Bool { applied == wish }

    /// Connects where that is still to be done; cheap where it is done.
    public func connect() {
        guard bus == nil else { return }
        do throws(SystemError) {
            let bus = try DBusConnection(
                to: address,
                on: loop,
                onSignal: { [weak self] in self?.signalled($0) },
                onLoss: { [weak self] error in self?.lost("\(error)") }
            )
            self.bus = bus
            bus.match("type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='\(Self.name)'")
            bus.call(.bus("GetNameOwner"), [.string(Self.name)]) { [weak self] result in
                switch result {
                case .success(let values): self?.belongs(to: values.first?.text)
                case .failure(let error) where error.isAbsent: self?.belongs(to: nil)
                case .failure(let error): self?.lost("\(error)")
                }
            }
        } catch {
            lost("\(error)")
        }
    }

    private func lost(_ cause: String) {
        bus?.close()
        bus = nil
        isAtWork = false
        belongs(to: nil)
    }

    private func signalled(_ message: DBusMessage) {
        guard message.member == "NameOwnerChanged", message.sender == "org.freedesktop.DBus", message.body.count == 3,
            message.body[0].text == Self.name
        else { return }
        belongs(to: message.body[2].text)
    }

    private func belongs(to new: String?) {
        let new = new?.isEmpty == true ? nil : new
        let before = state
        state = new == nil ? .absent : .running
        guard new != owner || state != before else { return }
        if state != before { stateSince = loop.now }
        owner = new
        // Whoever was started anew knows nothing of what another was told.
        applied = nil
        onChange()
    }

    private func method(_ member: String) -> DBusConnection.Method {
        DBusConnection.Method(of: Self.name, Self.path, Self.manager, member)
    }

    /// Tells it what a link is to have, where it has something else, and looks now and then whether it still has.
    public func follow(_ wish: Wish) {
        guard let bus, state == .running, !isAtWork else { return }
        if applied == wish {
            if lastLook.map({ loop.now - $0 > Self.lookInterval }) ?? true { look(for: wish, bus) }
            return
        }
        tell(wish, bus)
    }

    private func look(for wish: Wish, _ bus: DBusConnection) {
        lastLook = loop.now
        ResolvedFacts.fetch(over: bus) { [weak self] facts in
            guard let self, applied == wish, case .success(let facts) = facts, !wish.holds(in: facts) else { return }
            applied = nil
            onForeignChange()
            onChange()
        }
    }

    /// Domains first: servers without them would be asked for everything.
    private func tell(_ wish: Wish, _ bus: DBusConnection) {
        isAtWork = true
        let link = DBusValue.int32(wish.link)
        let domains = wish.domains.map { domain in
            DBusValue.structure([.string(domain == .root ? "." : domain.withoutRootDot), .boolean(true)])
        }
        let servers = wish.servers.map { server in
            DBusValue.structure([
                .int32(server.address.family == .ipv4 ? AddressNumber.ipv4 : AddressNumber.ipv6),
                .bytes(server.address.bytes), .uint16(server.port), .string(""),
            ])
        }
        let needed: [(String, [DBusValue])] = [
            ("SetLinkDomains", [link, .array(of: "(sb)", domains)]),
            ("SetLinkDefaultRoute", [link, .boolean(wish.isDefault)]),
            ("SetLinkDNSEx", [link, .array(of: "(iayqs)", servers)]),
        ]
        // Builds without one of these have nothing to turn off. Private zones are seldom signed, and nobody listens here to
        // TLS or multicast.
        for member in ["SetLinkDNSSEC", "SetLinkDNSOverTLS", "SetLinkLLMNR", "SetLinkMulticastDNS"] {
            bus.call(method(member), [link, .string("no")]) { _ in }
        }
        var failures: [String] = []
        for (member, arguments) in needed {
            bus.call(method(member), arguments) { result in
                guard case .failure(let error) = result else { return }
                failures.append("\(member): \(error)" + (error.isLinkBusy ? Self.busyRemedy : ""))
            }
        }
        // What was learned elsewhere of names that come here now.
        bus.call(method("FlushCaches")) { [weak self] _ in
            guard let self else { return }
            isAtWork = false
            lastLook = loop.now
            // Whoever refuses is not told again at once.
            let isNews = failures.isEmpty || failures.first != problem
            problem = failures.first
            if failures.isEmpty { applied = wish }
            if isNews { onChange() }
        }
    }

    private static let busyRemedy =
        "; a .network file of systemd-networkd's matches the interface (exclude it there, or set Unmanaged=yes)"

    /// Has it forget what it was told of a link.
    public func revert(_ link: Int32) {
        applied = nil
        problem = nil
        guard let bus, state == .running else { return }
        bus.call(method("RevertLink"), [.int32(link)]) { _ in }
        bus.call(method("FlushCaches")) { _ in }
    }
}

/// AF_INET and AF_INET6, as D-Bus has them: numbers of Linux.
private enum AddressNumber {
    static let ipv4: Int32 = 2
    static let ipv6: Int32 = 10
}
