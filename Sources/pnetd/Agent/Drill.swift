// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import NetworkTypes
import SystemIO

/// A network's traffic, or a part of it, led over each path that stands by and back, to see whether it carries.
struct Drill {
    enum Stage: Equatable {
        /// The target has to answer by the path that carries the network anyway.
        case before(until: Instant)
        /// The traffic goes by the path that is tried.
        case away(until: Instant)
        /// It is back; what is under way arrives.
        case back(until: Instant)
    }

    let network: NetworkName
    let origin: PathName
    let prefix: IPPrefix?
    let hold: Duration
    /// Whether somebody waits for the result, and ends it by leaving.
    let isByHand: Bool
    let stream: DrillStream
    /// The paths that are tried, with what is known of them.
    var legs: [DrillReport.Leg]
    /// The place of the one that is tried now.
    var leg = 0
    var stage: Stage
    var timer: EventLoop.TimerID?
    /// The numbers of the requests at the move there and at the move back.
    var moved = 0
    var returned = 0

    /// The path that is tried.
    var path: PathName { legs[leg].path }
    /// Whether the traffic goes there now.
    var isAway: Bool { if case .away = stage { true } else { false } }

    static let interval = Duration.milliseconds(50)
    static let beforeTime = Duration.milliseconds(500)
    static let backTime = Duration.seconds(1)
    /// Requests of the last so long may still be answered.
    static let answerTime = 25
    /// The share of requests that may be lost where the file names no limit.
    static let usualLoss = 0.05
}
