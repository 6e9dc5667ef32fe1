// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes
import SystemIO

/// One thing that was done for a name, told to whoever wants an explanation.
public struct ResolutionStep: Hashable, Sendable {
    /// What was done.
    public enum Event: Hashable, Sendable {
        /// Whoever asks may not ask: the file's `allow` does not name it.
        case clientRefused
        /// The client has a view of its own.
        case view(String)
        /// The zone has the say. Its network, unless it is one of ours that has none, and that network's decision.
        case zone(DomainName, network: String?, generation: UInt64, Authority)
        /// No zone holds the name: the upstreams have the say, or nobody where there are none.
        case noZone(hasUpstreams: Bool)
        /// The type is not asked for; the zone's `types` do not name it.
        case typeLeftOut
        /// The cache held the answer.
        case cached(ResponseCode, secondsLeft: UInt32, isStale: Bool)
        /// The same question was under way already, for somebody else.
        case joined
        /// The question is the resolver's own, and came back to it.
        case looped
        /// A server was asked.
        case asked(SocketEndpoint, path: String?, UpstreamTransport)
        /// It answered, after so many microseconds.
        case answered(SocketEndpoint, path: String?, ResponseCode, answers: UInt16, microseconds: UInt64)
        /// Its signatures were looked at, with this result.
        case validated(String)
        /// Its answer may be somebody else's.
        case doubted(SocketEndpoint, path: String?, AnswerDoubt)
        /// It cannot be reached.
        case unreachable(SocketEndpoint, path: String?)
        /// It had not answered when the question was over.
        case silent(SocketEndpoint, path: String?)
        /// Records were left out for where they lead.
        case leftOut(Int, why: String)
        /// The name is an alias.
        case alias(DomainName)
        /// The alias leads where it must not.
        case barred(why: String)
        /// An answer of earlier is of use if its hosts take a connection.
        case recalled(secondsOld: UInt64, asking: [IPAddress])
        /// A host took a connection, or did not.
        case proven(IPAddress, Bool)
        /// The public is asked, for this reason.
        case published(PublicReason)
        /// There is an answer.
        case answer(ResponseCode)
        /// The firewall is told of its addresses before a client is.
        case inSets([NameSetName])
    }

    /// Who answers for a zone.
    public enum Authority: Hashable, Sendable {
        /// Records of the file.
        case records
        /// Its servers, by these paths.
        case servers([SocketEndpoint], paths: [String])
        /// The upstreams: the network's names are public.
        case published([SocketEndpoint])
        /// Nobody, for this reason.
        case blocked(String)
        /// Nobody, since what the zone is made of is not whole.
        case unready(String)
        /// The upstreams, of which there are none.
        case nobody
    }

    /// How many aliases were followed before.
    public let hop: Int
    /// The name at hand.
    public let name: DomainName
    /// What was done.
    public let event: Event
}

extension Resolution {
    /// How many explanations may be under way.
    static var explanationLimit: Int { 8 }
    /// How many steps one may have.
    private static var stepLimit: Int { 256 }

    /// Takes note of a step for a waiter that wants an explanation.
    mutating func note(_ waiter: Waiter, _ event: @autoclosure () -> ResolutionStep.Event) {
        guard case .explanation(let id, _) = waiter.client, steps[id, default: []].count < Self.stepLimit else {
            return
        }
        let name = DomainName(wire: waiter.name) ?? .root
        steps[id, default: []].append(ResolutionStep(hop: waiter.hops, name: name, event: event()))
    }

    /// Takes note of a step for all who wait for an exchange.
    mutating func note(_ exchange: Exchange, _ event: @autoclosure () -> ResolutionStep.Event) {
        for waiter in exchange.waiters { note(waiter, event()) }
    }

    /// Takes a question of whom an explanation is to be given. The answer comes as an action.
    ///
    /// - Parameters:
    ///   - query: a whole message.
    ///   - ignoringZones: what the upstreams say is wanted, whatever zones there are.
    mutating func explain(
        _ query: [UInt8],
        _ id: UInt64,
        for asker: NameAsker,
        ignoringZones: Bool = false,
        now: Instant
    ) {
        let client = Client.explanation(id, for: asker)
        guard let scan = try? QueryHead(scanning: query.span), policy != nil, steps.count < Self.explanationLimit else {
            return actions.append(.answer(client, []))
        }
        steps[id] = []
        let question = Array(query[..<scan.questionEnd])
        var waiter = Waiter(
            client: client,
            query: question,
            scan: scan,
            view: policy?.view(of: client) ?? 0
        )
        waiter.ignoresZones = ignoringZones
        if let address = asker.address, policy?.allow.contains(address) == false {
            note(waiter, .clientRefused)
            return finish(waiter, .refused, options: FixedOptions.prohibited)
        }
        if let name = policy?.views[waiter.view].name { note(waiter, .view(name)) }
        proceed(waiter, now: now)
    }

    /// What was done for an answer that was given; it is forgotten then.
    mutating func takeSteps(of id: UInt64) -> [ResolutionStep] { steps.removeValue(forKey: id) ?? [] }
}

extension ForwardRoute {
    func path(_ way: Int) -> String? { ways[way]?.path }
}

extension AnswerRemark {
    /// The remark in words.
    var text: String {
        switch self {
        case .noReachableAuthority: "no server has an answer of use"
        case .networkError: "no server answers"
        case .stale: "no server answers, and this is what one said last"
        case .outsideOfNetwork: "a private name leads out of its network"
        case .unrouted: "a private name leads to where no path leads just now"
        case .rebinding: "a public name leads to a private address"
        case .bogus: "a signature is wrong"
        case .signatureExpired: "a signature has expired"
        case .signatureNotYetValid: "a signature is not valid yet"
        case .keyMissing: "the keys are missing that the zone above names"
        case .signatureMissing: "it is not signed, and should be"
        case .denialMissing: "nothing proves that it is not there"
        }
    }
}
