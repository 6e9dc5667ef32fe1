// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
public import SystemIO

/// A client on a message bus, over its UNIX socket; nothing in here waits.
///
///     \0 AUTH EXTERNAL uid -> OK -> BEGIN -> Hello -> calls and signals
public final class DBusConnection {
    /// What becomes of a call.
    public typealias Completion = (Result<[DBusValue], DBusError>) -> Void

    /// A method of an object of somebody's.
    public struct Method: Hashable, Sendable {
        let destination: String
        let path: String
        let interface: String
        let member: String

        /// Names a method.
        public init(of destination: String, _ path: String, _ interface: String, _ member: String) {
            self.destination = destination
            self.path = path
            self.interface = interface
            self.member = member
        }

        /// A method of the bus itself.
        static func bus(_ member: String) -> Method {
            Method(of: "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", member)
        }
    }

    private struct Call {
        let timer: EventLoop.TimerID
        let done: Completion
    }

    /// An answer that takes longer is none.
    private static let patience = Duration.seconds(5)
    private static let callLimit = 64
    private static let lineLimit = 512
    private static let readsInTurn = 8

    private let socket: FileDescriptor
    private let loop: EventLoop
    private let onSignal: (DBusMessage) -> Void
    private let onLoss: (DBusError) -> Void
    private var isAuthenticated = false
    private var isOpen = true
    private var received: [UInt8] = []
    private var unsent: [UInt8] = []
    /// What is said once the bus knows who we are.
    private var waiting: [UInt8] = []
    private var serial: UInt32 = 0
    private var calls: [UInt32: Call] = [:]
    private var room = [UInt8](repeating: 0, count: 16 << 10)

    /// Where the system's bus listens: DBUS_SYSTEM_BUS_ADDRESS, else where the specification says.
    public static var systemBus: String {
        let address = EnvironmentVariable.text("DBUS_SYSTEM_BUS_ADDRESS") ?? ""
        guard address.hasPrefix("unix:path=") else { return "/run/dbus/system_bus_socket" }
        return String(address.dropFirst("unix:path=".count).prefix { $0 != "," && $0 != ";" })
    }

    /// Connects and says hello.
    ///
    /// - Parameters:
    ///   - onSignal: called for each signal that was asked for by ``match(_:)``.
    ///   - onLoss: called at most once, and never from within a call of the owner's; all calls have failed by then.
    /// - Throws: ENOENT and ECONNREFUSED where there is no bus.
    public init(
        to path: String,
        on loop: EventLoop,
        onSignal: @escaping (DBusMessage) -> Void,
        onLoss: @escaping (DBusError) -> Void
    ) throws(SystemError) {
        socket = try UnixSocket.connectAtOnce(path: path)
        self.loop = loop
        self.onSignal = onSignal
        self.onLoss = onLoss
        try loop.watch(socket.raw) { [weak self] readiness in self?.ready(readiness) }
        // The number of the user, in decimal, each digit in hexadecimal.
        let user = String(geteuid()).utf8.map { String($0, radix: 16) }.joined()
        unsent = [0] + Array("AUTH EXTERNAL \(user)\r\n".utf8)
        flush()
        call(.bus("Hello")) { [weak self] result in
            if case .failure(let error) = result { self?.lose(error) }
        }
    }

    deinit { close() }

    /// Calls a method; whoever has it is not started for it.
    public func call(_ method: Method, _ arguments: [DBusValue] = [], then done: @escaping Completion) {
        guard isOpen, calls.count < Self.callLimit else {
            loop.schedule(at: loop.now) { done(.failure(.lost("it is closed"))) }
            return
        }
        serial &+= 1
        if serial == 0 { serial = 1 }
        var message = DBusMessage(.call)
        message.serial = serial
        message.destination = method.destination
        message.path = method.path
        message.interface = method.interface
        message.member = method.member
        message.body = arguments
        let timer = loop.schedule(after: Self.patience) { [weak self, serial] in
            self?.calls.removeValue(forKey: serial)?.done(.failure(.silent(method.member)))
        }
        calls[serial] = Call(timer: timer, done: done)
        if isAuthenticated { unsent += message.bytes } else { waiting += message.bytes }
        flush()
    }

