// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// One question that is asked upstream for all clients that want its answer.
struct Exchange {
    /// What is coalesced: the same question in the same scope.
    struct Key: Hashable {
        let scope: UInt64
        let question: UpstreamAnswer.Question
    }

    /// One message to one server. Attempts stay open until the exchange ends: over a slow path (a satellite's 600 ms)
    /// the answer to the first one comes after the second went out, and it is as good.
    struct Attempt {
        let id: AttemptID
        let messageID: UInt16
        let server: Int
        var way: Int
        let transport: UpstreamTransport
        let challenge: Challenge
        let sent: Instant
    }

    /// What became of the last known good answer.
    enum Recollection {
        case untried
        /// There is none, or none that holds.
        case none
        case proving(Proof)
        case given
    }

    let serial: UInt64
    let key: Key
    /// The number of the view of whoever asked first; others who wait have the same scopes.
    var view: Int
    var route: ForwardRoute
    var attempts: [Attempt] = []
    var attemptsMade: UInt8 = 0
    var waiters: [Waiter] = []
    /// The servers by number, whom to ask first.
    var order: [Int]
    /// How many turns there were: each server in order, by each way, and again.
    var turns = 0
    /// The servers that have said that they cannot answer.
    var refused: Set<Int> = []
    /// A server did not understand EDNS (RFC 6891 section 6.2.2).
    var isPlain = false
    /// A server's answer was doubted: it is asked over TCP, and should it not be reached so, as if it kept neither the
    /// letters nor cookies.
    var isLenient = false
    /// A server's cookie of earlier was none any more (RFC 7873 section 5.3).
    var hasNewCookie = false
    /// Whether answers are validated.
    var isValidated = false
    /// The answer, until it is known what it is worth.
    var unproven: Unproven?
    let begun: Instant
    var nextTry: Instant
    var giveUp: Instant
    var recollection = Recollection.untried
    /// No server is asked any more: only a proof is waited for.
    var isOver = false

    /// How long a server has before it is asked by another way, or again.
    static let patience = Duration.milliseconds(400)
    /// How long a client's question may take: stub resolvers give up after five seconds.
    static let budget = Duration.seconds(3)
    /// What an exchange gets at least when its path changed under it.
    static let budgetAfterSwitch = Duration.milliseconds(1500)
    /// The longest that it may get, however often the path changes: the client has given up by then.
    static let longestBudget = Duration.seconds(6)
    /// How long a client waits for news where there is a last known good answer (RFC 8767 section 5).
    static let clientPatience = Duration.milliseconds(1800)

    /// How many turns reach each server by each way once.
    var firstTurns: Int { route.servers.count * route.ways.count }

    var deadline: Instant {
        guard unproven == nil else { return giveUp }
        return switch recollection {
        case .proving(let proof): isOver ? proof.deadline : min(nextTry, giveUp, proof.deadline)
        case .untried: min(nextTry, giveUp, recollects)
        case .none, .given: min(nextTry, giveUp)
        }
    }

    /// When the last known good answer is looked for.
    var recollects: Instant { begun + Self.clientPatience }

    /// Whether a client's question is one of ours that has come back: an upstream leads here. Its letters are as they were
    /// drawn, which nobody else's are but by chance.
    func asked(_ waiter: Waiter) -> Bool {
        guard waiter.hops == 0 else { return false }
        let name = waiter.query[MessageSize.header..<waiter.scan.questionEnd - 4]
        return attempts.contains { $0.challenge.isMixed && $0.challenge.name.elementsEqual(name) }
    }

    /// A name for one more attempt; nil where there were too many.
    mutating func nextAttempt() -> AttemptID? {
        guard attemptsMade < .max else { return nil }
        attemptsMade += 1
        return AttemptID(exchange: serial, number: attemptsMade)
    }

    /// Whether a cookie goes out. In the second round it does not: a server that drops what it does not know is asked as
    /// servers were always asked.
    var showsCookie: Bool { !isPlain && turns <= firstTurns }

    /// The question as it goes out.
    /// - Parameters:
    ///   - size: the largest datagram that may come back, in octets (RFC 6891 section 6.2.3).
    ///   - transport: over TLS its length is not to tell what is asked (RFC 8467 section 4.1).
    func message(
        id: UInt16,
        _ challenge: Challenge,
        size: Int,
        over transport: UpstreamTransport = .datagram
    ) -> [UInt8] {
        var message: [UInt8] = []
        message.append(id)
        var flags = HeaderFlags.recursionDesired
        // Whoever validates takes what does not validate elsewhere (RFC 6840 section 5.9).
        if isValidated || key.question.variant.contains(.checkingDisabled) { flags |= HeaderFlags.checkingDisabled }
        // A server tells who asks so (RFC 6840 section 5.7).
        if challenge.trustsAD { flags |= HeaderFlags.authenticData }
        message.append(flags)
        message.append(1 as UInt16)
        message.append(0 as UInt32)
        message.append(isPlain ? 0 : 1 as UInt16)
        message += challenge.name
        message.append(key.question.type.rawValue)
        message.append(internetClass)
        guard !isPlain else { return message }
        message.append(0 as UInt8)
        message.append(RecordType.opt.rawValue)
        message.append(UInt16(size))
        message.append(isValidated || key.question.variant.contains(.wantsDNSSEC) ? OPT.dnssecOK : 0)
        var options: [UInt8] = []
        if let cookie = challenge.cookie {
            options.append(EDNSOptions.cookie)
            options.append(UInt16(8 + challenge.serverCookie.count))
            options.append(cookie)
            options += challenge.serverCookie
        }
        if case .encrypted = transport { options += OPT.padding(behind: message.count + 2 + options.count) }
        message.append(UInt16(options.count))
        return message + options
    }
}

/// Names one attempt for as long as the process lives: what comes for one that is over finds nothing.
struct AttemptID: Hashable, Sendable {
    let rawValue: UInt64

    init(rawValue: UInt64) { self.rawValue = rawValue }

    init(exchange: UInt64, number: UInt8) { rawValue = exchange << 8 | UInt64(number) }

    var exchange: UInt64 { rawValue >> 8 }
}

/// How a server is asked.
public enum UpstreamTransport: Hashable, Sendable {
    /// Over UDP.
    case datagram
    /// Over TCP.
    case stream
    /// Over TLS, by the frontend.
    case encrypted(Upstream.Encryption)
}
