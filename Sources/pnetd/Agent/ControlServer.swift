// SPDX-License-Identifier: Apache-2.0

import CLinux
import ControlAPI
import Logging
import NetworkTypes
import ProcessLink
import SystemIO

/// Answers pnetctl: one line of JSON in, lines of JSON out (ControlAPI).
final class ControlServer {
    /// What the agent does for a client.
    struct Handlers {
        var status: () -> StatusReport
        var explain: (String?) -> ExplainReport
        // What reads the file calls back when that is done.
        var plan: (@escaping (PlanReport) -> Void) -> Void
        /// Asks whether the client is still there.
        var apply: (ControlRequest, @escaping () -> Bool, @escaping (ApplyReport) -> Void) -> Void
        var confirm: () -> ApplyReport
        var rotate: (PathName, ControlRequest) -> RotateReport
        var keep: (PathName) -> RotateReport
        /// Whoever put a file or a key on trial, or waits for a drill, has gone before the end.
        var applicantLeft: () -> Void
        /// Both call back how it ended, where they have to wait for names.
        var drain: (PathName, ControlRequest, @escaping (DrainReport) -> Void) -> DrainReport
        var undrain: (PathName, ControlRequest, @escaping (DrainReport) -> Void) -> DrainReport
        var `switch`: (NetworkName, PathName?, ControlRequest) -> SwitchReport
        var drill: (NetworkName, ControlRequest) -> DrillReport
        /// Calls back when it is found out, which takes seconds; an error where it cannot be.
        var names: (NamesRequest, @escaping (Result<NamesReport, ControlError>) -> Void) -> Void
        var hostNames: () -> HostNamesReport
        var reload: (@escaping (ReloadReport) -> Void) -> Void
        var down: () -> Result<DownReport, ControlError>
    }

    /// A connection: what was read of the request, what waits to be sent, and whether it watches.
    private final class Client {
        let socket: FileDescriptor
        let peer: PeerCredentials
        var request: [UInt8] = []
        var unsent: [UInt8] = []
        var isWatching = false
        /// Whether it put a file or a key on trial, or asked for a drill, and will hear how that went.
        var isWaiting = false
        /// Whether it will hear what the file holds, or how a path was drained, or given back.
        var isPatient = false
        var closesWhenSent = false

        init(_ socket: consuming FileDescriptor, _ peer: PeerCredentials) {
            self.socket = socket
            self.peer = peer
        }
    }

    /// A client that does not read this much is cut off.
    private static let unsentLimit = 4 << 20
    private static let clientLimit = 64
    private static let questionPatience = Duration.seconds(30)

    private let loop: EventLoop
    private let log: Logger
    private let listener: UnixListener
    private let handlers: Handlers
    private var clients: [Int32: Client] = [:]
    /// A plan takes longer than all other answers, and any member of the control group may ask for one.
    private var plans = RateLimit(burst: 4, perSecond: 2, now: SystemClock().now)
    private var inquiries = RateLimit(burst: 40, perSecond: 20, now: SystemClock().now)

    init(path: String, group: gid_t?, on loop: EventLoop, log: Logger, handlers: Handlers) throws(SystemError) {
        self.loop = loop
        self.log = log
        self.handlers = handlers
        listener = try UnixListener(path: path, mode: group == nil ? 0o600 : 0o660, group: group)
        try loop.watch(listener.raw) { [weak self] _ in self?.accept() }
    }

    deinit {
        for client in clients.values { loop.unwatch(client.socket.raw) }
        loop.unwatch(listener.raw)
    }

    /// Sends an update to all who watch.
    func publish(_ update: @autoclosure () -> WatchUpdate) {
        let watching = clients.values.filter(\.isWatching)
        guard !watching.isEmpty, let line = try? ControlLine.encode(ControlResponse.result(update())) else { return }
        for client in watching { send(line, to: client) }
    }

