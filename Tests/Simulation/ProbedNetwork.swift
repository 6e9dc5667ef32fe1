// SPDX-License-Identifier: Apache-2.0

package import NetworkTypes
package import PathHealth

/// The whole core with one network, two paths of a kind to it, and a fault of the first one.
package struct ProbedNetwork {
    /// What of a path's packets gets lost.
    package enum Direction: CaseIterable, Sendable {
        /// Those on the way there.
        case there
        /// Those on the way back.
        case back
        /// All.
        case both
    }

    /// The first path's fault, in milliseconds: at our end of the path, so that answers under way are lost as well.
    package struct Fault: Sendable {
        let start: Double
        let end: Double
        let direction: Direction

        package init(start: Double, lasting length: Double, _ direction: Direction = .both) {
            (self.start, end) = (start, start + length)
            self.direction = direction
        }

        fileprivate func takes(_ sent: Double, _ arrives: Double) -> Bool {
            let there = start <= sent && sent < end
            let back = start <= arrives && arrives < end
            switch direction {
            case .there: return there
            case .back: return back
            // Also what passes the place of the fault anywhere in between.
            case .both: return there || back || (sent < start && end <= arrives)
            }
        }
    }

    private static func name<Kind>(_ text: String) -> Name<Kind> {
        guard let name = Name<Kind>(text) else { preconditionFailure("'\(text)' is no name") }
        return name
    }

    package static let first: PathName = name("first")
    package static let second: PathName = name("second")
    private static let network: NetworkName = name("site")

    private var core = HealthCore()
    private var channels: [PathName: Channel]
    private var clock = Instant(nanoseconds: 0)
    private var flights: [(at: Instant, probe: Probe)] = []
    private var news: [(at: Instant, evidence: Evidence)] = []
    /// What the first path suffers.
    package var fault: Fault?
    /// When the traffic moved, and to which path.
    package private(set) var moves: [(at: Double, to: PathName?)] = []
    /// When the first path's verdict changed, and what for.
    package private(set) var verdicts: [(at: Double, verdict: Verdict, reasons: [Reason])] = []

    package var time: Double { Double(clock.nanoseconds) / 1e6 }

    package init(_ kind: SimulatedPath, _ promise: DetectionPromise, hold: Duration = .seconds(60), seed: UInt64) {
        channels = [Self.first: Channel(kind, seed: seed), Self.second: Channel(kind, seed: seed &+ 1)]
        let policy = NetworkPolicy(
            network: Self.network,
            paths: [Self.first, Self.second],
            targets: [.icmp(.v4(IPv4Address(bits: 0x0a14_0004)))],
            need: .any,
            promise: promise,
            failback: .automatic(after: hold),
            whenDown: .block
        )
        take(core.apply([policy], at: clock))
        for path in policy.paths { take(core.handle(.condition(path, .ready), at: clock)) }
    }

    /// Has something shown to the core at a time to come.
    package mutating func announce(_ status: BFDStatus, at time: Double) {
        news.append((Instant(nanoseconds: Int64(time * 1e6)), .session(Self.first, status)))
        news.sort { $0.at < $1.at }
    }

    /// Forgets what happened so far.
    package mutating func clearHistory() {
        (moves, verdicts) = ([], [])
    }

    /// Lets time pass up to this.
    package mutating func run(until end: Double) {
        let end = Instant(nanoseconds: Int64(end * 1e6))
        while let next = [core.nextDeadline, flights.first?.at, news.first?.at].compactMap({ $0 }).min(), next <= end {
            clock = max(clock, next)
            if let piece = news.first, piece.at <= clock {
                news.removeFirst()
                take(core.handle(piece.evidence, at: clock))
            } else if let flight = flights.first, flight.at <= clock {
                flights.removeFirst()
                take(core.handle(.answer(flight.probe), at: clock))
            } else {
                take(core.advance(to: clock))
            }
        }
        clock = end
    }

    private mutating func take(_ actions: [Action]) {
        for action in actions {
            switch action {
            case .send(let probe): send(probe)
            case .judged(_, Self.first, _, let verdict, let reasons): verdicts.append((time, verdict, reasons))
            case .judged: break
            case .decided(let decision, let before):
                if decision.outcome.path != before.outcome.path { moves.append((time, decision.outcome.path)) }
            }
        }
    }

    private mutating func send(_ probe: Probe) {
        let path = probe.subject.path
        let now = time
        guard let trip = channels[path]?.roundTrip(at: now) else { return }
        if path == Self.first, let fault, fault.takes(now, now + trip) { return }
        let arrival = Instant(nanoseconds: clock.nanoseconds + Int64(trip * 1e6))
        let place = flights.lastIndex { $0.at <= arrival }.map { $0 + 1 } ?? 0
        flights.insert((arrival, probe), at: place)
    }
}
