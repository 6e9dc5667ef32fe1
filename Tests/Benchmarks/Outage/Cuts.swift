// SPDX-License-Identifier: Apache-2.0

import Lab
import NetworkTypes
import SystemIO

/// What one fault, over and over, cost the traffic of one contender, by direction.
struct Cuts {
    /// How long nothing came through.
    private(set) var gaps: [Stream.Direction: [Duration]] = [.outward: [], .inward: []]
    /// How long after the fault traffic came by the second tunnel; what did not move in time is left out.
    private(set) var moves: [Stream.Direction: [Duration]] = [.outward: [], .inward: []]
    /// The fewest packets that a stream sent in a second.
    private(set) var rate = Int.max
    private(set) var rounds = 0

    private static let patience = Duration.seconds(90)
    /// Shorter outages are a path's losses, which pnetd learns to ride through: these are to be cuts.
    static let least = Duration.milliseconds(3_300)

    /// Strikes a lab of its own, which is gone afterwards whatever happens.
    init<Subject: Contender>(_ fault: Fault, rounds: Int, on contender: Subject.Type) throws {
        let lab = try Lab(label: "outage", farEnd: Subject.farEnd)
        defer { lab.tearDown() }
        let subject = try Subject(lab, fault.options)
        try subject.start()
        for _ in 0..<rounds { try strike(fault, lab, subject) }
    }

    private mutating func strike(_ fault: Fault, _ lab: Lab, _ subject: some Contender) throws {
        try waitUntil("all is as before the fault", within: .seconds(60)) { try subject.isReady() }
        var struck = SystemClock().now
        let streams = try Stream.bothWays(lab) {
            // Probes and BFD packets have their own pace: the fault comes at any moment of it.
            pause(.milliseconds(Int.random(in: 0...500)))
            struck = SystemClock().now
            try fault.strike(lab, subject)
            try wait(lab)
        }
        try fault.heal(lab, subject)
        for (direction, stream) in [(Stream.Direction.outward, streams.outward), (.inward, streams.inward)] {
            gaps[direction]?.append(stream.longestGap)
            if let moved = stream.first(by: .b, from: struck) { moves[direction]?.append(moved - struck) }
            rate = min(rate, stream.rate)
        }
        rounds += 1
    }

    /// Until both directions moved. Looking often would take time from those who are to move.
    private func wait(_ lab: Lab) throws {
        let start = SystemClock().now
        pause(Self.least)
        while try SystemClock().now - start < Self.patience && !lab.isOn(.b) { pause(.milliseconds(200)) }
        pause(.milliseconds(200))
    }

    /// What counts of a fault: the outage, or the time to move where the path carries on.
    func counted(_ fault: Fault, _ direction: Stream.Direction) -> [Duration] {
        (fault.isWorseOnly ? moves : gaps)[direction, default: []].sorted()
    }
}

extension Fault {
    /// Whether packets of a direction are lost, or late, by it.
    func concerns(_ direction: Stream.Direction) -> Bool {
        switch self {
        case .inward: direction == .inward
        case .outward: direction == .outward
        default: true
        }
    }
}

extension [Duration] {
    /// The one that so many of a hundred do not exceed; they are sorted.
    func percentile(_ share: Int) -> Duration? {
        isEmpty ? nil : self[Swift.max((count * share + 99) / 100, 1) - 1]
    }

    /// In the words of a RESULT line, in milliseconds.
    func distribution(_ what: String) -> String {
        [("min", 0), ("median", 50), ("p90", 90), ("max", 100)].map { name, share in
            " \(what)-\(name)-ms=\(percentile(share)?.milliseconds ?? "none")"
        }.joined()
    }
}

extension Duration {
    var milliseconds: String { "\(nanoseconds / 1_000_000)" }
}
