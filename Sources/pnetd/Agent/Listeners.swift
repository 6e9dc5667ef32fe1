// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import ProcessLink
import SystemIO

/// The sockets that the agent opens for the processes without privilege. It keeps a copy of each: a process that dies
/// loses no question that waits in one, and a new one gets the same. The service manager keeps another, for the next
/// agent.
final class Listeners {
    private let manager: ServiceManager
    private var open: [ListenerDescription: Int32] = [:]

    init(keptBy manager: ServiceManager) {
        self.manager = manager
        for (name, descriptor) in manager.takeKept() {
            guard let description = ListenerDescription(keptAs: name), description.isProven(by: descriptor),
                open[description] == nil
            else {
                close(descriptor)
                manager.forget(name)
                continue
            }
            open[description] = descriptor
        }
    }

    deinit {
        for descriptor in open.values { close(descriptor) }
    }

    /// What is held now.
    var descriptions: Set<ListenerDescription> { Set(open.keys) }

    /// Takes sockets over from a process that outlived an earlier agent. A second set bound to the same address would
    /// get a share of the questions that nobody reads, so one of our own goes: it was opened because that process was
    /// late, and who else serves it is about to end.
    ///
    /// The process may be in a stranger's hands: what is not its to serve, or not the socket that it is said to be, is
    /// closed and not taken.
    /// - Returns: what was taken.
    func adopt(
        _ descriptions: [ListenerDescription],
        _ descriptors: [Int32],
        from role: LinkRole
    ) -> Set<ListenerDescription> {
        var taken: Set<ListenerDescription> = []
        for (description, descriptor) in zip(descriptions, descriptors) {
            guard description.kind.role == role, !taken.contains(description), description.isProven(by: descriptor)
            else {
                DescriptorDisposal.close([descriptor])
                continue
            }
            taken.insert(description)
            hold(descriptor, as: description)
        }
        DescriptorDisposal.close(Array(descriptors.dropFirst(descriptions.count)))
        return taken
    }

    /// What ``serve(_:awaiting:)`` found and did.
    struct Outcome {
        /// What could not be opened, in words.
        var failures: [String] = []
        /// What the process that served it had made useless, and was opened anew: sockets are shared.
        var renewed: Set<ListenerDescription> = []
    }

    /// Opens what is wanted and not there, or there and spoiled; closes what is there and not wanted.
    /// - Parameter awaited: roles whose process may still come with sockets of its own; for them nothing is opened.
    func serve(_ wanted: [ListenerDescription], awaiting awaited: Set<LinkRole>) -> Outcome {
        var outcome = Outcome()
        for (description, descriptor) in open {
            let isSpoiled = !description.isProven(by: descriptor)
            guard isSpoiled || !wanted.contains(description) else { continue }
            if isSpoiled { outcome.renewed.insert(description) }
            close(descriptor)
            open[description] = nil
            manager.forget(description.nameKept)
        }
        for description in wanted where open[description] == nil && !awaited.contains(description.kind.role) {
            do {
                hold(try Self.open(description).release(), as: description)
            } catch {
                outcome.failures.append("\(error)")
            }
        }
        return outcome
    }

    /// The roles whose wanted sockets are not here while somebody is bound to their addresses: a process that outlived
    /// an earlier agent and has not come yet. One more set beside its own would get a share of the questions, and lose
    /// them when it came after all.
    func rolesServedElsewhere(_ wanted: [ListenerDescription]) -> Set<LinkRole> {
        var roles: Set<LinkRole> = []
        for description in wanted where open[description] == nil && !roles.contains(description.kind.role) {
            do {
                _ = try Self.bind(description, isShared: false)
            } catch {
                if error.code == EADDRINUSE { roles.insert(description.kind.role) }
            }
        }
        return roles
    }