    private func accept() {
        do {
            while let connection = try listener.accept() {
                let peer = try PeerCredentials(of: connection.raw)
                guard clients.count < Self.clientLimit else { continue }
                let raw = connection.raw
                clients[raw] = Client(connection, peer)
                try loop.watch(raw) { [weak self] readiness in self?.ready(raw, readiness) }
                // A place for others: only who watches may stay for longer than a question takes.
                loop.schedule(after: Self.questionPatience) { [weak self, weak client = clients[raw]] in
                    guard let self, let client, clients[raw] === client, !client.isWatching,
                        !client.isWaiting, !client.isPatient
                    else { return }
                    drop(client)
                }
            }
        } catch {
            log.error("control socket: \(error)")
        }
    }

    private func drop(_ client: Client) {
        loop.unwatch(client.socket.raw)
        clients[client.socket.raw] = nil
        guard client.isWaiting else { return }
        client.isWaiting = false
        handlers.applicantLeft()
    }

    /// Tells whoever put something on trial how far it is.
    func tell(_ report: some Hashable & Sendable & Codable) {
        for client in clients.values where client.isWaiting { reply(client, report) }
    }

    /// Tells whoever put something on trial how that went.
    func conclude(_ report: some Hashable & Sendable & Codable) {
        for client in clients.values where client.isWaiting {
            client.isWaiting = false
            client.closesWhenSent = true
            reply(client, report)
        }
    }

    private func ready(_ raw: Int32, _ readiness: EventLoop.Readiness) {
        guard let client = clients[raw] else { return }
        if readiness.contains(.writable) { flush(client) }
        guard clients[raw] != nil, !readiness.isDisjoint(with: [.readable, .hungUp]) else { return }
        do {
            while let part = try client.socket.read(upTo: 4096) {
                guard !part.isEmpty else { return drop(client) }
                client.request += part
                guard client.request.count <= ControlLine.requestLimit else {
                    return fail(
                        client,
                        .malformedRequest,
                        "the request is longer than \(ControlLine.requestLimit) octets"
                    )
                }
                while let end = client.request.firstIndex(of: UInt8(ascii: "\n")) {
                    let line = client.request[..<end]
                    client.request.removeFirst(end + 1)
                    answer(client, line)
                    if clients[raw] == nil { return }
                }
            }
        } catch {
            drop(client)
        }
    }

    private func answer(_ client: Client, _ line: ArraySlice<UInt8>) {
        let request: ControlRequest
        do {
            request = try ControlLine.decode(ControlRequest.self, from: line)
        } catch {
            return fail(client, .malformedRequest, "the request is not one that this pnetd knows", "\(error)")
        }
        switch request.command {
        case .status:
            reply(client, handlers.status())
        case .watch:
            client.isWatching = true
            reply(client, WatchUpdate(time: Self.time, event: nil, report: handlers.status()))
        case .explain:
            reply(client, handlers.explain(request.name))
        case .plan:
            guard plans.take(at: loop.now) else {
                return fail(client, .busy, "plans are asked for faster than two a second")
            }
            handlers.plan(reply(later: client))
        case .apply:
            guard mayChange(client, request.command) else { return }
            let reply: (ApplyReport) -> Void = reply(later: client)
            handlers.apply(request, { [weak self, weak client] in self?.isThere(client) == true }) { [weak client] in
                if $0.outcome == .awaiting { client?.isWaiting = true }
                reply($0)
            }
        case .confirm:
            guard mayChange(client, request.command) else { return }
            reply(client, handlers.confirm())
        case .rotate, .keep, .drain, .undrain:
            guard mayChange(client, request.command) else { return }
            guard let path = request.path else {
                return fail(client, .malformedRequest, "the request names no path")
            }
            change(path, request, for: client)
        case .switch, .drill:
            guard mayChange(client, request.command) else { return }
            guard let network = request.network else {
                return fail(client, .malformedRequest, "the request names no network")
            }
            if request.command == .switch {
                return reply(client, handlers.switch(network, request.path, request))
            }
            let report = handlers.drill(network, request)
            if report.outcome == .running { client.isWaiting = true }
            reply(client, report)
        case .names:
            answerNames(client, request)
        case .hostNames:
            reply(client, handlers.hostNames())
        case .reload:
            guard mayChange(client, request.command) else { return }
            handlers.reload(reply(later: client))
        case .down:
            guard mayChange(client, request.command) else { return }
            client.closesWhenSent = true
            switch handlers.down() {
            case .success(let report): reply(client, report)
            case .failure(let error): send(ControlResponse<DownReport>.error(error), to: client)
            }
        }
    }

