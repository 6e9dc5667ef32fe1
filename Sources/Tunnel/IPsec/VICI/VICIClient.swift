// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO

/// What a charon does not have.
public struct CharonLacks: Hashable, Sendable {
    /// Commands that it answered by CMD_UNKNOWN.
    public internal(set) var commands: Set<String> = []
    /// Events that it answered by EVENT_UNKNOWN. 5.9.8 has no `alert`, which came with 6.0.3.
    public internal(set) var events: Set<String> = []

    /// Whether nothing is known to lack.
    public var isEmpty: Bool { commands.isEmpty && events.isEmpty }
}

/// How the connections to charon are kept.
public struct CharonPatience: Hashable, Sendable {
    /// How long one command may take.
    public var answer: Duration = .seconds(10)
    /// How long to wait before the first new attempt; twice as long before each other one.
    public var firstRetry: Duration = .milliseconds(250)
    /// How long to wait between attempts at the most.
    public var lastRetry: Duration = .seconds(5)

    /// The defaults.
    public init() {}
}

/// Keeps two connections to charon: one for commands, one for events, so that neither waits for the other. Both stand or
/// fall together, and come again by themselves.
final class VICIClient {
    /// What happens without being asked for.
    enum Report {
        /// Both connections stand and events come. What charon was told before may be gone: it may be another one.
        case connected(VICIMessage, CharonLacks)
        /// No connection stands; told again only for another reason.
        case lost(VICIError)
        case event(name: String, VICIMessage)
    }

    /// The parts of streamed answers, registered once.
    static let streams = ["list-sa", "list-conn", "list-cert", "list-policy"]
    /// What charon raises by itself. Not `log`: it tells everything of everybody.
    static let events = ["ike-updown", "child-updown", "ike-rekey", "child-rekey", "ike-update", "alert"]

    private enum State {
        case stopped
        case waiting(EventLoop.TimerID)
        case greeting
        case connected
    }

    private let loop: EventLoop
    private let patience: CharonPatience
    private let connect: () throws(SystemError) -> FileDescriptor
    private let report: (Report) -> Void
    private var state = State.stopped
    private var commands: VICIConversation?
    private var events: VICIConversation?
    private var retry: Duration
    private var told: VICIError?
    private(set) var lacks = CharonLacks()
    /// Those of the charon that answered last.
    private(set) var keyExchanges = CharonKeyExchanges()

    /// - Parameters:
    ///   - connect: opens a connected, non-blocking stream socket.
    ///   - report: never called from within a call of the owner's.
    init(
        on loop: EventLoop,
        patience: CharonPatience,
        connect: @escaping () throws(SystemError) -> FileDescriptor,
        report: @escaping (Report) -> Void
    ) {
        self.loop = loop
        self.patience = patience
        self.connect = connect
        self.report = report
        retry = patience.firstRetry
    }

    deinit {
        if case .waiting(let timer) = state { loop.cancel(timer) }
    }

    /// Connects, as soon as the loop is free.
    func start() {
        guard case .stopped = state else { return }
        state = .waiting(loop.schedule(at: loop.now) { [weak self] in self?.open() })
    }

    /// Lets go; all commands fail.
    func stop() {
        if case .waiting(let timer) = state { loop.cancel(timer) }
        state = .stopped
        (told, retry) = (nil, patience.firstRetry)
        closeBoth(.stopped, inner: .stopped, culprit: nil)
    }

    var isConnected: Bool {
        if case .connected = state { true } else { false }
    }

    /// Asks for a command. The completion is called once, and never from within this call.
    /// - Parameter stream: the event that carries the answer's parts.
    func ask(
        _ command: String,
        _ message: VICIMessage = VICIMessage(),
        stream: String? = nil,
        patience limit: Duration? = nil,
        completion: @escaping VICIConversation.Completion
    ) {
        let fail = { [loop] (error: VICIError) -> Void in
            loop.schedule(at: loop.now) { completion(.failure(error)) }
        }
        guard let commands, isConnected else { return fail(.absent(nil)) }
        guard !lacks.commands.contains(command) else { return fail(.unknownCommand(command)) }
        if let stream, lacks.events.contains(stream) { return fail(.unknownEvent(stream)) }
        let frame: VICIFrame
        do throws(VICIEncodingError) {
            frame = try VICIFrame(.request(name: Array(command.utf8), message))
        } catch {
            return fail(.unsendable(error))
        }
        let question = VICIConversation.Question(
            kind: .command,
            name: command,
            stream: stream,
            frame: frame,
            patience: limit ?? patience.answer
        ) { [weak self] result in
            if case .failure(.unknownCommand) = result { self?.lacks.commands.insert(command) }
            completion(result)
        }
        if !commands.ask(question) { fail(.busy) }
    }
}

