// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import SystemIO

/// One negotiation, begun by ``Charon/negotiate(child:of:within:ownCertificates:hasPostQuantumKey:_:)``.
public final class IKENegotiation {
    /// What is logged about one negotiation, in octets, at the most. charon writes some kilobytes.
    static let logLimit = 4 << 20
    /// charon's command takes its time in milliseconds, of 32 bits.
    private static let longest = Duration.seconds(24 * 3_600)

    /// The child's name.
    public let child: String
    /// The connection's name.
    public let connection: String

    let limit: Duration
    private let certificates: [CertificateFacts]
    private let hasPostQuantumKey: Bool
    private var completion: ((Result<Void, IKEFailure>) -> Void)?
    private var onEnd: ((IKENegotiation) -> Void)?
    private var conversation: VICIConversation?
    private var log = IKELog()
    private var logged = 0
    /// When charon is done with its command at the latest; nil before it was asked.
    private var deadline: Instant?
    /// Whether charon is at its command.
    private var isAsked = false

    init(
        child: String,
        of connection: String,
        within limit: Duration,
        ownCertificates certificates: [CertificateFacts],
        hasPostQuantumKey: Bool,
        _ completion: @escaping (Result<Void, IKEFailure>) -> Void
    ) {
        self.child = child
        self.connection = connection
        self.limit = min(max(limit, .milliseconds(1)), Self.longest)
        self.certificates = certificates
        self.hasPostQuantumKey = hasPostQuantumKey
        self.completion = completion
    }

    /// Lets go of it: the completion is not called any more. charon itself goes on, until the time is over or longer.
    public func cancel() {
        close(nil)
    }

    /// - Parameter onEnd: called once, also where it never began, before the completion.
    func prepare(onEnd: @escaping (IKENegotiation) -> Void) {
        self.onEnd = onEnd
    }

    /// - Parameter patience: how long charon may take for what takes no time.
    func begin(
        on loop: EventLoop,
        patience: Duration,
        connect: () throws(SystemError) -> FileDescriptor
    ) {
        do throws(SystemError) {
            conversation = try VICIConversation(
                try connect(),
                on: loop,
                onEvent: { [weak self] name, message in
                    if name == "control-log" { self?.read(message) }
                },
                onLoss: { [weak self] error in
                    if case .connectionLost = error { self?.isAsked = false }
                    self?.close(.failure(.charonLost))
                }
            )
        } catch {
            return close(.failure(.charonLost))
        }
        ask(.register(name: Array("control-log".utf8)), .registration, "control-log", patience) { [weak self] _ in
            guard let self else { return }
            isAsked = true
            deadline = loop.now + limit
            ask(.request(name: Array("initiate".utf8), message), .command, "initiate", limit + patience) {
                [weak self] _ in
                self?.isAsked = false
                self?.close(.success(()))
            }
        }
    }

    /// Until when charon's command goes on behind the end; nil where it does not.
    var leftBehindUntil: Instant? { isAsked ? deadline : nil }

    func fail() { close(.failure(.charonLost)) }

    private var message: VICIMessage {
        var message = VICIMessage()
        message.append("child", child)
        message.append("ike", connection)
        message.append("timeout", max(1, limit.nanoseconds / 1_000_000))
        message.append("loglevel", 1)
        return message
    }

    private func ask(
        _ packet: VICIPacket,
        _ kind: VICIConversation.Question.Kind,
        _ name: String,
        _ patience: Duration,
        then done: @escaping (VICIReply) -> Void
    ) {
        let frame: VICIFrame
        do throws(VICIEncodingError) {
            frame = try VICIFrame(packet)
        } catch {
            return close(.failure(.saying("\(error)")))
        }
        let question = VICIConversation.Question(
            kind: kind,
            name: name,
            stream: nil,
            frame: frame,
            patience: patience
        ) { [weak self] result in
            switch result {
            case .success(let reply): done(reply)
            case .failure(let error): self?.take(error)
            }
        }
        if conversation?.ask(question) != true { close(.failure(.charonLost)) }
    }

    private func take(_ error: VICIError) {
        switch error {
        case .refused(_, let reason):
            isAsked = false
            if log.isPresent { return close(.success(())) }
            // "CHILD_SA 'net' not established after 5000ms", and none of the others ends so.
            let isLate = reason.hasPrefix("CHILD_SA '") && reason.hasSuffix("ms")
            close(.failure(isLate ? log.failureInTime : log.failure(reason: reason)))
        case .unknownCommand, .unknownEvent:
            isAsked = false
            close(.failure(.saying("\(error)")))
        default: close(.failure(.charonLost))
        }
    }

    private func read(_ message: VICIMessage) {
        logged += message.encodedSize
        guard logged <= Self.logLimit else { return close(.failure(.charonLost)) }
        // Until it found the IKE_SA, charon tells what it logs about none at all.
        guard message.text("ikesa-uniqueid") != nil else { return }
        log.read(message.octets("msg") ?? [], group: message.text("group") ?? "")
        guard log.hasGivenUp else { return }
        // With keyingtries 0 charon's command goes on.
        close(.failure(log.failureInTime))
    }

    /// - Parameter result: nil where nobody wants it any more.
    private func close(_ result: Result<Void, IKEFailure>?) {
        guard let completion else { return }
        self.completion = nil
        let conversation = self.conversation
        self.conversation = nil
        conversation?.close(.stopped)
        onEnd?(self)
        onEnd = nil
        switch result {
        case .failure(let failure):
            let now = SystemClock().wallNanoseconds / 1_000_000_000
            completion(.failure(failure.considering(own: certificates, hasPostQuantumKey: hasPostQuantumKey, at: now)))
        case .success: completion(.success(()))
        case nil: break
        }
    }
}