    private func answerNames(_ client: Client, _ request: ControlRequest) {
        guard let names = request.names else {
            return fail(client, .malformedRequest, "the request does not say what of names")
        }
        if names.action == .flush {
            guard mayChange(client, request.command) else { return }
        } else {
            guard inquiries.take(at: loop.now) else {
                return fail(client, .busy, "names are asked about faster than twenty a second")
            }
        }
        handlers.names(names) { [weak self, weak client] result in
            guard let self, let client, isThere(client) else { return }
            switch result {
            case .success(.explained(let report)): reply(client, report)
            case .success(.flushed(let report)): reply(client, report)
            case .success(.dumped(let report)): reply(client, report)
            case .success(.audited(let report)): reply(client, report)
            case .failure(let error): fail(client, error.code, error.message, error.cause)
            }
        }
    }

    private func change(_ path: PathName, _ request: ControlRequest, for client: Client) {
        switch request.command {
        case .keep: reply(client, handlers.keep(path))
        case .drain, .undrain:
            let move = request.command == .drain ? handlers.drain : handlers.undrain
            let report = move(path, request) { [weak self, weak client] report in
                guard let self, let client, isThere(client) else { return }
                client.isPatient = false
                client.closesWhenSent = true
                reply(client, report)
            }
            client.isPatient = report.waitSeconds != nil
            reply(client, report)
        default:
            let report = handlers.rotate(path, request)
            if report.outcome == .awaiting { client.isWaiting = true }
            reply(client, report)
        }
    }

    /// Root, and whoever pnetd itself runs as; a member of the control group may look, not touch.
    private func mayChange(_ client: Client, _ command: ControlCommand) -> Bool {
        let isAllowed = [0, geteuid()].contains(client.peer.user)
        log.notice(
            "\(command) asked for",
            metadata: [
                "user": "\(client.peer.user)", "process": "\(client.peer.process)", "allowed": "\(isAllowed)",
            ]
        )
        if !isAllowed { fail(client, .notPermitted, "only root may ask for '\(command)'") }
        return isAllowed
    }

    private func reply(_ client: Client, _ result: some Hashable & Sendable & Codable) {
        send(ControlResponse.result(result), to: client)
    }

    /// What replies to a client that may be gone by then.
    private func reply<Report: Hashable & Sendable & Codable>(later client: Client) -> (Report) -> Void {
        client.isPatient = true
        return { [weak self, weak client] report in
            guard let self, let client, isThere(client) else { return }
            client.isPatient = false
            reply(client, report)
        }
    }

    private func isThere(_ client: Client?) -> Bool { client.map { clients[$0.socket.raw] === $0 } ?? false }

    private func fail(_ client: Client, _ code: ControlError.Code, _ message: String, _ cause: String? = nil) {
        client.closesWhenSent = true
        let error = ControlError(code: code, message: message, cause: cause)
        send(ControlResponse<DownReport>.error(error), to: client)
    }

    private func send(_ response: ControlResponse<some Hashable & Sendable & Codable>, to client: Client) {
        guard let line = try? ControlLine.encode(response) else { return drop(client) }
        send(line, to: client)
    }

    private func send(_ line: [UInt8], to client: Client) {
        client.unsent += line
        guard client.unsent.count <= Self.unsentLimit else { return drop(client) }
        flush(client)
    }

    private func flush(_ client: Client) {
        do {
            while !client.unsent.isEmpty {
                let count = try client.socket.write(client.unsent.span)
                guard count > 0 else { break }
                client.unsent.removeFirst(count)
            }
            if client.unsent.isEmpty, client.closesWhenSent { return drop(client) }
            try loop.update(client.socket.raw, for: client.unsent.isEmpty ? .readable : [.readable, .writable])
        } catch {
            drop(client)
        }
    }

    private static var time: String { Timestamp.text(wallNanoseconds: SystemClock().wallNanoseconds) }
}
