// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import Testing

@testable import Journal

struct CounterfactualTests {
    private static func name<Kind>(_ text: String) -> Name<Kind> {
        guard let name = Name<Kind>(text) else { preconditionFailure("'\(text)' is no name") }
        return name
    }

    private static let first: PathName = name("vpn-a")
    private static let second: PathName = name("vpn-b")
    private static let network: NetworkName = name("azure")
    private static let target = Target.icmp(.v4(IPv4Address(bits: 0x0a14_0004)))

    private static func policy(
        paths: [PathName] = [first, second],
        target: Target = target,
        within: Duration = .seconds(1),
        failback: Duration = .seconds(10)
    ) -> NetworkPolicy {
        NetworkPolicy(
            network: network,
            paths: paths,
            targets: [target],
            need: .any,
            promise: DetectionPromise(within: within),
            failback: .automatic(after: failback),
            damping: false,
            whenDown: .block
        )
    }

    /// Ten minutes of a core whose first path is cut twice a minute, for four seconds; written down as it goes.
    private struct Run {
        private(set) var steps: [JournalWalk.Step] = []
        private var core = HealthCore()
        private var now = Instant(nanoseconds: 5_000_000_000)
        private var inFlight: [(at: Instant, probe: Probe)] = []
        private let start: Instant
        private let isDead: Bool

        init(_ policy: NetworkPolicy, isDead: Bool = false, adopting decision: Decision? = nil) {
            start = now
            self.isDead = isDead
            let header = JournalHeader(version: "0", run: 1, beginning: .run, at: now, wallNanoseconds: 0)
            steps.append(.segment(header, follows: false))
            tell(.policies([policy], adopting: decision.map { [$0.network: $0] } ?? [:]))
            for path in [CounterfactualTests.first, CounterfactualTests.second] {
                tell(.evidence(.condition(path, .ready)))
            }
            while now < start + .seconds(600) {
                let times = [core.nextDeadline, inFlight.map(\.at).min()].compactMap { $0 }
                now = times.min() ?? now + .seconds(1)
                if let place = inFlight.firstIndex(where: { $0.at <= now }) {
                    tell(.evidence(.answer(inFlight.remove(at: place).probe)))
                } else {
                    tell(.time)
                }
            }
        }

        private var isCut: Bool {
            let second = (now - start).nanoseconds / 1_000_000_000 % 60
            return isDead || (20..<24).contains(second) || (50..<54).contains(second)
        }

        private mutating func tell(_ input: CoreInput) {
            let wall = now.nanoseconds - start.nanoseconds
            steps.append(.entry(JournalEntry(at: now, record: .told(input)), wallNanoseconds: wall))
            for action in core.take(input, at: now) {
                if case .send(let probe) = action {
                    guard probe.subject.path != CounterfactualTests.first || !isCut else { continue }
                    inFlight.append((now + .milliseconds(20), probe))
                } else {
                    steps.append(.entry(JournalEntry(at: now, record: .said(action)), wallNanoseconds: wall))
                }
            }
        }
    }

    @Test func theSameFileDecidesTheSame() {
        let past = Counterfactual(of: Run(Self.policy()).steps, under: [Self.policy()])
        #expect(past.unknown.isEmpty)
        let (live, other) = (past.events.filter(\.isLive), past.events.filter { !$0.isLive })
        #expect(live.count > 10)
        #expect(live.map(\.decision) == other.map(\.decision))
        #expect(live.map(\.wallNanoseconds) == other.map(\.wallNanoseconds))
        #expect(past.accounts[Self.network].map { $0.live == $0.other } == true)
        #expect(past.span >= .seconds(600))
    }

    @Test func aSlowerPromiseRidesThroughWhatAQuickOneLeftThePathFor() throws {
        let past = Counterfactual(of: Run(Self.policy()).steps, under: [Self.policy(within: .seconds(10))])
        #expect(try #require(past.accounts[Self.network]).live.switches > 10)
        #expect(try #require(past.accounts[Self.network]).other.switches == 0)
    }

