// SPDX-License-Identifier: Apache-2.0
// The resolver without its sockets: queries, upstream messages, time and policies go in; answers and actions come
// out. All of it runs on a virtual clock in tests.

import NetworkTypes
import SystemIO

/// The state of one worker: policy, cache and the questions in flight.
struct Resolution: ~Copyable {
    /// What becomes of a query.
    enum Verdict {
        /// So many octets of answer were written.
        case answer(Int)
        /// Nothing is answered.
        case drop
        /// It takes longer: ``pursue(_:_:from:now:)`` is to be called.
        case later(QueryHead)
    }

    /// What a query came by.
    enum Arrival {
        case datagram
        case stream
        /// The frontend, to which the client speaks TLS.
        case relay
    }

    /// What the shell is to do; see ``takeActions()``.
    enum Action {
        case ask(Asking)
        case close(AttemptID)
        /// A TCP connection is to be opened, by this interface, and nothing said on it.
        case prove(AttemptID, SocketEndpoint, InterfaceName?)
        case answer(Client, [UInt8])
        /// The firewall is to hold these addresses; what became of it goes to ``heard(_:except:now:)`` with this serial.
        case tell(UInt64, [LearnedAddress])
    }

    /// A message for a server, by a socket of its own: its port is one that nobody can know (RFC 5452 section 9.2),
    /// and the kernel drops what comes from elsewhere.
    struct Asking {
        let attempt: AttemptID
        let server: SocketEndpoint
        let interface: InterfaceName?
        let transport: UpstreamTransport
        let message: [UInt8]
    }

    /// What bounds the tables that clients can grow.
    struct Limits {
        var exchanges = 512
        var waiters = 4096
        /// Clients that are remembered for their rates; a power of two.
        var clients = 16384
    }

    var policy: Policy?
    var cache: AnswerCache
    var tally = Tally()
    var exchanges: [UInt64: Exchange] = [:]
    var inFlight: [Exchange.Key: UInt64] = [:]
    var waiterCount = 0
    var health = ServerHealth()
    var habits = ServerHabits()
    /// Seconds since 1970 at the beginning of the monotonic clock: signatures are valid by the time of day, which may be
    /// set at any time.
    var epoch: Int64 = 0
    var chain = ChainOfTrust()
    /// Answers to questions of our own that were not looked at yet, by the exchange that needs them.
    var links: [(UInt64, ChainOfTrust.Link, SignedAnswer)] = []
    /// Since when no server of a lineage has an answer of use.
    var failing: [UInt64: Instant] = [:]
    var lastSerial: UInt64 = 0
    var actions: [Action] = []
    /// Answers that were given and whose successors are to be asked for: slots of the cache, and views.
    var due = DueAnswers()
    /// What was done for those who want an explanation.
    var steps: [UInt64: [ResolutionStep]] = [:]
    let limits: Limits
    let memory: AnswerMemory
    var defence: Defence
    /// Room for the name of the query at hand and for that of the question that is pursued.
    var asked = LookupName()
    var wanted = LookupName()
    var negative = [UInt8](repeating: 0, count: NegativeAnswer.bodySize)
    /// What the firewall holds of names in sets, and the answers that wait for it or will be looked at.
    var learning = Learning()
    var leaving: [Learning.Leaving] = []
    /// Room for the names of an answer, one after the other.
    var owner = LookupName()
    var ownerOctets = [UInt8](repeating: 0, count: 255)

    init(cacheBudget: Int, limits: Limits = Limits(), commons: WorkerCommons = WorkerCommons()) {
        memory = commons.memory
        cache = AnswerCache(budget: cacheBudget)
        self.limits = limits
        defence = Defence(cookies: commons.cookies, capacity: limits.clients)
    }

    /// Hands out what is to be done since the last call.
    mutating func takeActions(now: Instant) -> [Action] {
        if !leaving.isEmpty { letLeave(now: now) }
        guard !actions.isEmpty else { return [] }
        let taken = actions
        actions = []
        return taken
    }
}