    /// Asks the bus for signals, by a match rule of the specification.
    public func match(_ rule: String, then done: @escaping Completion = { _ in }) {
        call(.bus("AddMatch"), [.string(rule)], then: done)
    }

    /// Lets go of the bus. Calls that are under way hear nothing.
    public func close() {
        guard isOpen else { return }
        isOpen = false
        loop.unwatch(socket.raw)
        for call in calls.values { loop.cancel(call.timer) }
        calls = [:]
    }

    private func lose(_ error: DBusError) {
        guard isOpen else { return }
        let failed = calls.values
        close()
        for call in failed { call.done(.failure(error)) }
        onLoss(error)
    }

    private func flush() {
        guard isOpen else { return }
        do throws(SystemError) {
            while !unsent.isEmpty {
                let count = try socket.write(unsent.span)
                guard count > 0 else { break }
                unsent.removeFirst(count)
            }
            try loop.update(socket.raw, for: unsent.isEmpty ? .readable : [.readable, .writable])
        } catch {
            loop.schedule(at: loop.now) { [weak self] in self?.lose(.lost("\(error)")) }
        }
    }

    private func ready(_ readiness: EventLoop.Readiness) {
        if readiness.contains(.writable) { flush() }
        guard isOpen, !readiness.isDisjoint(with: [.readable, .hungUp]) else { return }
        do {
            for _ in 0..<Self.readsInTurn {
                guard let count = try socket.receive(into: &room) else { return }
                guard count > 0 else { return lose(.lost("the bus hung up")) }
                received += room[..<count]
                try deliver()
                guard isOpen else { return }
            }
        } catch let error as SystemError {
            lose(.lost("\(error)"))
        } catch {
            lose(.garbage)
        }
    }

    private func deliver() throws(DBusGarbage) {
        if !isAuthenticated { try authenticate() }
        var rest = received[...]
        defer { received = Array(rest) }
        while isAuthenticated, isOpen, let length = try DBusMessage.length(rest), rest.count >= length {
            let message = try DBusMessage(rest.prefix(length))
            rest = rest.dropFirst(length)
            if let message { take(message) }
        }
    }

    /// One line: `OK` and the bus's identity, or a refusal.
    private func authenticate() throws(DBusGarbage) {
        guard let end = received.firstIndex(of: UInt8(ascii: "\n")) else {
            guard received.count <= Self.lineLimit else { throw .authentication }
            return
        }
        guard received.starts(with: Array("OK ".utf8)) else { throw .authentication }
        received.removeFirst(end + 1)
        isAuthenticated = true
        unsent += Array("BEGIN\r\n".utf8) + waiting
        waiting = []
        flush()
    }

    private func take(_ message: DBusMessage) {
        switch message.kind {
        case .call: break
        case .signal: onSignal(message)
        case .reply, .error:
            guard let serial = message.replyTo, let call = calls.removeValue(forKey: serial) else { return }
            loop.cancel(call.timer)
            guard message.kind == .error else { return call.done(.success(message.body)) }
            call.done(.failure(.refused(message.errorName ?? "error", message.body.first?.text ?? "")))
        }
    }
}

/// Why a call over D-Bus came to nothing.
public enum DBusError: Error, Hashable, Sendable {
    /// Whoever was called says no: the error's name, and its text.
    case refused(String, String)
    /// No answer came in time to this method.
    case silent(String)
    /// The connection is gone.
    case lost(String)
    /// What came is no D-Bus.
    case garbage

    /// Whether systemd-resolved takes nothing for a link, since systemd-networkd tells it of that.
    var isLinkBusy: Bool {
        if case .refused("org.freedesktop.resolve1.LinkBusy", _) = self { true } else { false }
    }

    /// Whether nobody has the name that was called.
    public var isAbsent: Bool {
        guard case .refused(let name, _) = self else { return false }
        return name == "org.freedesktop.DBus.Error.ServiceUnknown"
            || name == "org.freedesktop.DBus.Error.NameHasNoOwner"
    }
}

extension DBusError: CustomStringConvertible {
    /// What happened, for people.
    public var description: String {
        switch self {
        case .refused(let name, let text): text.isEmpty ? name : "\(text) (\(name))"
        case .silent(let member): "no answer to \(member)"
        case .lost(let cause): "the connection to the bus is lost: \(cause)"
        case .garbage: "what the bus says is no D-Bus"
        }
    }
}