    private func hold(_ descriptor: Int32, as description: ListenerDescription) {
        if let earlier = open.updateValue(descriptor, forKey: description) {
            close(earlier)
            manager.forget(description.nameKept)
        }
        manager.keep(descriptor, as: description.nameKept)
    }

    /// The descriptor of a listener; the receiver gets a copy.
    subscript(_ description: ListenerDescription) -> Int32? { open[description] }

    private static func open(_ description: ListenerDescription) throws(SystemError) -> FileDescriptor {
        let descriptor = try bind(description, isShared: description.kind.role == .resolver)
        guard description.kind == .dnsUDP || listen(descriptor.raw, 1024) == 0 else {
            throw .last("listen on \(description.kind) \(description.endpoint)")
        }
        return descriptor
    }

    /// - Parameter isShared: whether others may be bound to the same address.
    private static func bind(
        _ description: ListenerDescription,
        isShared: Bool
    ) throws(SystemError) -> FileDescriptor {
        let family = description.endpoint.address.family == .ipv4 ? AF_INET : AF_INET6
        let isStream = description.kind != .dnsUDP
        let kind = isStream ? SOCK_STREAM : SOCK_DGRAM
        let type = Int32(kind.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let place = "\(description.kind) \(description.endpoint)"
        let descriptor = try FileDescriptor(socket(family, type, 0), from: "open \(place)")
        let raw = descriptor.raw
        func set(_ level: Int32, _ option: Int32, _ value: Int32 = 1) throws(SystemError) {
            var value = value
            guard unsafe setsockopt(raw, level, option, &value, socklen_t(MemoryLayout<Int32>.size)) == 0 else {
                throw .last("set up \(place)")
            }
        }
        if isStream { try set(SOL_SOCKET, SO_REUSEADDR) }
        if isShared { try set(SOL_SOCKET, SO_REUSEPORT) }
        if family == AF_INET6 { try set(Int32(IPPROTO_IPV6), IPV6_V6ONLY) }
        // Nobody who gets a copy can put a filter on it.
        try set(SOL_SOCKET, SO_LOCK_FILTER)
        // What waits while a resolver dies and the next one comes: 1,000 questions and more.
        if !isStream { try set(SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20) }
        // The address may come later than we do, as that of a plant network does at boot.
        try family == AF_INET ? set(Int32(IPPROTO_IP), IP_FREEBIND) : set(Int32(IPPROTO_IPV6), IPV6_FREEBIND)
        let address = SocketAddressStorage(description.endpoint)
        try Privileges.raising(.bindService) { () throws(SystemError) in
            guard unsafe address.withPointer({ unsafe pn_bind(raw, $0, $1) }) == 0 else {
                throw .last("bind \(place)")
            }
        }
        return descriptor
    }
}

extension ListenerDescription {
    /// Whether an open descriptor is this socket: of the kind, at the address, and waiting for whoever comes.
    fileprivate func isProven(by descriptor: Int32) -> Bool {
        guard let facts = SocketFacts(of: descriptor), facts.endpoint == endpoint, !facts.isConnected,
            !facts.isShutDown, !facts.isBoundToInterface, (0..<64).contains(index)
        else { return false }
        switch kind {
        case .dnsUDP: return facts.kind == .datagram
        case .dnsTCP, .http, .dnsTLS: return facts.kind == .stream && facts.isListening
        }
    }

    /// The name under which the service manager keeps the socket: kind, index and endpoint, without colons.
    var nameKept: String {
        "\(kind.rawValue) \(index) " + endpoint.description.replacing(":", with: "_")
    }

    /// Reads the name back; nil where it is none that pnetd gives.
    init?(keptAs name: String) {
        let words = name.split(separator: " ")
        guard words.count == 3, let kind = Kind(rawValue: String(words[0])), let index = Int(words[1]),
            let endpoint = SocketEndpoint(String(words[2]).replacing("_", with: ":"))
        else { return nil }
        self.init(kind: kind, endpoint: endpoint, index: index)
    }
}
