// SPDX-License-Identifier: Apache-2.0

import Configuration
import NetworkTypes
import PathHealth
import ProcessLink
import SystemIO

/// Has the frontend shake hands with TLS targets over connections that the agent opened, each by its path, and make
/// requests over them. The agent itself never reads a word of what comes back.
final class TLSProbes {
    /// A target of a network, through whichever path.
    struct Place: Hashable {
        let network: NetworkName
        let target: Target
    }

    /// What became of a probe.
    enum End: Hashable {
        case served
        case failed(TargetFailure)
        /// The frontend cannot ask.
        case unable
    }

    /// How long a connection may take, and then all that is said over it: together less than the shortest pace.
    static let connectPatience = Duration.seconds(2)
    private static let handshakePatience = 2_500
    /// The frontend may say no more than fifty things a second to the agent.
    private static let pace = (burst: TLSTarget.mostASecond, perSecond: TLSTarget.mostASecond)

    private let loop: EventLoop
    private let clock: any TimeSource
    private var starts: RateLimit
    /// Begins anywhere: a frontend that outlived an earlier agent may still answer that one's.
    private var lastRequest = UInt64.random(in: 0 ... .max / 2)
    private var waiting: [UInt64: Probe] = [:]
    /// What the file says of each target.
    var servers: [Place: TLSTarget] = [:]
    /// Hands a request and a connection to the frontend; false where there is none.
    var ask: (HandshakeRequest, Int32) -> Bool = { _, _ in false }
    /// When the certificates end that were seen last, in seconds since 1970.
    private(set) var expiries: [ProbeSubject: Int64] = [:]
    /// When the certificates end that are shown, in seconds since 1970.
    private(set) var identityExpiries: [Place: Int64] = [:]
    /// What the frontend cannot ask, and why.
    private(set) var unable: [ProbeSubject: String] = [:]

    init(on loop: EventLoop, clock: any TimeSource) {
        self.loop = loop
        self.clock = clock
        starts = RateLimit(burst: Self.pace.burst, perSecond: Self.pace.perSecond, now: loop.now)
    }

    /// Whether a connection may be begun: not so many at once that the frontend would be cut off for its answers.
    func mayStart() -> Bool { starts.take(at: loop.now) }

    /// Hands a connection over; false where there is nobody to take it, or who has the last one still: a frontend that
    /// hangs would gather descriptors of the agent's.
    func connected(_ probe: Probe, by connection: consuming FileDescriptor) -> Bool {
        guard !waiting.values.contains(where: { $0.subject == probe.subject }),
            let server = servers[Place(probe.subject)]
        else { return false }
        var question: HandshakeRequest.Question?
        if let request = server.request {
            question = HandshakeRequest.Question(request, of: server, at: now)
            guard question != nil else {
                unable[probe.subject] = "no token can be made by its sas key"
                return false
            }
        }
        lastRequest += 1
        let request = HandshakeRequest(
            request: lastRequest,
            name: server.name,
            roots: server.roots,
            identity: server.identity,
            question: question,
            patience: Self.handshakePatience
        )
        waiting[lastRequest] = probe
        // Where the frontend goes at that very moment, nobody waits any more.
        guard ask(request, connection.raw), waiting[lastRequest] != nil else {
            waiting[lastRequest] = nil
            return false
        }
        return true
    }

    /// Takes the frontend's word; nil where nobody waits for it.
    func came(_ request: UInt64, _ report: HandshakeReport) -> (probe: Probe, end: End)? {
        guard let probe = waiting.removeValue(forKey: request) else { return nil }
        let subject = probe.subject
        let place = Place(subject)
        if let expires = report.expires { expiries[subject] = expires }
        identityExpiries[place] = servers[place]?.identity == nil ? nil : report.identityExpires
        unable[subject] =
            switch report.outcome {
            case .unable: "its name or the certificates in its ca-file are of no use"
            case .unfit: "what its certificate-file and private-key-file hold is of no use, or does not belong together"
            default: nil
            }
        guard unable[subject] == nil else { return (probe, .unable) }
        if let failure = TargetFailure(report, now: now) { return (probe, .failed(failure)) }
        guard let good = servers[place]?.request?.statuses else { return (probe, .served) }
        guard let status = report.status else { return (probe, .failed(.notHTTP)) }
        return (probe, good.contains(status) ? .served : .failed(.status(status)))
    }

    private var now: Int64 { clock.wallNanoseconds / 1_000_000_000 }

    /// The frontend is gone, and what it was asked with it.
    func frontendIsGone() { waiting = [:] }

    /// Forgets all but these.
    func keep(only subjects: Set<ProbeSubject>) {
        waiting = waiting.filter { subjects.contains($0.value.subject) }
        expiries = expiries.filter { subjects.contains($0.key) }
        unable = unable.filter { subjects.contains($0.key) }
        let places = Set(subjects.map(Place.init))
        identityExpiries = identityExpiries.filter { places.contains($0.key) && servers[$0.key]?.identity != nil }
    }
}

extension TLSProbes.Place {
    init(_ subject: ProbeSubject) {
        self.init(network: subject.network, target: subject.target)
    }
}

extension HandshakeRequest.Question {
    /// What a server is asked, with a token of this moment where it wants one; nil where none can be made.
    fileprivate init?(_ request: HTTPRequest, of server: TLSTarget, at now: Int64) {
        let token = request.access?.token(at: now)
        guard request.access == nil || token != nil else { return nil }
        let name = server.name.withoutRootDot
        self.init(
            authority: server.endpoint.port == 443 ? name : "\(name):\(server.endpoint.port)",
            path: request.path,
            authorization: token
        )
    }
}

extension TargetFailure {
    /// What the frontend found, where that is a failure of the target's.
    /// - Parameter now: the wall clock, in seconds since 1970.
    init?(_ report: HandshakeReport, now: Int64) {
        switch report.outcome {
        case .served, .unable, .unfit: return nil
        case .silent: self = .silent
        case .hungUp: self = .hungUp
        case .notTLS: self = .notTLS
        case .declined: self = .declined
        case .certificateWanted: self = .certificateWanted
        case .certificateDeclined: self = .certificateDeclined
        case .untrusted: self = .untrusted
        case .wrongName: self = .wrongName
        case .expired:
            // Whatever a frontend says that is taken over.
            let (ago, overflow) = now.subtractingReportingOverflow(report.expires ?? now)
            self = .expired(days: overflow ? 0 : Int(max(ago, 0) / 86_400))
        case .notYetValid: self = .notYetValid
        case .unanswered: self = .unanswered
        case .cutOff: self = .cutOff
        case .notHTTP: self = .notHTTP
        }
    }
}
