// SPDX-License-Identifier: Apache-2.0

import CLinux
import Logging
import NetworkTypes
import ProcessLink
import SystemIO

/// The agent's ends of the private sockets, one a role: which of the other processes is connected, and what it says.
///
/// Resolver and frontend talk with strangers and may be taken over by one. So each has a socket that no other account
/// can open; who comes in by it is that role and nothing else, and is held to a form, a size and a rate. The newest of
/// a role takes the place of the one before, but where a service manager keeps one of each.
final class PrivateSockets {
    typealias Channel = MessageChannel<MessageToAgent, MessageFromAgent>

    /// How long a process may take to say hello, and how long one that says too much is left outside.
    private static let patience = Duration.seconds(1)
    /// An honest resolver says one or two things a second, and of name sets 40 (see ``NameSetTeller``), an honest frontend
    /// ten.
    static let messages = (burst: 200, perSecond: 50)
    /// An honest resolver says of name sets 120,000 octets a second, of remembered names 70,000 (see ``MemoryPace``), and a few
    /// KiB of metrics, audits and explanations.
    static let octets = (burst: 1 << 20, perSecond: 256 << 10)
    private static let connections = (burst: 8, perSecond: 4)
    /// More than an honest process ever says: 2,000 metrics, a hello with all the listeners that there can be, or all the
    /// names that are remembered.
    private static let messageLimit = 512 << 10
    /// So many descriptors of others may wait to be closed before nobody is let in any more.
    private static let disposalLimit = 512

    /// Where the processes of one role come in.
    private final class Door {
        let role: LinkRole
        let listener: UnixListener
        let users: Set<uid_t>
        var newcomers: RateLimit
        /// Connected, but has not said hello yet.
        var stranger: Channel?
        var channel: Channel?

        init(_ role: LinkRole, in directory: String, now: Instant) throws(SystemError) {
            self.role = role
            let account = role.account
            users = [0, geteuid(), account.user]
            listener = try UnixListener(path: "\(directory)/\(role.socketName)", mode: 0o660, group: account.group)
            newcomers = RateLimit(burst: connections.burst, perSecond: connections.perSecond, now: now)
        }
    }

    private let loop: EventLoop
    private let log: Logger
    private let doors: [LinkRole: Door]
    /// A service manager sees to it that there is one process a role: a second one is nobody's.
    private let isSupervised: Bool
    /// How often a process was cut off for what it said, by role.
    private(set) var offences: [LinkRole: UInt64] = [:]

    /// Called when a process has said hello, with the listeners that it holds and their descriptors.
    var onHello: (LinkRole, [ListenerDescription], [Int32]) -> Void = { _, _, _ in }
    /// Called with every further message.
    var onMessage: (LinkRole, MessageToAgent) -> Void = { _, _ in }
    /// Called when a process is gone.
    var onGone: (LinkRole) -> Void = { _ in }

    init(in directory: String, on loop: EventLoop, log: Logger, isSupervised: Bool) throws(SystemError) {
        self.isSupervised = isSupervised
        self.loop = loop
        self.log = log
        var doors: [LinkRole: Door] = [:]
        for role in LinkRole.allCases { doors[role] = try Door(role, in: directory, now: loop.now) }
        self.doors = doors
        for door in doors.values { try open(door) }
    }

    deinit {
        for door in doors.values { loop.unwatch(door.listener.raw) }
    }

    /// Whether a process of the role is connected.
    func isConnected(_ role: LinkRole) -> Bool { doors[role]?.channel != nil }

    /// Sends to the process of the role; false where there is none.
    @discardableResult
    func send(_ message: MessageFromAgent, to role: LinkRole, with descriptors: [Int32] = []) -> Bool {
        guard let channel = doors[role]?.channel else { return false }
        channel.send(message, with: descriptors)
        return true
    }

    private func open(_ door: Door) throws(SystemError) {
        try loop.watch(door.listener.raw) { [weak self, unowned door] _ in self?.admit(at: door) }
    }

