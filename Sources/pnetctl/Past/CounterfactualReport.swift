// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import Journal
import NetworkTypes
import PathHealth
import SystemIO

/// What another file would have made of the past, as `pnetctl replay --config FILE --json` prints it.
///
/// `{"equal":false,"seconds":86400,"networks":[{"name":"azure","live":{"switches":4,"blockedSeconds":12.5},
/// "other":{"switches":1,"blockedSeconds":14}}],"decisions":[{"time":"2026-01-01T00:00:00.120Z","live":true,
/// "network":"azure","path":"vpn-b","state":"up","reasons":["…"]}],"unknown":[{"path":"vpn-a","target":"icmp 10.20.0.4",
/// "probes":12}],"notes":[]}`
struct CounterfactualReport: Hashable, Codable {
    /// What came of one of the two for a network.
    struct Account: Hashable, Codable {
        let switches: Int
        let blockedSeconds: Double
    }

    /// A network in both.
    struct Network: Hashable, Codable {
        let name: NetworkName
        let live: Account
        let other: Account
    }

    /// A decision of one of the two.
    struct Moment: Hashable, Codable {
        let time: String
        /// Whether it is of the run that was.
        let live: Bool
        let network: NetworkName
        @ExplicitNull var path: PathName?
        let state: StatusReport.NetworkState
        let reasons: [String]
    }

    /// Probes that were never sent, nor any like them.
    struct Unknown: Hashable, Codable {
        let path: PathName
        let target: String
        let probes: Int
    }

    /// Whether both decided the same, one after the other, whenever it was.
    let equal: Bool
    /// How long all of it took.
    let seconds: Double
    let networks: [Network]
    let decisions: [Moment]
    let unknown: [Unknown]
    let notes: [String]

    init(_ past: Counterfactual, notes: [String]) {
        // Only those that both have can be compared, and which path stood by makes no difference.
        let common = Set(past.events.filter(\.isLive).map(\.decision.network)).intersection(past.accounts.keys)
        func steps(isLive: Bool) -> [NetworkName: [String]] {
            past.events.filter { $0.isLive == isLive && common.contains($0.decision.network) }
                .reduce(into: [:]) { steps, event in
                    let carriers = event.decision.outcome.carriers
                    let place = carriers.isEmpty ? event.decision.state.rawValue : carriers.together
                    steps[event.decision.network, default: []].append(place)
                }
        }
        equal = steps(isLive: true) == steps(isLive: false)
        seconds = past.span.inSeconds
        networks = past.accounts.sorted { $0.key < $1.key }.map { name, accounts in
            Network(name: name, live: Account(accounts.live), other: Account(accounts.other))
        }
        decisions = past.events.map { event in
            Moment(
                time: Timestamp.text(wallNanoseconds: event.wallNanoseconds, toMilliseconds: true),
                live: event.isLive,
                network: event.decision.network,
                path: event.decision.outcome.path,
                state: event.decision.state,
                reasons: event.decision.reasons.map(\.description)
            )
        }
        unknown = past.unknown.map { Unknown(path: $0.key.path, target: "\($0.key.target)", probes: $0.value) }
            .sorted { ($0.path, $0.target) < ($1.path, $1.target) }
        self.notes = notes
    }

    var exitCode: Int32 { seconds == 0 ? 1 : equal ? 0 : 2 }
}

extension CounterfactualReport.Account {
    fileprivate init(_ account: Counterfactual.Account) {
        switches = account.switches
        blockedSeconds = account.blocked.inSeconds
    }
}
