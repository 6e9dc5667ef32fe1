// SPDX-License-Identifier: Apache-2.0

import CLinux
import ControlAPI
import Logging
import NetworkTypes
import PrivateDNS
import ProcessLink
import SystemIO

/// The resolver's side of the private socket. It outlives the agent: without one it answers on, from the last
/// snapshot, and never goes public on its own.
final class ResolverProcess {
    private typealias Channel = MessageChannel<MessageFromAgent, MessageToAgent>

    private static let reconnectInterval = Duration.milliseconds(50)
    private static let metricsInterval = Duration.seconds(1)

    private let socketPath: String
    private let loop: EventLoop
    private let pool: WorkerPool
    private let logger = Logger(label: "pnetd.resolver")
    private var channel: Channel?
    private var listeners = HeldListeners()
    private var compiler = PolicyCompiler()
    /// The agent said that it is not wanted any more.
    private(set) var wasToldToEnd = false
    /// Called when the first snapshot is in force.
    var onServing: () -> Void = {}
    /// The snapshot whose coming into force the agent has not been told.
    private var unacknowledged: UInt64?
    /// The zone files that the agent has sent, by its numbers.
    private var zoneFiles: [UInt64: String] = [:]
    /// What an earlier resolver remembered, until there is a policy to judge it by.
    private var inheritance: RememberedNames?
    private var pace = MemoryPace()
    private let clock = SystemClock()
    /// What is being found for the agent.
    private var lookups: [UInt64: AddressLookup] = [:]
    private lazy var teller = NameSetTeller(on: loop) { [unowned self] in channel?.send($0) }
    /// What the workers find out for the agent: its numbers, and what was asked, by theirs.
    private var inquiries: [UInt64: (request: UInt64, question: NamesRequest)] = [:]
    /// More than the agent asks for at once.
    private static let lookupLimit = 16

    init(socketPath: String, loop: EventLoop) throws(SystemError) {
        self.socketPath = socketPath
        self.loop = loop
        pool = try WorkerPool()
    }

    /// Serves until the loop is stopped.
    func run() throws(SystemError) {
        try start()
        try loop.run()
        stop()
    }

    /// Begins to serve on the loop.
    func start() throws(SystemError) {
        try loop.watch(pool.acknowledgement) { [unowned self] _ in
            pool.drainAcknowledgements()
            tellWhatIsInForce()
            tellFindings()
            tellLearned()
        }
        connect()
        sendMetrics()
    }

    /// Ends all threads; the loop must not run after that.
    func stop() {
        loop.unwatch(pool.acknowledgement)
        pool.stop()
    }

    private func connect() {
        do {
            let channel = try Channel(UnixSocket.connect(path: socketPath), on: loop)
            channel.onMessage = { [unowned self] in take($0, descriptors: $1) }
            channel.onClose = { [unowned self] reason in
                logger.notice("the agent is gone; answering from the last snapshot", metadata: ["why": "\(reason)"])
                self.channel = nil
                teller.agentIsGone()
                loop.schedule(after: Self.reconnectInterval) { [unowned self] in connect() }
            }
            self.channel = channel
            // Another agent's questions and numbers.
            lookups = [:]
            inquiries = [:]
            zoneFiles = [:]
            pace.beginAnew()
            pool.forgetHeld()
            channel.send(
                .hello(holding: listeners.descriptions),
                with: listeners.descriptors
            )
        } catch {
            loop.schedule(after: Self.reconnectInterval) { [unowned self] in connect() }
        }
    }

    private func take(_ message: MessageFromAgent, descriptors: [Int32]) {
        switch message {
        case .listeners(let wanted, let attached):
            serve(wanted, attached: attached, descriptors)
            return
        case .zoneFile(let number, let text):
            zoneFiles[number] = text
        case .resolver(let snapshot):
            answer(by: snapshot)
        case .rememberedNames(let copy):
            // Who has answered already has learned better.
            if compiler.policy == nil { inheritance = copy }
        case .find(let request, let host, let servers, let interface):
            find(request, AddressLookup.Question(host: host, servers: servers, interface: interface))
        case .names(let request, let question, let interface):
            inquire(request, question, on: interface)
        case .held(let request, let refused):
            teller.heard(request, except: refused)
        case .relay:
            relay(by: descriptors)
        case .stop:
            wasToldToEnd = true
            loop.stop()
        case .page, .deliver, .shakeHands, .namesOverTLS:
            logger.error("the agent sent what is for the frontend")
        }
        for descriptor in descriptors { close(descriptor) }
    }

    private func relay(by sockets: [Int32]) {
        do {
            try pool.relay(by: sockets)
        } catch {
            logger.error("cannot pass names on to the frontend: \(error)")
        }
    }

