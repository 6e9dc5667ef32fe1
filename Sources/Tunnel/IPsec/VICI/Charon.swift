// SPDX-License-Identifier: Apache-2.0

public import SystemIO

/// strongSwan's IKE daemon, by its control interface VICI. It never waits: what is asked is answered by a closure, on the
/// loop, once, after the call that asked has returned. Nothing is remembered of charon: whoever uses this lists what there
/// is each time it is connected, since it may be another charon then.
///
///     Charon          commands and events as values
///     VICIClient      two connections, and again when they are lost
///     IKENegotiations one more connection for each negotiation, as long as it takes
///     VICIConversation    one question at a time, each with a deadline
///     VICIConnection  frames and packets on a socket
///     VICIMessage, VICIPacket, VICISegments   octets
public final class Charon {
    /// What happens without being asked for.
    public enum Report {
        /// It answers, events come, and it lacks these.
        case connected(CharonVersion, CharonLacks)
        /// It does not answer; told again only for another reason.
        case lost(VICIError)
        /// It raised an event.
        case event(CharonEvent)
    }

    /// What a command ends by.
    public typealias Completion<Value> = (Result<Value, VICIError>) -> Void

    /// Where Debian's charon listens. The socket is root's (0770): charon.plugins.vici.socket and charon.group of
    /// strongswan.conf(5) change that.
    public static let socketPath = "/var/run/charon.vici"

    let client: VICIClient
    let negotiations: IKENegotiations

    /// - Parameters:
    ///   - path: the UNIX socket of charon's vici plugin.
    ///   - report: called on the loop, never from within a call of the owner's.
    public convenience init(
        path: String = Charon.socketPath,
        on loop: EventLoop,
        patience: CharonPatience = CharonPatience(),
        report: @escaping (Report) -> Void
    ) {
        self.init(
            on: loop,
            patience: patience,
            connect: { () throws(SystemError) in try UnixSocket.connectAtOnce(path: path) },
            report: report
        )
    }

    init(
        on loop: EventLoop,
        patience: CharonPatience,
        connect: @escaping () throws(SystemError) -> FileDescriptor,
        report: @escaping (Report) -> Void
    ) {
        let negotiations = IKENegotiations(on: loop, patience: patience.answer, connect: connect)
        self.negotiations = negotiations
        client = VICIClient(on: loop, patience: patience, connect: connect) { event in
            switch event {
            case .connected(let message, let lacks):
                let version = CharonVersion(message)
                negotiations.limit = version.negotiationLimit
                report(.connected(version, lacks))
            case .lost(let error): report(.lost(error))
            case .event(let name, let message): report(.event(CharonEvent(name: name, message)))
            }
        }
    }

    /// Connects, and again whenever that is lost, until ``stop()``.
    public func start() { client.start() }

    /// Lets go; commands that wait fail with ``VICIError/stopped``, and negotiations as `charonLost`.
    public func stop() {
        client.stop()
        negotiations.stop()
    }

    /// Whether commands are taken.
    public var isConnected: Bool { client.isConnected }

    /// What this charon is known to lack.
    public var lacks: CharonLacks { client.lacks }

    /// The key exchanges of the charon that answered last: known before ``Report/connected(_:_:)`` is told, and kept until
    /// another one answers.
    public var keyExchanges: CharonKeyExchanges { client.keyExchanges }

    /// Asks for something of which the answer tells no more than that it is done.
    func order(_ command: String, _ message: VICIMessage, _ completion: @escaping Completion<Void>) {
        client.ask(command, message) { completion($0.map { _ in () }) }
    }

    /// Asks for one list of names.
    func names(_ command: String, _ key: String, _ completion: @escaping Completion<[String]>) {
        client.ask(command) { completion($0.map { $0.message.texts(key) }) }
    }

    /// Asks for a list whose parts are the sections of events.
    func list<Value>(
        _ command: String,
        _ message: VICIMessage,
        stream: String,
        _ make: @escaping (_ name: String, VICIMessage) -> Value,
        _ completion: @escaping Completion<[Value]>
    ) {
        client.ask(command, message, stream: stream) { result in
            completion(result.map { $0.streamed.flatMap(\.sections).map { make($0.name, $0.section) } })
        }
    }
}

/// Which charon answers.
public struct CharonVersion: Hashable, Sendable {
    /// The program, as `charon-systemd`.
    public var daemon: String
    /// strongSwan's version, as `5.9.8`.
    public var version: String
    /// The kernel's release.
    public var release: String

    /// Joins them.
    public init(daemon: String, version: String, release: String) {
        self.daemon = daemon
        self.version = version
        self.release = release
    }

    init(_ message: VICIMessage) {
        daemon = message.text("daemon") ?? ""
        version = message.text("version") ?? ""
        release = message.text("release") ?? ""
    }
}

/// How charon fares (stats).
public struct CharonStatistics: Hashable, Sendable {
    /// Since when it runs, in its own words and the host's time zone: `Nov 27 21:23:52 2026`. Another one is another charon.
    public var since: String
    /// Worker threads.
    public var workers: Int
    /// Worker threads that have nothing to do. Where it stays 0, charon answers late or not at all.
    public var idleWorkers: Int
    /// Jobs that wait for a worker.
    public var queued: Int
    /// IKE_SAs.
    public var associations: Int
    /// IKE_SAs that are not established yet.
    public var halfOpen: Int
    /// The plugins that are loaded.
    public var plugins: [String]

    init(_ message: VICIMessage) {
        since = message.section("uptime").text("since") ?? ""
        workers = message.section("workers").number("total") ?? 0
        idleWorkers = message.section("workers").number("idle") ?? 0
        let queues = message.section("queues")
        queued = ["critical", "high", "medium", "low"].reduce(0) { $0 &+ (queues.number($1) ?? 0) }
        associations = message.section("ikesas").number("total") ?? 0
        halfOpen = message.section("ikesas").number("half-open") ?? 0
        plugins = message.texts("plugins")
    }
}

extension Charon {
    /// Asks which charon it is.
    public func version(_ completion: @escaping Completion<CharonVersion>) {
        client.ask("version") { completion($0.map { CharonVersion($0.message) }) }
    }

    /// Asks how it fares.
    public func statistics(_ completion: @escaping Completion<CharonStatistics>) {
        client.ask("stats") { completion($0.map { CharonStatistics($0.message) }) }
    }
}
