// SPDX-License-Identifier: Apache-2.0

import ProcessLink

/// What became of one attempt to deliver an alert.
enum DeliveryOutcome: Hashable, Sendable {
    case arrived
    /// It did not, or nobody can know; the text holds no secret.
    case failed(String)
}

/// Which alerts are on their way and which have arrived, so that none goes out twice when the agent offers it again.
///
/// The agent may have died before it read that an alert arrived; the next one offers it again and is told at once.
struct DeliveryLedger {
    /// What to do with an alert that the agent offers.
    enum Action: Equatable {
        /// Deliver it.
        case start
        /// It is on its way already; its end will be said.
        case wait
        /// It arrived long ago: say so again.
        case confirm
        /// Say that it cannot be delivered now.
        case refuse(String)
    }

    /// The most deliveries at a time; the agent offers one a receiver.
    static let onItsWayLimit = 64
    /// How many that arrived are remembered: many more than can be offered again.
    static let memory = 256

    private var onItsWay: [String: AlertDelivery] = [:]
    /// The newest last. Whole alerts, not just their names: an agent that lost its state counts from the start again.
    private var arrived: [AlertDelivery] = []

    /// Whether an attempt has yet to end.
    var isAnythingOnItsWay: Bool { !onItsWay.isEmpty }

    /// Says what to do with an alert that the agent offers.
    mutating func offered(_ delivery: AlertDelivery) -> Action {
        if let other = onItsWay[delivery.id] {
            return other == delivery ? .wait : .refuse("another alert of that name is on its way")
        }
        if arrived.contains(delivery) { return .confirm }
        guard onItsWay.count < Self.onItsWayLimit else { return .refuse("too many deliveries at a time") }
        onItsWay[delivery.id] = delivery
        return .start
    }

    /// Notes the end of an attempt; returns what the agent is to be told.
    mutating func ended(_ delivery: AlertDelivery, _ outcome: DeliveryOutcome) -> MessageToAgent {
        onItsWay[delivery.id] = nil
        switch outcome {
        case .arrived:
            arrived.append(delivery)
            if arrived.count > Self.memory { arrived.removeFirst() }
            return .delivered(alert: delivery.id)
        case .failed(let reason):
            return .undelivered(alert: delivery.id, reason: reason)
        }
    }
}