    @Test func aLongerHoldSwitchesLess() throws {
        let past = Counterfactual(of: Run(Self.policy()).steps, under: [Self.policy(failback: .seconds(300))])
        let accounts = try #require(past.accounts[Self.network])
        #expect(accounts.other.switches < accounts.live.switches)
    }

    @Test func withoutTheOtherPathTheNetworkIsBlockedMeanwhile() throws {
        let past = Counterfactual(of: Run(Self.policy()).steps, under: [Self.policy(paths: [Self.first])])
        let accounts = try #require(past.accounts[Self.network])
        #expect(accounts.live.blocked < .seconds(2), "until the first answers")
        #expect((.seconds(40)...(.seconds(120))).contains(accounts.other.blocked), "\(accounts.other.blocked)")
    }

    @Test func whatWasNeverAskedIsCounted() throws {
        let stranger = Target.icmp(.v4(IPv4Address(bits: 7)))
        let past = Counterfactual(of: Run(Self.policy()).steps, under: [Self.policy(target: stranger)])
        #expect(past.unknown.keys.allSatisfy { $0.target == stranger })
        #expect(past.unknown.values.reduce(0, +) > 1_000)
        #expect(try #require(past.accounts[Self.network]).other.switches == 0)
    }

    /// What is read from the middle begins with what was decided by then.
    @Test func aGapPartsThePast() {
        var steps = Run(Self.policy()).steps
        let middle = steps.count / 2
        steps[middle] = .unreadable(file: "x", why: "y")
        let past = Counterfactual(of: steps, under: [Self.policy()])
        #expect(past.span < .seconds(310))
        let whole = Counterfactual(of: Run(Self.policy()).steps, under: [Self.policy()])
        #expect(past.events.count < whole.events.count)
    }

    @Test func nothingComesOfNothing() {
        let past = Counterfactual(of: [], under: [Self.policy()])
        #expect(past.events.isEmpty && past.span == .zero)
    }

    /// A run that asks seldom, of one path that is dead for ten minutes, by a file that asks often: between two lost
    /// probes there is no answer.
    @Test func betweenTwoLostProbesNothingIsAnswered() throws {
        let run = Run(Self.policy(paths: [Self.first], within: .seconds(120)), isDead: true)
        let past = Counterfactual(of: run.steps, under: [Self.policy(paths: [Self.first])])
        let accounts = try #require(past.accounts[Self.network])
        #expect(accounts.other.switches == 0)
        #expect(accounts.other.blocked > .seconds(500), "\(accounts.other.blocked)")
        #expect(past.events.filter { !$0.isLive && $0.decision.outcome.path != nil }.isEmpty)
    }

    /// An earlier run decided by a clock that was ahead.
    @Test func noTimeIsNegative() throws {
        let future = Instant(nanoseconds: 5_000_000_000 + 86_400_000_000_000)
        let decided = Decision(
            network: Self.network,
            generation: 1,
            outcome: .blocked,
            reasons: [],
            since: future,
            provisional: true
        )
        let past = Counterfactual(of: Run(Self.policy(), adopting: decided).steps, under: [Self.policy()])
        let accounts = try #require(past.accounts[Self.network])
        #expect(accounts.live.blocked >= .zero && accounts.other.blocked >= .zero)
    }

    /// Linear in what is replayed: a day of two paths in seconds.
    @Test func aLongPastTakesNoSquareOfTheTime() {
        var probes = PastProbes()
        let subject = ProbeSubject(network: Self.network, path: Self.first, target: Self.target)
        for second in 0..<60_000 {
            let now = Instant(nanoseconds: Int64(second) * 1_000_000_000)
            let probe = Probe(subject: subject, sequence: UInt16(truncatingIfNeeded: second))
            probes.sent(probe, at: now)
            probes.ended(probe, .answer, at: now + .milliseconds(20))
        }
        #expect(probes.fate(of: subject, at: Instant(nanoseconds: 0)) == .told(.answer, after: .milliseconds(20)))
    }
}
