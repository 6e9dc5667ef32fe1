// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO
import Tunnel

/// Echo requests that go as a network's own traffic does, fifty a second, and what became of each.
final class DrillStream {
    /// What became of some of them.
    struct Tally {
        var sent = 0
        var lost = 0
        /// The longest time without an answered request, by the times of sending.
        var longestGap = Duration.zero
        /// The interfaces that answers came in by.
        var links: Set<Int32> = []
    }

    private struct Request {
        let sent: Instant
        var link: Int32?
    }

    private static let interval = Duration.milliseconds(20)

    private let loop: EventLoop
    private var echoes: RoutedEchoes?
    private var requests: [Request] = []

    /// The number of the next request.
    var position: Int { requests.count }

    init(to target: IPAddress, from source: IPAddress?, on loop: EventLoop) throws(SystemError) {
        self.loop = loop
        echoes = try RoutedEchoes(to: target, from: source, on: loop) { [weak self] number, link in
            guard let self, requests.indices.contains(Int(number)) else { return }
            requests[Int(number)].link = link
        }
        send()
    }

    private func send() {
        let number = UInt32(truncatingIfNeeded: requests.count)
        requests.append(Request(sent: loop.now))
        // One that does not leave is lost as well.
        _ = echoes?.send(number)
        loop.schedule(after: Self.interval) { [weak self] in self?.send() }
    }

    /// What became of the requests with these numbers.
    func tally(_ numbers: Range<Int>) -> Tally {
        let requests = requests[numbers.clamped(to: requests.indices)]
        var tally = Tally(sent: requests.count)
        guard var last = requests.first?.sent else { return tally }
        for request in requests {
            if let link = request.link {
                tally.longestGap = max(tally.longestGap, request.sent - last)
                last = request.sent
                tally.links.insert(link)
            } else {
                tally.lost += 1
            }
        }
        if let end = requests.last?.sent { tally.longestGap = max(tally.longestGap, end - last) }
        return tally
    }
}
