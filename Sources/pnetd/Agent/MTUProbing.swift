// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import SystemIO

/// Measures how large packets get through each path, and tells where that changes.
final class MTUProbing {
    /// What a path offers to measure with.
    struct Way: Equatable {
        /// The interface's number: one that was made anew is measured anew.
        var link: Int32
        /// Octets of the largest packet that the interface takes.
        var largest: Int
        var isMetered: Bool
    }

    private struct Measured {
        let way: Way
        var search: MTUSearch
        /// What was told of it.
        var told: Int?
    }

    private let loop: EventLoop
    private let targets: (PathName) -> [IPAddress]
    private let send: (PathName, IPAddress, _ octets: Int) -> Void
    private let onChange: (PathName) -> Void
    private var measured: [PathName: Measured] = [:]
    private var timer: EventLoop.TimerID?

    /// - Parameters:
    ///   - targets: who answers echoes through a path just now. They are asked in turns: one that drops large echoes says
    ///     nothing of the path.
    ///   - send: asks whether a packet of so many octets gets through.
    ///   - onChange: called where ``carried(by:)`` changed: at once where less gets through, else at the end of a search.
    init(
        on loop: EventLoop,
        targets: @escaping (PathName) -> [IPAddress],
        send: @escaping (PathName, IPAddress, Int) -> Void,
        onChange: @escaping (PathName) -> Void
    ) {
        self.loop = loop
        self.targets = targets
        self.send = send
        self.onChange = onChange
    }

    /// Octets of the largest packet that gets through a path, where its interface takes larger ones; nil: all that it
    /// takes, as far as is known.
    func carried(by path: PathName) -> Int? {
        measured[path].flatMap { $0.search.isNarrow ? $0.search.carried : nil }
    }

    /// Measures these paths.
    /// - Parameter known: what an earlier run found.
    func follow(_ ways: [PathName: Way], known: [PathName: Int]) {
        measured = measured.filter { ways[$0.key] != nil }
        for (path, way) in ways where measured[path]?.way != way {
            let search = MTUSearch(
                largest: way.largest,
                known: carried(by: path) ?? known[path],
                isMetered: way.isMetered,
                now: loop.now
            )
            measured[path] = Measured(way: way, search: search, told: known[path])
            tell(path)
        }
        setTimer()
    }

    /// Takes the answer to a packet of so many octets.
    func answered(_ path: PathName, octets: Int) {
        measured[path]?.search.answered(octets, at: loop.now)
        advance()
    }

    private func advance() {
        for path in measured.keys.sorted() {
            let targets = targets(path)
            if targets.isEmpty, let next = measured[path]?.search.nextDeadline, next <= loop.now {
                measured[path]?.search.pause(at: loop.now)
            } else if !targets.isEmpty, let octets = measured[path]?.search.advance(to: loop.now) {
                let attempt = measured[path]?.search.attempt ?? 0
                send(path, targets[attempt % targets.count], octets)
            }
            tell(path)
        }
        setTimer()
    }

    private func tell(_ path: PathName) {
        let carried = carried(by: path)
        guard let known = measured[path], known.told != carried else { return }
        if known.search.isSearching, known.told != nil { return }
        measured[path]?.told = carried
        onChange(path)
    }

    private func setTimer() {
        if let timer { loop.cancel(timer) }
        timer = measured.values.map(\.search.nextDeadline).min().map { next in
            loop.schedule(at: next) { [weak self] in self?.advance() }
        }
    }
}
