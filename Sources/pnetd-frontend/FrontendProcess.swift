// SPDX-License-Identifier: Apache-2.0

import CLinux
import Logging
import NIOPosix
import NetworkTypes
import ProcessLink
import SystemIO

/// The frontend's side of the private socket. It outlives the agent: without one it says so to whoever asks.
final class FrontendProcess {
    private typealias Channel = MessageChannel<MessageFromAgent, MessageToAgent>

    /// What the HTTP thread leaves for this one.
    private enum Notice: Sendable {
        case pageWanted(PageDesk.Asker)
        case webhookEnded(AlertDelivery, DeliveryOutcome)
        case handshakeEnded(request: UInt64, HandshakeReport)
        case upstreamsChanged([UpstreamReport])
    }

    private static let reconnectInterval = Duration.milliseconds(50)
    /// How long deliveries that are on their way may take when this process is to end.
    private static let farewell = Duration.seconds(5)

    private let socketPath: String
    private let loop: EventLoop
    private let log = Logger(label: "pnetd.frontend")
    private let mailbox: Mailbox<Notice>
    private let webhooks: WebhookSender
    private let commands: CommandRunner
    private var handshakes: HandshakeCaller
    private let names: NameTraffic
    private let listeners: ServedListeners
    private var desk: PageDesk?
    private var ledger = DeliveryLedger()
    private var channel: Channel?
    private var isEnding = false
    /// The agent said that it is not wanted any more.
    private(set) var wasToldToEnd = false

    init(socketPath: String, loop: EventLoop) throws {
        self.socketPath = socketPath
        self.loop = loop
        let mailbox = try Mailbox<Notice>()
        self.mailbox = mailbox
        // The one thread that speaks HTTP and TLS. It starts here, after privileges are gone, and ends with the process.
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        webhooks = WebhookSender(group: group)
        handshakes = HandshakeCaller(group: group)
        commands = CommandRunner(on: loop)
        names = try NameTraffic(group: group, log: log) { mailbox.post(.upstreamsChanged($0)) }
        let server = WebServer(group: group) { mailbox.post(.pageWanted($0)) }
        listeners = ServedListeners(server: server, names: names, log: log)
    }

    /// Serves until told to end.
    func run() throws(SystemError) {
        desk = PageDesk(on: loop) { [unowned self] request in
            guard let channel else { return false }
            channel.send(.scrape(request: request))
            return self.channel != nil
        }
        try mailbox.attach(to: loop) { [unowned self] notice in
            switch notice {
            case .pageWanted(let asker): desk?.wanted(by: asker)
            case .webhookEnded(let delivery, let outcome): ended(delivery, outcome)
            case .handshakeEnded(let request, let report): channel?.send(.shookHands(request: request, report))
            case .upstreamsChanged(let reports): channel?.send(.upstreams(reports))
            }
        }
        connect()
        try loop.run()
        commands.killAll()
    }

    /// Ends this process, but first lets deliveries arrive: cut off halfway, they would be sent again.
    func end() {
        guard !isEnding else { return loop.stop() }
        isEnding = true
        guard ledger.isAnythingOnItsWay else { return loop.stop() }
        loop.schedule(after: Self.farewell) { [loop] in loop.stop() }
    }

    /// To be called on SIGCHLD.
    func reapChildren() {
        while let (pid, exit) = ChildProcess.reap() { commands.ended(pid, exit) }
    }

    private func connect() {
        do {
            let channel = try Channel(UnixSocket.connect(path: socketPath), on: loop)
            channel.onMessage = { [unowned self] in take($0, $1) }
            channel.onClose = { [unowned self] reason in
                self.channel = nil
                let since = Timestamp.text(wallNanoseconds: SystemClock().wallNanoseconds)
                log.warning("the agent is gone", metadata: ["why": "\(reason)"])
                desk?.agentIsGone("the agent is not connected since \(since)")
                reconnect()
            }
            self.channel = channel
            channel.send(
                .hello(holding: listeners.descriptions),
                with: listeners.descriptors
            )
        } catch {
            reconnect()
        }
    }

    private func reconnect() {
        loop.schedule(after: Self.reconnectInterval) { [unowned self] in connect() }
    }

    private func take(_ message: MessageFromAgent, _ descriptors: [Int32]) {
        if case .listeners(let wanted, let attached) = message {
            // With them comes a file that may have other keys.
            handshakes.forget()
            return listeners.replace(by: wanted, attached: attached, descriptors)
        }
        if case .shakeHands(let request) = message, let connection = descriptors.first {
            for descriptor in descriptors.dropFirst() { close(descriptor) }
            return shakeHands(request, over: FileDescriptor(owning: connection))
        }
        if case .relay = message { return names.relay(by: descriptors) }
        for descriptor in descriptors { close(descriptor) }
        switch message {
        case .page(let request, let metrics, let health): desk?.came(request, metrics, health)
        case .deliver(let delivery): deliver(delivery)
        case .namesOverTLS(let terms): names.adopt(terms)
        case .stop:
            wasToldToEnd = true
            end()
        case .shakeHands: log.error("the agent sent no connection for a handshake")
        case .listeners, .relay, .zoneFile, .resolver, .find, .names, .rememberedNames, .held:
            log.error("the agent sent what is not for the frontend")
        }
    }

    private func shakeHands(_ request: HandshakeRequest, over connection: consuming FileDescriptor) {
        let number = request.request
        handshakes.call(request, over: connection, at: loop.now) { [mailbox] report in
            mailbox.post(.handshakeEnded(request: number, report))
        }
    }

    private func deliver(_ delivery: AlertDelivery) {
        switch ledger.offered(delivery) {
        case .confirm: channel?.send(.delivered(alert: delivery.id))
        case .refuse(let reason): channel?.send(.undelivered(alert: delivery.id, reason: reason))
        case .wait: break
        case .start where isEnding: ended(delivery, .failed("the frontend is ending"))
        case .start: start(delivery)
        }
    }

    private func start(_ delivery: AlertDelivery) {
        switch delivery.receiver {
        case .webhook(let url):
            webhooks.send(delivery, to: url) { [mailbox] in mailbox.post(.webhookEnded(delivery, $0)) }
        case .command(let words):
            commands.run(words, for: delivery) { [unowned self] in ended(delivery, $0) }
        }
    }

    private func ended(_ delivery: AlertDelivery, _ outcome: DeliveryOutcome) {
        let message = ledger.ended(delivery, outcome)
        // With the agent away there is nobody to tell: it will offer the alert again, and the ledger remembers.
        channel?.send(message)
        if isEnding, !ledger.isAnythingOnItsWay { loop.stop() }
    }
}
