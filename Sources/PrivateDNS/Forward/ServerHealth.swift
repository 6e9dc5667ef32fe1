// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO

/// How servers have answered lately, by the way they were asked: whom to ask first, and how long to wait for one alone.
///
/// Nobody is ever given up: a server that is silent is asked last for a while, and first again when that is over, beside
/// one that answers. A wrong opinion of it costs a second question, not an answer.
struct ServerHealth {
    /// A server, and the interface that it is asked through.
    struct Key: Hashable {
        let server: SocketEndpoint
        let interface: InterfaceName?
    }

    private struct State {
        /// The last round trips in microseconds, a ring.
        var roundTrips: [20 of UInt32] = .init(repeating: 0)
        var samples = 0
        var failuresInARow = 0
        var restsUntil: Instant?

        /// All but one of the last twenty took no longer.
        var percentile95: Duration? {
            guard samples > 0 else { return nil }
            let count = min(samples, roundTrips.count)
            var (longest, second): (UInt32, UInt32) = (0, 0)
            for index in 0..<count {
                let time = roundTrips[index]
                if time > longest { (longest, second) = (time, longest) } else { second = max(second, time) }
            }
            return .microseconds(Int64(count < roundTrips.count ? longest : second))
        }

        mutating func answered(after time: Duration) {
            roundTrips[samples % roundTrips.count] = UInt32(clamping: time.nanoseconds / 1_000)
            samples += 1
            failuresInARow = 0
            restsUntil = nil
        }
    }

    /// How long one server is waited for alone, at the least, while nobody else has been asked.
    static let shortestHedge = Duration.milliseconds(50)
    /// How long a server that was silent is asked last: this, doubled with each time in a row.
    private static let shortestRest = Duration.seconds(1)
    private static let longestRest = Duration.seconds(30)
    /// More than a site has; the file names each of them.
    private static let limit = 1024

    private var states: [Key: State] = [:]

    /// Takes that a server has answered, whatever it said.
    mutating func answered(_ key: Key, after time: Duration) {
        guard states[key] != nil || states.count < Self.limit else { return }
        states[key, default: State()].answered(after: time)
    }

    /// Takes that a server was asked in vain.
    mutating func failed(_ key: Key, now: Instant) {
        guard states[key] != nil || states.count < Self.limit else { return }
        var state = states[key] ?? State()
        // What was asked while it rests says nothing new.
        if let end = state.restsUntil, end > now { return }
        state.failuresInARow = min(state.failuresInARow + 1, 16)
        let rest = min(Self.shortestRest * (1 << (state.failuresInARow - 1)), Self.longestRest)
        state.restsUntil = now + rest
        states[key] = state
    }

    /// How long to wait for a server before another one is asked as well.
    func hedge(_ key: Key) -> Duration {
        max(states[key]?.percentile95 ?? Self.shortestHedge, Self.shortestHedge)
    }

    /// The servers by number, in the order in which they are to be asked: the file's, those that rest behind the others.
    func order(of servers: [SocketEndpoint], through interface: InterfaceName?, now: Instant) -> [Int] {
        let resting = servers.indices.filter { number in
            let state = states[Key(server: servers[number], interface: interface)]
            return state?.restsUntil.map { $0 > now } ?? false
        }
        return servers.indices.filter { !resting.contains($0) } + resting
    }

    /// All who are asked, by each way.
    static func keys(_ routes: some Sequence<ForwardRoute>) -> Set<Key> {
        var keys: Set<Key> = []
        for route in routes {
            for way in route.ways {
                for server in route.servers { keys.insert(Key(server: server, interface: way?.interface)) }
            }
        }
        return keys
    }

    /// Forgets what was learned of servers that nobody asks any more.
    mutating func keep(_ wanted: Set<Key>) {
        states = states.filter { wanted.contains($0.key) }
    }
}
