// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO

/// What charon answered: the response, and before it the events of a command that streams.
struct VICIReply {
    var message = VICIMessage()
    var streamed: [VICIMessage] = []
}

/// Questions and answers on one connection: one question at a time, as there are no sequence numbers, the others in a
/// queue. Events may come at any time between.
final class VICIConversation {
    typealias Completion = (Result<VICIReply, VICIError>) -> Void

    /// Something that charon answers by exactly one packet.
    struct Question {
        enum Kind { case command, registration }

        let kind: Kind
        let name: String
        /// The event that carries the answer's parts.
        let stream: String?
        let frame: VICIFrame
        let patience: Duration
        let completion: Completion
    }

    /// What waits behind the question that was asked, at the most.
    static let queueLimit = 256
    /// What the events of one answer may hold, in octets: some thousands of IKE_SAs.
    static let streamLimit = 32 << 20

    private let loop: EventLoop
    private let onEvent: (_ name: String, VICIMessage) -> Void
    private let onLoss: (VICIError) -> Void
    private var connection: VICIConnection?
    private var queue: [Question] = []
    private var current: Question?
    private var limit: EventLoop.TimerID?
    private var streamed: [VICIMessage] = []
    private var streamedOctets = 0

    /// - Parameters:
    ///   - onEvent: called for each event that belongs to no answer.
    ///   - onLoss: called once when the connection ends by itself, before the questions fail; never from within ``ask(_:)``.
    init(
        _ socket: consuming FileDescriptor,
        on loop: EventLoop,
        onEvent: @escaping (_ name: String, VICIMessage) -> Void,
        onLoss: @escaping (VICIError) -> Void
    ) throws(SystemError) {
        self.loop = loop
        self.onEvent = onEvent
        self.onLoss = onLoss
        connection = try VICIConnection(
            socket,
            on: loop,
            onPacket: { [weak self] in self?.receive($0) },
            onLoss: { [weak self] in self?.lose($0) }
        )
    }

    deinit {
        if let limit { loop.cancel(limit) }
    }

    /// How many questions wait behind the one that was asked.
    var backlog: Int { queue.count }

    /// Asks, at once or when those before it are answered. The completion is called later, once.
    /// - Returns: false where the queue is full, or the connection has ended: then it is never called.
    func ask(_ question: Question) -> Bool {
        guard connection != nil, queue.count < Self.queueLimit else { return false }
        queue.append(question)
        advance()
        return true
    }

    /// Ends the connection; all questions fail.
    func close(_ error: VICIError) {
        connection?.close()
        connection = nil
        if let limit { loop.cancel(limit) }
        limit = nil
        let failed = (current.map { [$0] } ?? []) + queue
        current = nil
        queue = []
        streamed = []
        for (index, question) in failed.enumerated() {
            // What went wrong was the first one's answer; the others were never asked.
            question.completion(.failure(index == 0 ? error : Self.bystander(of: error)))
        }
    }

    private static func bystander(of error: VICIError) -> VICIError {
        switch error {
        case .timedOut, .garbage: .connectionLost(nil)
        default: error
        }
    }

    private func lose(_ error: VICIError) {
        onLoss(error)
        close(error)
    }

    private func advance() {
        guard current == nil, !queue.isEmpty, let connection else { return }
        let question = queue.removeFirst()
        current = question
        limit = loop.schedule(after: question.patience) { [weak self] in self?.lose(.timedOut(question.name)) }
        connection.send(question.frame)
    }

    private func receive(_ packet: VICIPacket) {
        switch packet {
        case .event(let name, let message): take(event: String(decoding: name, as: UTF8.self), message)
        case .response(let message): finish(.command) { Self.verdict(on: message, to: $0, streamed: streamed) }
        case .commandUnknown: finish(.command) { .failure(.unknownCommand($0.name)) }
        case .eventConfirmed: finish(.registration) { _ in .success(VICIReply()) }
        case .eventUnknown: finish(.registration) { .failure(.unknownEvent($0.name)) }
        case .request, .register, .unregister: lose(.garbage(.direction))
        }
    }

    private func take(event name: String, _ message: VICIMessage) {
        guard let current, current.stream == name else { return onEvent(name, message) }
        streamedOctets += message.encodedSize
        guard streamedOctets <= Self.streamLimit else { return lose(.garbage(.endless)) }
        streamed.append(message)
    }

    private func finish(_ kind: Question.Kind, _ result: (Question) -> Result<VICIReply, VICIError>) {
        guard let question = current, question.kind == kind else { return lose(.garbage(.unasked)) }
        let answer = result(question)
        current = nil
        streamed = []
        streamedOctets = 0
        if let limit { loop.cancel(limit) }
        limit = nil
        question.completion(answer)
        advance()
    }

    private static func verdict(
        on message: VICIMessage,
        to question: Question,
        streamed: [VICIMessage]
    ) -> Result<VICIReply, VICIError> {
        if let success = message.text("success"), success != "yes" {
            let reason = message.text("errmsg") ?? "it gives no reason"
            return .failure(.refused(question.name, reason: printable(reason)))
        }
        return .success(VICIReply(message: message, streamed: streamed))
    }

    /// Short enough for a log, and nothing that moves a terminal's cursor.
    private static func printable(_ text: String) -> String {
        var shown = String.UnicodeScalarView()
        for scalar in text.unicodeScalars.prefix(300) {
            shown.append(scalar.properties.generalCategory == .control ? " " : scalar)
        }
        return String(shown)
    }
}
