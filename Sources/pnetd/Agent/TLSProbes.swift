// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import ProcessLink
import SystemIO

/// Has the frontend shake hands with TLS targets over connections that the agent opened, each by its path. The agent
/// itself never reads a word of what comes back.
final class TLSProbes {
    /// A target of a network, through whichever path.
    struct Place: Hashable {
        let network: NetworkName
        let target: Target
    }

    /// How a probe ended, and when the certificate does that was seen, in seconds since 1970.
    typealias End = (outcome: HandshakeOutcome, expires: Int64?)

    /// How long a connection may take, and then the handshake over it: together less than the shortest pace.
    static let connectPatience = Duration.seconds(2)
    private static let handshakePatience = 2_500
    /// The frontend may say no more than fifty things a second to the agent.
    private static let pace = (burst: 20, perSecond: 20)

    private let loop: EventLoop
    private var starts: RateLimit
    /// Begins anywhere: a frontend that outlived an earlier agent may still answer that one's.
    private var lastRequest = UInt64.random(in: 0 ... .max / 2)
    private var waiting: [UInt64: Probe] = [:]
    /// The certificates that each target's must lead to, where they are not the system's.
    var roots: [Place: String] = [:]
    /// Hands a request and a connection to the frontend; false where there is none.
    var ask: (HandshakeRequest, Int32) -> Bool = { _, _ in false }
    /// When the certificates end that were seen last, in seconds since 1970.
    private(set) var expiries: [ProbeSubject: Int64] = [:]
    /// What the frontend cannot ask.
    private(set) var unable: Set<ProbeSubject> = []

    init(on loop: EventLoop) {
        self.loop = loop
        starts = RateLimit(burst: Self.pace.burst, perSecond: Self.pace.perSecond, now: loop.now)
    }

    /// Whether a connection may be begun: not so many at once that the frontend would be cut off for its answers.
    func mayStart() -> Bool { starts.take(at: loop.now) }

    /// Hands a connection over; false where there is nobody to take it, or who has the last one still: a frontend that
    /// hangs would gather descriptors of the agent's.
    func connected(_ probe: Probe, _ name: DomainName, by connection: consuming FileDescriptor) -> Bool {
        guard !waiting.values.contains(where: { $0.subject == probe.subject }) else { return false }
        lastRequest += 1
        let place = Place(network: probe.subject.network, target: probe.subject.target)
        let request = HandshakeRequest(
            request: lastRequest,
            name: name,
            roots: roots[place],
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
    func came(_ request: UInt64, _ outcome: HandshakeOutcome, expires: Int64?) -> Probe? {
        guard let probe = waiting.removeValue(forKey: request) else { return nil }
        if let expires { expiries[probe.subject] = expires }
        if outcome == .unable { unable.insert(probe.subject) } else { unable.remove(probe.subject) }
        return probe
    }

    /// The frontend is gone, and what it was asked with it.
    func frontendIsGone() { waiting = [:] }

    /// Forgets all but these.
    func keep(only subjects: Set<ProbeSubject>) {
        waiting = waiting.filter { subjects.contains($0.value.subject) }
        expiries = expiries.filter { subjects.contains($0.key) }
        unable.formIntersection(subjects)
    }
}

extension TLSFailure {
    /// What the frontend found, where that is a failure of the target's.
    /// - Parameters:
    ///   - expires: until when the certificate is valid, in seconds since 1970.
    ///   - now: the wall clock, in seconds since 1970.
    init?(_ outcome: HandshakeOutcome, expires: Int64?, now: Int64) {
        switch outcome {
        case .served, .unable: return nil
        case .silent: self = .silent
        case .hungUp: self = .hungUp
        case .notTLS: self = .notTLS
        case .declined: self = .declined
        case .untrusted: self = .untrusted
        case .wrongName: self = .wrongName
        case .expired:
            // Whatever a frontend says that is taken over.
            let (ago, overflow) = now.subtractingReportingOverflow(expires ?? now)
            self = .expired(days: overflow ? 0 : Int(max(ago, 0) / 86_400))
        case .notYetValid: self = .notYetValid
        }
    }
}
