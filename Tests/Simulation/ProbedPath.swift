// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
package import PathHealth

/// pnetd's own watching: the probing of one target, given all evidence that it would get, with all that it learns.
package struct ProbedPath: Watcher {
    package private(set) var liveness: TargetLiveness
    /// How many probes were sent.
    package private(set) var probes = 0
    private var clock = Instant(nanoseconds: 0) {
        didSet { time = Double(clock.nanoseconds) / 1e6 }
    }
    /// Stored, as a getter of another module is called with a copy of all this.
    package private(set) var time = 0.0
    /// The answers under way, the next to come first.
    private var flights: [(at: Instant, sequence: UInt16)] = []
    package private(set) var isDown = false

    package init(_ promise: DetectionPromise, _ limits: QualityLimits = QualityLimits()) {
        liveness = TargetLiveness(promise, limits, keepsStep: true, now: clock)
    }

    /// When the next thing happens, where nothing is cut.
    package var nextTime: Double {
        Double(max(clock, min(liveness.nextDeadline, flights.first?.at ?? liveness.nextDeadline)).nanoseconds) / 1e6
    }

    package mutating func step(_ channel: inout Channel, isCut: Bool) -> Bool {
        if isCut { flights.removeAll(keepingCapacity: true) }
        let deadline = liveness.nextDeadline
        if let first = flights.first, first.at <= deadline {
            clock = max(clock, first.at)
            if flights.count == 1 { flights.removeLast() } else { flights.removeFirst() }
            _ = liveness.answered(first.sequence, at: clock)
        } else {
            clock = max(clock, deadline)
        }
        if let sequence = liveness.advance(to: clock) {
            probes += 1
            if !isCut, let trip = channel.roundTrip(at: time) {
                let arrival = Instant(nanoseconds: clock.nanoseconds + Int64(trip * 1e6))
                var place = flights.count
                while place > 0, flights[place - 1].at > arrival { place -= 1 }
                if place == flights.count {
                    flights.append((arrival, sequence))
                } else {
                    flights.insert((arrival, sequence), at: place)
                }
            }
        }
        let wasDown = isDown
        isDown = if case .silent = liveness.state { true } else { false }
        return isDown && !wasDown
    }
}
