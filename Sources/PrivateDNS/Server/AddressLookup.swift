// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes
public import SystemIO

/// Finds a host's addresses by servers, and through an interface, of the caller's choice: for what lies below the
/// paths, such as a tunnel's far end. It is asked like any other question (retries, TCP, servers in turn), but nothing
/// is kept: who asks again wants news.
///
/// It belongs to the loop's thread. What is let go of before it has found anything says nothing.
public final class AddressLookup {
    /// What is asked, of whom.
    public struct Question: Hashable, Sendable {
        /// The host.
        public var host: DomainName
        /// Who is asked, the first one first; at least one.
        public var servers: [SocketEndpoint]
        /// The interface that the questions leave by.
        public var interface: InterfaceName

        /// Makes a question.
        public init(host: DomainName, servers: [SocketEndpoint], interface: InterfaceName) {
            self.host = host
            self.servers = servers
            self.interface = interface
        }
    }

    /// Why there is no address.
    public enum Problem: Hashable, Sendable {
        /// NXDOMAIN.
        case noSuchName
        /// The name is there, without addresses.
        case noAddress
        /// No server has given an answer of use.
        case noAnswer
    }

    /// What was found.
    public struct Finding: Hashable, Sendable {
        /// The addresses of both families, in the servers' order; empty where there is a problem.
        public var addresses: [IPAddress]
        /// How long they are good, by the shortest TTL, in seconds.
        public var lifetime: UInt32
        /// Why there is none.
        public var problem: Problem?

        /// States what was found.
        public init(addresses: [IPAddress] = [], lifetime: UInt32 = 0, problem: Problem? = nil) {
            self.addresses = addresses
            self.lifetime = lifetime
            self.problem = problem
        }
    }

    private let loop: EventLoop
    private let question: Question
    private let done: (Finding) -> Void
    private var resolution = Resolution(cacheBudget: 0, limits: Resolution.Limits(clients: 4))
    private var poll: ReadinessPoll
    private var upstream = UpstreamSockets()
    private var timer: EventLoop.TimerID?
    private var answers: [AddressFamily: [UInt8]] = [:]

    /// Asks; `done` is called once, after a few seconds at most. Throws where the kernel gives no epoll descriptor.
    public init(
        _ question: Question,
        on loop: EventLoop,
        done: @escaping (Finding) -> Void
    ) throws(SystemError) {
        self.loop = loop
        self.question = question
        self.done = done
        poll = try ReadinessPoll(capacity: 8)
        try loop.watch(poll.descriptor) { [weak self] _ in self?.read() }
        let now = loop.now
        resolution.adopt(Policy(asking: question.servers, through: question.interface), now: now)
        for family in AddressFamily.allCases { ask(for: family, now) }
        act(now)
    }

    deinit {
        loop.unwatch(poll.descriptor)
        if let timer { loop.cancel(timer) }
    }

    private func ask(for family: AddressFamily, _ now: Instant) {
        var query: [UInt8] = []
        query.append(0 as UInt16)
        query.append(HeaderFlags.recursionDesired)
        query.append(1 as UInt16)
        query += [0, 0, 0, 0, 0, 0]
        query += question.host.wire
        query.append(family.recordType.rawValue)
        query.append(internetClass)
        guard let scan = try? QueryHead(scanning: query.span) else { preconditionFailure("a query of our own") }
        resolution.pursue(query.span, scan, from: .lookup(family), now: now)
    }

    private func read() {
        let count = poll.wait(atMost: .zero)
        let now = loop.now
        for index in 0..<count {
            let (tag, readiness) = poll.event(index)
            let attempt = AttemptID(rawValue: tag & Worker.Watched.valueMask)
            upstream.ready(attempt, readiness, &resolution, poll: &poll, now: now)
        }
        act(now)
    }

    private func act(_ now: Instant) {
        while true {
            let actions = resolution.takeActions(now: loop.now)
            guard !actions.isEmpty else { break }
            for action in actions {
                switch action {
                case .ask(let asking): upstream.ask(asking, &resolution, poll: &poll, now: now)
                case .close(let attempt): upstream.close(attempt)
                case .prove: preconditionFailure("a lookup remembers nothing")
                case .answer(.lookup(let family), let message): answers[family] = message
                case .answer, .tell: preconditionFailure("a lookup has no clients")
                }
            }
        }
        if let timer { loop.cancel(timer) }
        timer = resolution.nextDeadline.map { deadline in
            loop.schedule(at: deadline) { [weak self] in
                guard let self else { return }
                resolution.expire(now: loop.now)
                act(loop.now)
            }
        }
        guard answers.count == AddressFamily.allCases.count else { return }
        // Later: whoever asks may let go of this object in the call, and has not even got it yet if all failed at once.
        timer = loop.schedule(at: now) { [weak self] in
            guard let self else { return }
            done(finding)
        }
    }

    private var finding: Finding {
        var finding = Finding(lifetime: .max)
        var codes: Set<ResponseCode> = []
        for family in AddressFamily.allCases {
            guard let message = answers[family] else { continue }
            codes.insert(ResponseCode(rawValue: message.span.uint16(at: 2) & HeaderFlags.responseCode))
            finding.take(message.span, questionEnd: MessageSize.header + question.host.wire.count + 4, family)
        }
        guard finding.addresses.isEmpty else { return finding }
        finding.lifetime = 0
        let isAnswered = codes.isSubset(of: [.noError, .nxDomain])
        finding.problem = codes == [.nxDomain] ? .noSuchName : isAnswered ? .noAddress : .noAnswer
        return finding
    }
}

extension AddressLookup.Finding {
    /// Takes the addresses of an answer that we wrote ourselves.
    fileprivate mutating func take(_ message: Span<UInt8>, questionEnd: Int, _ family: AddressFamily) {
        var offset = questionEnd
        var shortest = UInt32.max
        var found: [IPAddress] = []
        for _ in 0..<message.uint16(at: 6) {
            guard let record = try? RecordView(message, at: offset) else { return }
            offset = record.end
            shortest = min(shortest, record.ttl)
            guard record.type == family.recordType else { continue }
            let bits = record.data.reduce(0 as UInt128) { $0 << 8 | UInt128(message[$1]) }
            found.append(IPAddress(family: family, bits: bits))
        }
        guard !found.isEmpty else { return }
        addresses += found
        lifetime = min(lifetime, shortest)
    }
}

extension AddressFamily {
    fileprivate var recordType: RecordType { self == .ipv4 ? .a : .aaaa }
}
