// SPDX-License-Identifier: Apache-2.0

import CLinux
import Logging
import NetworkTypes
import ProcessLink
import SystemIO

/// The agent's end of the private socket: who of the other processes is connected, and what they say.
///
/// Whoever connects says who it is with its first message; the newest of a role takes the place of the one before.
final class PrivateSocket {
    typealias Channel = MessageChannel<MessageToAgent, MessageFromAgent>

    private static let helloPatience = Duration.seconds(1)

    private let loop: EventLoop
    private let log: Logger
    private let listener: UnixListener
    private let allowedUsers: Set<uid_t>
    private var strangers: [ObjectIdentifier: Channel] = [:]
    private var channels: [LinkRole: Channel] = [:]

    /// Called when a process has said hello, with the listeners that it holds and their descriptors.
    var onHello: (LinkRole, [ListenerDescription], [Int32]) -> Void = { _, _, _ in }
    /// Called with every further message.
    var onMessage: (LinkRole, MessageToAgent) -> Void = { _, _ in }
    /// Called when a process is gone.
    var onGone: (LinkRole) -> Void = { _ in }

    init(path: String, account: Account?, on loop: EventLoop, log: Logger) throws(SystemError) {
        self.loop = loop
        self.log = log
        allowedUsers = [0, geteuid(), account?.user ?? 0]
        listener = try UnixListener(path: path, mode: account == nil ? 0o600 : 0o660, group: account?.group)
        let raw = listener.raw
        try loop.watch(raw) { [weak self] _ in self?.accept() }
    }

    deinit {
        loop.unwatch(listener.raw)
    }

    /// Whether a process of the role is connected.
    func isConnected(_ role: LinkRole) -> Bool { channels[role] != nil }

    /// Sends to the process of the role; false where there is none.
    @discardableResult
    func send(_ message: MessageFromAgent, to role: LinkRole, with descriptors: [Int32] = []) -> Bool {
        guard let channel = channels[role] else { return false }
        channel.send(message, with: descriptors)
        return true
    }

    private func accept() {
        do {
            while let connection = try listener.accept() {
                let peer = try PeerCredentials(of: connection.raw)
                guard allowedUsers.contains(peer.user), strangers.count < 16 else {
                    log.warning("refused a connection to the private socket", metadata: ["user": "\(peer.user)"])
                    continue
                }
                try welcome(Channel(connection, on: loop))
            }
        } catch {
            log.error("private socket: \(error)")
        }
    }

    private func welcome(_ channel: Channel) {
        let id = ObjectIdentifier(channel)
        strangers[id] = channel
        // Who says nothing takes up a place that resolver or frontend may need.
        loop.schedule(after: Self.helloPatience) { [weak self] in self?.strangers.removeValue(forKey: id)?.close() }
        channel.onClose = { [weak self] _ in self?.strangers[id] = nil }
        channel.onMessage = { [weak self] message, descriptors in
            guard let self, let channel = strangers.removeValue(forKey: id) else { return }
            guard case .hello(let role, let process, let holding) = message, holding.count == descriptors.count else {
                log.warning("a process on the private socket did not say who it is")
                for descriptor in descriptors { close(descriptor) }
                return channel.close()
            }
            settle(channel, role, process)
            onHello(role, holding, descriptors)
        }
    }

    private func settle(_ channel: Channel, _ role: LinkRole, _ process: Int32) {
        if let earlier = channels.removeValue(forKey: role) {
            // Two of a role would take turns in throwing each other off.
            earlier.send(.stop)
            earlier.close()
        }
        channels[role] = channel
        log.info("\(role) connected", metadata: ["process": "\(process)"])
        channel.onMessage = { [weak self] message, descriptors in
            for descriptor in descriptors { close(descriptor) }
            self?.onMessage(role, message)
        }
        channel.onClose = { [weak self, weak channel] failure in
            guard let self, let channel, channels[role] === channel else { return }
            channels[role] = nil
            log.warning("\(role) disconnected: \(failure)")
            onGone(role)
        }
    }
}