extension VICIClient {
    private func open() {
        state = .greeting
        lacks = CharonLacks()
        do throws(SystemError) {
            events = try conversation { [weak self] name, message in
                guard let self, isConnected else { return }
                report(.event(name: name, message))
            }
            // What is streamed and not asked for is nobody's.
            commands = try conversation { _, _ in }
        } catch {
            return lose(.absent(error), nil)
        }
        register(Self.events[...], on: events) { [weak self] in self?.greet() }
    }

    private func conversation(
        onEvent: @escaping (String, VICIMessage) -> Void
    ) throws(SystemError) -> VICIConversation {
        // The box lets the loss say whose it is.
        final class Box { weak var conversation: VICIConversation? }
        let box = Box()
        let made = try VICIConversation(try connect(), on: loop, onEvent: onEvent) { [weak self] error in
            self?.lose(error, box.conversation)
        }
        box.conversation = made
        return made
    }

    /// Registers for one event after the other; those that charon does not have are told as lacking.
    private func register(
        _ names: ArraySlice<String>,
        on conversation: VICIConversation?,
        then done: @escaping () -> Void
    ) {
        guard let name = names.first else { return done() }
        guard let conversation, let frame = try? VICIFrame(.register(name: Array(name.utf8))) else { return }
        let question = VICIConversation.Question(
            kind: .registration,
            name: name,
            stream: nil,
            frame: frame,
            patience: patience.answer
        ) { [weak self, weak conversation] result in
            guard let self else { return }
            switch result {
            case .success: break
            case .failure(.unknownEvent): lacks.events.insert(name)
            case .failure: return
            }
            register(names.dropFirst(), on: conversation, then: done)
        }
        _ = conversation.ask(question)
    }

    private func greet() {
        register(Self.streams[...], on: commands) { [weak self] in
            self?.inquire("version") { [weak self] version in
                self?.inquire("get-algorithms") { [weak self] in self?.greeted(version, $0) }
            }
        }
    }

    /// Asks for something that is to be known before anybody is told of the connection.
    private func inquire(_ command: String, then done: @escaping (VICIMessage) -> Void) {
        guard let frame = try? VICIFrame(.request(name: Array(command.utf8), VICIMessage())) else { return }
        let question = VICIConversation.Question(
            kind: .command,
            name: command,
            stream: nil,
            frame: frame,
            patience: patience.answer
        ) { [weak self] result in
            switch result {
            case .success(let reply): done(reply.message)
            case .failure(.unknownCommand) where command == "get-algorithms":
                self?.lacks.commands.insert(command)
                done(VICIMessage())
            case .failure(let error): self?.lose(error, nil)
            }
        }
        _ = commands?.ask(question)
    }

    private func greeted(_ version: VICIMessage, _ algorithms: VICIMessage) {
        state = .connected
        (told, retry) = (nil, patience.firstRetry)
        keyExchanges = CharonKeyExchanges(algorithms)
        report(.connected(version, lacks))
    }

    /// Both connections go, and come again later.
    private func lose(_ error: VICIError, _ culprit: VICIConversation?) {
        switch state {
        case .stopped, .waiting: return
        case .greeting, .connected: break
        }
        state = .waiting(loop.schedule(after: retry) { [weak self] in self?.open() })
        retry = min(retry * 2, patience.lastRetry)
        closeBoth(.connectionLost(nil), inner: error, culprit: culprit)
        guard told != error, case .waiting = state else { return }
        told = error
        report(.lost(error))
    }

    private func closeBoth(_ error: VICIError, inner: VICIError, culprit: VICIConversation?) {
        let both = [commands, events].compactMap { $0 }
        (commands, events) = (nil, nil)
        for conversation in both { conversation.close(conversation === culprit ? inner : error) }
    }
}
