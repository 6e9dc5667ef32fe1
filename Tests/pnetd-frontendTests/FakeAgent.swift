// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import ProcessLink
import SystemIO
import Testing

/// Stands where the agent would: owns the private socket and starts the real frontend on it. All of it runs on the
/// test's thread, while ``until(_:within:_:)`` turns the loop.
final class FakeAgent {
    typealias Channel = MessageChannel<MessageToAgent, MessageFromAgent>

    struct TimedOut: Error, CustomStringConvertible {
        let description: String
    }

    let loop: EventLoop
    let folder: String
    private var listener: UnixListener?
    private(set) var channel: Channel?
    private(set) var frontend: pid_t = 0
    /// Whether a scrape is answered.
    var answers = true
    var metrics = "# HELP pnetd_x X.\n# TYPE pnetd_x gauge\npnetd_x 1\n"
    var health = Health(state: "up", reasons: [])
    private(set) var scrapes = 0
    private(set) var held: [ListenerDescription] = []
    /// What was said of alerts, in order.
    private(set) var said: [String] = []
    /// What was said of servers that are asked over TLS, in order.
    private(set) var reports: [[UpstreamReport]] = []

    init() throws {
        loop = try EventLoop()
        folder = "/tmp/pnetd-frontend-\(UInt64.random(in: 0...UInt64.max))"
        try Files.makeDirectory(folder)
        // What runs without privilege writes here as well.
        try #require(unsafe chmod(folder, 0o777) == 0)
        try open()
        let own = try Files.linkTarget("/proc/self/exe")
        let program = "\(own[..<(own.lastIndex(of: "/") ?? own.startIndex)])/pnetd-frontend"
        let log = unsafe try FileDescriptor(
            pn_open("\(folder)/log", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600),
            from: "log"
        )
        frontend = try ChildProcess.spawn(program, arguments: ["--socket", socket], error: log.raw)
        try until("the frontend says hello") { self.channel != nil }
    }

    deinit {
        kill(frontend, SIGKILL)
        _ = try? ChildProcess.wait(for: frontend)
        _ = try? Errand.run(["rm", "-rf", folder])
    }

    private var socket: String { "\(folder)/agent.sock" }

    /// What the frontend has logged.
    var log: String { (try? Files.read("\(folder)/log")).map { String(decoding: $0, as: UTF8.self) } ?? "" }

    /// Comes back after ``die()``.
    func open() throws {
        listener = try UnixListener(path: socket, mode: 0o666, group: nil)
        guard let raw = listener?.raw else { return }
        try loop.watch(raw) { [unowned self] _ in try? accept() }
    }

    /// Goes away as a killed agent does.
    func die() {
        if let raw = listener?.raw { loop.unwatch(raw) }
        listener = nil
        channel?.close()
        channel = nil
    }

    private func accept() throws {
        guard let connection = try listener?.accept() else { return }
        let channel = try Channel(connection, on: loop)
        channel.onMessage = { [unowned self, unowned channel] message, descriptors in
            for descriptor in descriptors { close(descriptor) }
            heard(message, on: channel)
        }
        strangers.append(channel)
    }

    private var strangers: [Channel] = []

    private func heard(_ message: MessageToAgent, on channel: Channel) {
        switch message {
        case .hello(let holding):
            held = holding
            self.channel = channel
            strangers = []
        case .scrape(let request):
            scrapes += 1
            if answers { channel.send(.page(request: request, metrics: metrics, health: health)) }
        case .delivered(let alert): said.append("\(alert) delivered")
        case .upstreams(let reports): self.reports.append(reports)
        case .undelivered(let alert, let reason): said.append("\(alert) undelivered: \(reason)")
        default: said.append("\(message)")
        }
    }

    /// Turns the loop until something holds.
    func until(_ what: String, within limit: Duration = .seconds(10), _ holds: () throws -> Bool) throws {
        try loop.turnUntil(what, within: limit, holds)
    }

    /// Opens a listening socket on the loopback and hands it over.
    func listen() throws -> SocketEndpoint {
        let socket = try LoopbackSocket()
        let description = ListenerDescription(kind: .http, endpoint: socket.endpoint, index: 0)
        channel?.send(.listeners([description], attached: [true]), with: [socket.descriptor.raw])
        return socket.endpoint
    }

    /// Runs curl beside the loop: what it printed.
    func curl(_ arguments: String...) throws -> String {
        let errand = try Errand(["curl", "-sS", "--max-time", "9"] + arguments)
        try until("curl ends") { try errand.isOver() }
        return errand.output
    }

    /// Offers an alert.
    func deliver(_ id: String, to receiver: AlertDelivery.Receiver, body: String = #"{"status":"firing"}"#) {
        channel?.send(.deliver(AlertDelivery(id: id, receiver: receiver, body: body)))
    }
}

extension EventLoop {
    /// Turns the loop until something holds.
    func turnUntil(_ what: String, within limit: Duration = .seconds(10), _ holds: () throws -> Bool) throws {
        let deadline = now + limit
        while try !holds() {
            guard now < deadline else { throw FakeAgent.TimedOut(description: "it did not come to this: \(what)") }
            try turn(waiting: .milliseconds(5))
        }
    }
}
