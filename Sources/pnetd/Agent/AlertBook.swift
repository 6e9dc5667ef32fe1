// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import NetworkTypes
import ProcessLink

/// The alerts that have yet to reach their receivers, in order, each exactly once as far as we can know.
struct AlertBook: Codable, Equatable {
    struct Entry: Codable, Equatable {
        var delivery: AlertDelivery
        var attempts = 0
    }

    /// The most alerts that wait; beyond it the oldest is lost, and counted.
    static let limit = 1_000

    /// Waiting, the oldest first.
    private(set) var waiting: [Entry] = []
    /// The number of the next alert.
    private var next: UInt64 = 1
    /// Alerts that went unsaid because too many waited.
    private(set) var lost: UInt64 = 0

    /// The state of each network, by its name, that was news last; one that is missing was up. Optional, so that what an
    /// earlier version saved is read.
    private var told: [String: StatusReport.NetworkState]?

    /// Takes note of a network's state. Returns what the receivers take it to be where that is another: this is news.
    ///
    /// What counts is what they were told and not what this run has seen: a new run of the agent begins with networks
    /// that are starting, and neither may it tell again that one is blocked, nor keep to itself that it is up again.
    mutating func news(
        of network: NetworkName,
        from: StatusReport.NetworkState,
        to: StatusReport.NetworkState
    ) -> StatusReport.NetworkState? {
        let known = told?[network.text]
        guard to != .starting, to != known ?? .up else { return nil }
        told = (told ?? [:]).merging([network.text: to]) { $1 }
        return known ?? from
    }

    /// Whether a network was degraded as far as the receivers know.
    func wasDegraded(_ network: NetworkName) -> Bool { told?[network.text] == .degraded }

    /// Writes an alert down for every receiver.
    mutating func add(_ body: (_ id: String) -> String, to receivers: [AlertDelivery.Receiver], site: SiteName) {
        let id = "\(site)-\(next)"
        next += 1
        for (index, receiver) in receivers.enumerated() {
            waiting.append(Entry(delivery: AlertDelivery(id: "\(id)-\(index)", receiver: receiver, body: body(id))))
        }
        while waiting.count > Self.limit {
            waiting.removeFirst()
            lost += 1
        }
    }

    /// The first alert of each receiver: an alert is offered only when those before it have arrived.
    var due: [Entry] {
        var seen: Set<AlertDelivery.Receiver> = []
        return waiting.filter { seen.insert($0.delivery.receiver).inserted }
    }

    /// Strikes an alert off; false where it is not waiting.
    mutating func delivered(_ id: String) -> Bool {
        let count = waiting.count
        waiting.removeAll { $0.delivery.id == id }
        return waiting.count < count
    }

    /// Counts an attempt; returns how long to wait before the next, doubling from one second to a minute.
    mutating func failed(_ id: String) -> Duration? {
        guard let index = waiting.firstIndex(where: { $0.delivery.id == id }) else { return nil }
        waiting[index].attempts += 1
        return min(.seconds(1 << min(waiting[index].attempts - 1, 6)), .seconds(60))
    }

    /// Forgets what waits for receivers that the file no longer names.
    mutating func keep(_ receivers: [AlertDelivery.Receiver]) {
        waiting.removeAll { !receivers.contains($0.delivery.receiver) }
    }
}
