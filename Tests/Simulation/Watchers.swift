// SPDX-License-Identifier: Apache-2.0

/// Somebody who watches a path, as the simulation drives it: in milliseconds of the path's life.
package protocol Watcher {
    /// Takes the watched path on to the next thing that happens; true where it is given up then, rightly or not.
    ///
    /// - Parameter isCut: nothing gets through from now on, whatever the channel says.
    mutating func step(_ channel: inout Channel, isCut: Bool) -> Bool
    /// Where the path's life stands.
    var time: Double { get }
    /// Whether it is given up now.
    var isDown: Bool { get }
}

/// BFD's asynchronous mode: a packet each interval, less up to a quarter (RFC 5880 section 6.8.7), and three missed. It
/// is up again with the first packet, which flatters it: a real session takes a second or more.
package struct FixedCount: Watcher {
    private let interval: Double
    private var dice = Dice(seed: 1)
    package private(set) var time = 0.0
    private var heard = 0.0
    package var isDown: Bool { false }

    package init(interval: Double) { self.interval = interval }

    package mutating func step(_ channel: inout Channel, isCut: Bool) -> Bool {
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
package struct Window: Watcher {
    package private(set) var time = 0.0
    private var losses: [Bool] = Array(repeating: false, count: 120)
    private var place = 0
    private var count = 0
    package private(set) var isDown = false

    package init() {}

    package mutating func step(_ channel: inout Channel, isCut: Bool) -> Bool {
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
package struct Counter: Watcher {
    package private(set) var time = 0.0
    private var missed = 0
    package var isDown: Bool { missed >= 5 }

    package init() {}

    package mutating func step(_ channel: inout Channel, isCut: Bool) -> Bool {
        let isLost = isCut || channel.loses(at: time)
        time += isLost ? 14_000 : 10_000
        missed = isLost ? missed + 1 : 0
        return missed == 5
    }
}
