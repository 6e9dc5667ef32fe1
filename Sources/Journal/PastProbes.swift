// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth

/// How the probes of a run fared, to say how others would have fared that were never sent.
struct PastProbes: Sendable {
    /// Who was asked, and through which path; on whose behalf, and at what pace, makes no difference.
    private struct Way: Hashable {
        let path: PathName
        let target: Target

        init(_ subject: ProbeSubject) {
            path = subject.path
            target =
                switch subject.target {
                case .tls(let endpoint, let name, _): .tls(endpoint, name: name, every: .zero)
                case .https(let endpoint, let name, let path, _): .https(endpoint, name: name, path: path, every: .zero)
                case .icmp, .tcp, .dns: subject.target
                }
        }
    }

    /// What became of a probe.
    enum Fate: Hashable, Sendable {
        /// Told of it after so long.
        case told(Telling, after: Duration)
        case lost
        /// Nothing like it was sent about that time.
        case unknown
    }

    /// What was told of a probe.
    enum Telling: Hashable, Sendable {
        case answer
        case failure(TargetFailure)

        func evidence(of probe: Probe) -> Evidence {
            switch self {
            case .answer: .answer(probe)
            case .failure(let failure): .failure(probe, failure)
            }
        }
    }

    private struct Sent {
        let at: Instant
        var end: (telling: Telling, after: Duration)?
    }

    private var sent: [Way: [Sent]] = [:]
    private var open: [Probe: Int] = [:]

    mutating func sent(_ probe: Probe, at now: Instant) {
        let way = Way(probe.subject)
        sent[way, default: []].append(Sent(at: now))
        open[probe] = sent[way, default: []].count - 1
    }

    mutating func ended(_ probe: Probe, _ telling: Telling, at now: Instant) {
        let way = Way(probe.subject)
        guard let place = open.removeValue(forKey: probe), let begin = sent[way]?[place].at else { return }
        sent[way]?[place].end = (telling, now - begin)
    }

    /// As the nearest one fared; or, however far they are, as those before and after did that fared alike.
    func fate(of subject: ProbeSubject, at time: Instant) -> Fate {
        guard let probes = sent[Way(subject)], !probes.isEmpty else { return .unknown }
        let after = probes.partitioningIndex { $0.at >= time }
        let near = [after - 1, after].filter(probes.indices.contains).map { probes[$0] }
        guard let nearest = near.min(by: { abs($0.at - time) < abs($1.at - time) }) else { return .unknown }
        let isBetweenTwins = near.count == 2 && near[0].end?.telling == near[1].end?.telling
        guard isBetweenTwins || abs(nearest.at - time) <= subject.target.reach else { return .unknown }
        return nearest.end.map { .told($0.telling, after: $0.after) } ?? .lost
    }
}

extension Target {
    /// How far, in time, a probe that was sent may be from one that was not and speak for it.
    fileprivate var reach: Duration { pace ?? .seconds(5) }
}

private func abs(_ time: Duration) -> Duration { time < .zero ? .zero - time : time }

extension Array {
    /// The first place from which on a condition holds, where it holds for none before (binary search).
    fileprivate func partitioningIndex(where holds: (Element) -> Bool) -> Int {
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = (low + high) / 2
            if holds(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
