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
    }

    private let loop: EventLoop
    private let target: (PathName) -> IPAddress?
    private let send: (PathName, IPAddress, _ octets: Int) -> Void
    private let onChange: (PathName) -> Void
    private var measured: [PathName: Measured] = [:]
    private var timer: EventLoop.TimerID?

    /// - Parameters:
    ///   - target: who answers echoes through a path just now.
    ///   - send: asks whether a packet of so many octets gets through.
    ///   - onChange: called where ``carried(by:)`` changed.
    init(
        on loop: EventLoop,
        target: @escaping (PathName) -> IPAddress?,
        send: @escaping (PathName, IPAddress, Int) -> Void,
        onChange: @escaping (PathName) -> Void
    ) {
        self.loop = loop
        self.target = target
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
            measured[path] = Measured(way: way, search: search)
        }
        setTimer()
    }

    /// Takes the answer to a packet of so many octets.
    func answered(_ path: PathName, octets: Int) {
        change(path) { $0.answered(octets, at: loop.now) }
        advance()
    }

    private func advance() {
        for path in measured.keys.sorted() {
            guard let target = target(path) else {
                if let search = measured[path]?.search, search.nextDeadline <= loop.now {
                    change(path) { $0.pause(at: loop.now) }
                }
                continue
            }
            var octets: Int?
            change(path) { octets = $0.advance(to: loop.now) }
            if let octets { send(path, target, octets) }
        }
        setTimer()
    }

    private func change(_ path: PathName, _ work: (inout MTUSearch) -> Void) {
        guard var search = measured[path]?.search else { return }
        let before = carried(by: path)
        work(&search)
        measured[path]?.search = search
        if carried(by: path) != before { onChange(path) }
    }

    private func setTimer() {
        if let timer { loop.cancel(timer) }
        timer = measured.values.map(\.search.nextDeadline).min().map { next in
            loop.schedule(at: next) { [weak self] in self?.advance() }
        }
    }
}