    private func find(_ request: UInt64, _ question: AddressLookup.Question) {
        let answer = { [unowned self] (finding: AddressLookup.Finding) in
            lookups[request] = nil
            let problem = finding.problem.map(FindingProblem.init)
            channel?.send(
                .found(
                    request: request,
                    addresses: finding.addresses,
                    lifetime: finding.lifetime,
                    problem: problem
                )
            )
        }
        do {
            guard lookups.count < Self.lookupLimit, !question.servers.isEmpty else {
                throw SystemError(operation: "ask for one more host", code: EAGAIN)
            }
            lookups[request] = try AddressLookup(question, on: loop, done: answer)
        } catch {
            logger.error("cannot find \(question.host): \(error)")
            answer(AddressLookup.Finding(problem: .noAnswer))
        }
    }

    private func inquire(_ request: UInt64, _ question: NamesRequest, on interface: UInt32) {
        let task: UInt64
        switch question.action {
        case .explain:
            let type = RecordTypeText.number(of: question.type ?? "A") ?? 1
            task = pool.explain(
                question.name ?? .root,
                type: type,
                for: NameAsker(address: question.from, interface: interface, view: question.view),
                ignoringZones: question.ignoringZones ?? false
            )
        case .flush: task = pool.flush(below: question.name ?? .root)
        case .dump: task = pool.dump(below: question.name ?? .root)
        case .audit: return logger.error("the agent sent what is for itself")
        }
        inquiries[task] = (request, question)
    }

    private func tellFindings() {
        for finding in pool.takeFindings() {
            guard let inquiry = inquiries.removeValue(forKey: finding.task) else { continue }
            let report: NamesReport
            switch finding.content {
            case .explained(let message, let steps):
                report = .explained(NameExplanation(message, steps, to: inquiry.question))
            case .flushed(let count): report = .flushed(FlushReport(flushed: count))
            case .dumped(let entries, let isCut):
                report = .dumped(NameDump(entries: entries.map(NameDump.Entry.init), isCut: isCut))
            }
            channel?.send(.names(request: inquiry.request, report))
        }
    }

    /// Without an agent there is nobody to wait for.
    private func tellLearned() {
        teller.tell(pool.takeTellings())
        if channel == nil { teller.agentIsGone() }
    }

    private func serve(_ wanted: [ListenerDescription], attached: [Bool], _ descriptors: [Int32]) {
        do {
            let missing = listeners.replace(by: wanted, attached: attached, descriptors)
            for listener in missing { logger.error("no descriptor came for \(listener.kind) \(listener.endpoint)") }
            try pool.serve(listeners.forWorkers)
            tellWhatIsInForce()
        } catch {
            logger.error("cannot serve: \(error)")
        }
    }

    private func answer(by snapshot: ResolverSnapshot) {
        do {
            let policy = try compiler.compile(snapshot, zoneFiles: zoneFiles)
            inherit(policy)
            pool.adopt(policy)
            let named = Set((snapshot.zones + snapshot.views.flatMap(\.zones)).compactMap(\.source.file))
            zoneFiles = zoneFiles.filter { named.contains($0.key) }
            unacknowledged = snapshot.serial
            tellWhatIsInForce()
        } catch {
            // The agent checks with the same code, so this is another version of it. The last snapshot stays.
            logger.error("snapshot \(snapshot.serial) is refused: \(error)")
        }
    }

    private func inherit(_ policy: Policy) {
        guard let copy = inheritance else { return }
        inheritance = nil
        do {
            let (taken, left) = try pool.remember(copy.octets, by: policy)
            logger.info("\(taken) answers of an earlier resolver are remembered, \(left) are not")
        } catch {
            logger.warning("what an earlier resolver remembered is of no use: \(error)")
        }
    }

    private func tellWhatIsInForce() {
        guard let unacknowledged, pool.policyInForce == unacknowledged else { return }
        self.unacknowledged = nil
        onServing()
        channel?.send(.inForce(snapshot: unacknowledged))
    }

    private func sendMetrics() {
        channel?.send(.metrics(ResolverMetrics.samples(pool.tally, compiler.policy)))
        if let channel, pace.isDue(pool.memoryStanding, now: clock.now) {
            channel.send(.rememberedNames(RememberedNames(pool.memoryCopy())))
        }
        loop.schedule(after: Self.metricsInterval) { [unowned self] in sendMetrics() }
    }
}

extension ResolverSnapshot.Zone.Source {
    fileprivate var file: UInt64? {
        guard case .file(let number) = self else { return nil }
        return number
    }
}

extension FindingProblem {
    fileprivate init(_ problem: AddressLookup.Problem) {
        switch problem {
        case .noSuchName: self = .noSuchName
        case .noAddress: self = .noAddress
        case .noAnswer: self = .noAnswer
        }
    }
}