    /// Leaves who comes too often in the queue for a while: the agent's one thread has better things to do.
    private func shut(_ door: Door, _ why: String) {
        log.warning("\(door.role): \(why)")
        loop.unwatch(door.listener.raw)
        loop.schedule(after: Self.patience) { [weak self, weak door] in
            guard let self, let door else { return }
            do { try open(door) } catch { log.error("private socket: \(error)") }
        }
    }

    private func admit(at door: Door) {
        guard door.newcomers.take(at: loop.now) else { return shut(door, "connects too often") }
        guard DescriptorDisposal.backlog < Self.disposalLimit else { return shut(door, "sends what is slow to close") }
        do {
            guard let connection = try door.listener.accept() else { return }
            let peer = try PeerCredentials(of: connection.raw)
            guard door.users.contains(peer.user) else {
                return log.warning(
                    "refused a connection to the \(door.role)'s socket",
                    metadata: ["user": "\(peer.user)", "process": "\(peer.process)"]
                )
            }
            welcome(try Channel(connection, on: loop, incomingLimit: Self.messageLimit), peer, at: door)
        } catch {
            shut(door, "\(error)")
        }
    }

    private func welcome(_ channel: Channel, _ peer: PeerCredentials, at door: Door) {
        door.stranger?.close()
        door.stranger = channel
        loop.schedule(after: Self.patience) { [weak door, weak channel] in
            guard let door, let channel, door.stranger === channel else { return }
            door.stranger = nil
            channel.close()
        }
        channel.onClose = { [weak door, weak channel] _ in
            guard let door, door.stranger === channel else { return }
            door.stranger = nil
        }
        channel.onMessage = { [weak self, weak door, weak channel] message, descriptors in
            guard let self, let door, let channel, door.stranger === channel else {
                return DescriptorDisposal.close(descriptors)
            }
            door.stranger = nil
            guard !isSupervised || door.channel == nil else {
                DescriptorDisposal.close(descriptors)
                channel.close()
                return log.warning("turned away a second \(door.role)", metadata: ["process": "\(peer.process)"])
            }
            guard case .hello(let holding) = message, holding.count == descriptors.count else {
                DescriptorDisposal.close(descriptors)
                channel.close()
                return offended(door.role, "did not say hello first")
            }
            settle(channel, peer, at: door)
            onHello(door.role, holding, descriptors)
        }
    }

    private func settle(_ channel: Channel, _ peer: PeerCredentials, at door: Door) {
        let earlier = door.channel
        door.channel = channel
        if let earlier {
            // Two of a role would take turns in throwing each other off.
            earlier.send(.stop)
            earlier.close()
            onGone(door.role)
        }
        log.info("\(door.role) connected", metadata: ["process": "\(peer.process)", "user": "\(peer.user)"])
        var messages = RateLimit(burst: Self.messages.burst, perSecond: Self.messages.perSecond, now: loop.now)
        var octets = RateLimit(burst: Self.octets.burst, perSecond: Self.octets.perSecond, now: loop.now)
        var taken = channel.octetsTaken
        channel.onMessage = { [weak self, unowned door, unowned channel] message, descriptors in
            DescriptorDisposal.close(descriptors)
            guard let self, door.channel === channel else { return }
            if case .hello = message { return cutOff(door, "says hello twice") }
            guard descriptors.isEmpty else { return cutOff(door, "sends descriptors") }
            let length = Int(channel.octetsTaken - taken)
            taken = channel.octetsTaken
            guard messages.take(at: loop.now), octets.take(length, at: loop.now) else {
                return cutOff(door, "says too much")
            }
            onMessage(door.role, message)
        }
        channel.onClose = { [weak self, weak door, weak channel] failure in
            guard let self, let door, let channel, door.channel === channel else { return }
            door.channel = nil
            if case .malformed = failure { offended(door.role, "\(failure)") }
            log.warning("\(door.role) disconnected: \(failure)")
            onGone(door.role)
        }
    }

    private func cutOff(_ door: Door, _ why: String) {
        door.channel?.close()
        door.channel = nil
        offended(door.role, why)
        onGone(door.role)
    }

    private func offended(_ role: LinkRole, _ why: String) {
        offences[role, default: 0] += 1
        log.error(
            "\(role) broke the rules of its private socket: \(why)",
            metadata: ["times": "\(offences[role] ?? 0)"]
        )
    }
}
