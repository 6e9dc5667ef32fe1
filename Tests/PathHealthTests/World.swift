// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth

/// A world for the core to live in: paths with a delay and a fate, and a clock that moves as told.
struct World {
    static let site: NetworkName = name("azure")
    static let first: PathName = name("vpn-a")
    static let second: PathName = name("vpn-b")
    static let target = Target.icmp(.v4(IPv4Address(bits: 0x0a14_0004)))

    /// Whether a probe sent now through the path to the target is answered, and after how long.
    var answers: (PathName, Target, Instant) -> Duration?
    /// How, and after how long, a probe sent now fails that is not merely without answer.
    var failures: (PathName, Target, Instant) -> (Duration, TargetFailure)? = { _, _, _ in nil }
    private(set) var core = HealthCore()
    private(set) var now = Instant(nanoseconds: 1_000_000_000_000)
    private(set) var decided: [(at: Instant, decision: Decision)] = []
    private(set) var judged: [(at: Instant, path: PathName, verdict: Verdict)] = []
    private(set) var asked: [(at: Instant, probe: Probe)] = []
    private var inFlight: [(at: Instant, evidence: Evidence)] = []

    static func name<Kind>(_ text: String) -> Name<Kind> {
        guard let name = Name<Kind>(text) else { preconditionFailure("'\(text)' is no name") }
        return name
    }

    static func policy(
        paths: [PathName] = [first, second],
        priorities: [PathName: Int] = [:],
        targets: [Target] = [target],
        need: TargetNeed = .any,
        promise: DetectionPromise = DetectionPromise(within: .seconds(1)),
        degraded: QualityLimits = QualityLimits(),
        metered: Set<PathName> = [],
        failback: Failback = .automatic(after: .seconds(60)),
        damping: Bool = true,
        whenDown: WhenDown = .block
    ) -> NetworkPolicy {
        NetworkPolicy(
            network: site,
            paths: paths,
            priorities: priorities,
            targets: targets,
            need: need,
            promise: promise,
            degraded: degraded,
            metered: metered,
            failback: failback,
            damping: damping,
            whenDown: whenDown
        )
    }

    init(
        _ policy: NetworkPolicy = Self.policy(),
        beside others: [NetworkPolicy] = [],
        adopting adopted: [NetworkName: Decision] = [:],
        ready: [PathName]? = nil,
        answers: @escaping (PathName, Target, Instant) -> Duration? = { _, _, _ in .milliseconds(20) }
    ) {
        self.answers = answers
        take(core.apply([policy] + others, adopting: adopted, at: now))
        for path in ready ?? policy.paths { observe(.condition(path, .ready)) }
    }

    mutating func reload(_ policy: NetworkPolicy) {
        take(core.apply([policy], at: now))
    }

    mutating func observe(_ evidence: Evidence) {
        take(core.handle(evidence, at: now))
    }

    /// Lets time pass: answers come in and deadlines are met at their instants.
    mutating func run(for duration: Duration) {
        let end = now + duration
        while let next = [core.nextDeadline, inFlight.map(\.at).min()].compactMap({ $0 }).min(), next <= end {
            now = max(now, next)
            let due = inFlight.filter { $0.at <= now }
            inFlight.removeAll { $0.at <= now }
            for (_, evidence) in due { take(core.handle(evidence, at: now)) }
            take(core.advance(to: now))
        }
        now = end
    }

    private mutating func take(_ actions: [Action]) {
        for action in actions {
            switch action {
            case .send(let probe):
                asked.append((now, probe))
                if let (delay, failure) = failures(probe.subject.path, probe.subject.target, now) {
                    inFlight.append((now + delay, .failure(probe, failure)))
                } else if let delay = answers(probe.subject.path, probe.subject.target, now) {
                    inFlight.append((now + delay, .answer(probe)))
                }
            case .judged(_, let path, let before, let verdict, _):
                if before != verdict { judged.append((now, path, verdict)) }
            case .decided(let decision, _): decided.append((now, decision))
            }
        }
    }

    var sent: [(at: Instant, path: PathName)] { asked.map { ($0.at, $0.probe.subject.path) } }

    /// Lets a target fail from now on.
    mutating func fail(_ target: Target, _ failure: TargetFailure) {
        failures = { _, asked, _ in asked == target ? (.milliseconds(20), failure) : nil }
    }

    var decision: Decision { core.report[0].decision }
    var outcome: Outcome { decision.outcome }
    func verdict(_ path: PathName) -> Verdict? { core.report[0].paths.first { $0.path == path }?.verdict }
    func reasons(_ path: PathName) -> [String]? {
        core.report[0].paths.first { $0.path == path }?.reasons.map(\.description)
    }
}
