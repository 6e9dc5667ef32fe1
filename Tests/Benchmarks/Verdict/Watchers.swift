// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth

/// Somebody who watches a path, as the simulation drives it: in milliseconds of the path's life.
protocol Watcher {
    /// Takes the watched path on by one step; true where it is given up, rightly or not.
    ///
    /// - Parameter isCut: nothing gets through from now on, whatever the channel says.
    mutating func step(_ channel: inout Channel, isCut: Bool) -> Bool
    /// Where the path's life stands.
    var time: Double { get }
}

/// pnetd's own: the probing of one target, as it stands after half an hour on this channel. What is answered at the steady
/// pace is skipped over, every miss is played through.
struct Pnetd: Watcher {
    private let settled: TargetLiveness
    private let start: Instant
    private(set) var time = 0.0
    private static let roundTrip = 20.0

    var outlook: DetectionOutlook { settled.timers.outlook }

    init(_ promise: DetectionPromise, settlingOn channel: inout Channel) {
        var liveness = TargetLiveness(promise, QualityLimits(), now: Instant(nanoseconds: 0))
        var clock = 0.0
        var flight: [(at: Double, sequence: UInt16)] = []
        // To the first quiet moment after half an hour: all is answered, and the next steady question is due.
        while clock < 1_800_000 || !liveness.isQuiet {
            clock = max(clock, Self.next(liveness, flight))
            Self.turn(&liveness, &flight, clock) { channel.loses(at: $0) }
        }
        time = clock
        settled = liveness
        start = liveness.nextDeadline
    }

    mutating func step(_ channel: inout Channel, isCut: Bool) -> Bool {
        let interval = Double(settled.timers.interval.nanoseconds) / 1e6
        time += interval
        guard isCut || channel.loses(at: time) else { return false }
        var liveness = settled
        let origin = Double(start.nanoseconds) / 1e6
        var clock = origin
        var flight: [(at: Double, sequence: UInt16)] = []
        var isFirst = true
        while true {
            Self.turn(&liveness, &flight, clock) { now in
                defer { isFirst = false }
                return isFirst || isCut || channel.loses(at: time + now - origin)
            }
            if case .silent = liveness.state {
                time += clock - origin
                return true
            }
            if clock > origin, liveness.isQuiet {
                time += clock - origin
                return false
            }
            clock = max(clock, Self.next(liveness, flight))
        }
    }

    private static func next(_ liveness: TargetLiveness, _ flight: [(at: Double, sequence: UInt16)]) -> Double {
        min(Double(liveness.nextDeadline.nanoseconds) / 1e6, flight.first?.at ?? .infinity)
    }

    private static func turn(
        _ liveness: inout TargetLiveness,
        _ flight: inout [(at: Double, sequence: UInt16)],
        _ clock: Double,
        _ loses: (Double) -> Bool
    ) {
        let now = Instant(nanoseconds: Int64(clock * 1e6 + 0.5))
        while let first = flight.first, first.at <= clock {
            flight.removeFirst()
            _ = liveness.answered(first.sequence, at: now)
        }
        for sequence in liveness.advance(to: now) where !loses(clock) {
            flight.append((clock + roundTrip, sequence))
        }
    }
}

/// BFD's asynchronous mode: a packet each interval, less up to a quarter (RFC 5880 section 6.8.7), and three missed.
struct FixedCount: Watcher {
    let interval: Double
    var dice = Dice(state: 1)
    private(set) var time = 0.0
    private var heard = 0.0

    init(interval: Double) { self.interval = interval }

    mutating func step(_ channel: inout Channel, isCut: Bool) -> Bool {
        let next = time + interval * (0.75 + 0.25 * dice.roll())
        if next - heard > 3 * interval {
            time = heard + 3 * interval
            heard = next
            return true
        }
        time = next
        if !isCut, !channel.loses(at: time) { heard = time }
        return false
    }
}

/// dpinger as pfSense has it: a probe each half second, and a fifth of those of a minute lost.
struct Window: Watcher {
    private(set) var time = 0.0
    private var losses: [Bool] = Array(repeating: false, count: 120)
    private var place = 0
    private var count = 0
    private var isDown = false

    mutating func step(_ channel: inout Channel, isCut: Bool) -> Bool {
        time += 500
        let isLost = isCut || channel.loses(at: time)
        count += (isLost ? 1 : 0) - (losses[place] ? 1 : 0)
        losses[place] = isLost
        place = (place + 1) % losses.count
        let wasDown = isDown
        isDown = count >= losses.count / 5
        return isDown && !wasDown
    }
}

/// mwan3 as OpenWrt has it: a ping each ten seconds with four to wait, and five missed in a row.
struct Counter: Watcher {
    private(set) var time = 0.0
    private var missed = 0

    mutating func step(_ channel: inout Channel, isCut: Bool) -> Bool {
        let isLost = isCut || channel.loses(at: time)
        time += isLost ? 14_000 : 10_000
        missed = isLost ? missed + 1 : 0
        return missed == 5
    }
}
