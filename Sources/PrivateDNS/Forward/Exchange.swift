// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

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
        let transport: UpstreamTransport
    }

    let serial: UInt64
    let key: Key
    var route: ForwardRoute
    var attempts: [Attempt] = []
    var attemptsMade: UInt8 = 0
    var waiters: [Waiter] = []
    /// The server that is asked next, counted on without end.
    var nextServer = 0
    /// How many servers have said that they cannot answer.
    var refusals = 0
    /// A server did not understand EDNS (RFC 6891 section 6.2.2).
    var isPlain = false
    var nextTry: Instant
    var giveUp: Instant

    /// How long the first server has before the second one is asked as well.
    static let patience = Duration.milliseconds(400)
    /// How long a client's question may take: stub resolvers give up after five seconds.
    static let budget = Duration.seconds(3)
    /// What an exchange gets at least when its path changed under it.
    static let budgetAfterSwitch = Duration.milliseconds(1500)

    var deadline: Instant { min(nextTry, giveUp) }

    /// The question as it goes out.
    func message(id: UInt16) -> [UInt8] {
        var message: [UInt8] = []
        message.append(id)
        let checking = key.question.variant.contains(.checkingDisabled) ? HeaderFlags.checkingDisabled : 0
        message.append(HeaderFlags.recursionDesired | checking)
        message.append(1 as UInt16)
        message.append(0 as UInt32)
        message.append(isPlain ? 0 : 1 as UInt16)
        message += key.question.name
        message.append(key.question.type.rawValue)
        message.append(internetClass)
        guard !isPlain else { return message }
        message.append(0 as UInt8)
        message.append(RecordType.opt.rawValue)
        message.append(UInt16(MessageSize.datagram))
        message.append(key.question.variant.contains(.wantsDNSSEC) ? OPT.dnssecOK : 0)
        message.append(0 as UInt16)
        return message
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
enum UpstreamTransport: Hashable, Sendable {
    case datagram
    case stream
}
