// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PrivateDNS
import ProcessLink
import SystemIO

/// Tells the agent of the addresses that the workers' answers wait for, and the workers of its word.
///
/// What the workers want told in the meantime goes together, so that the agent gets fewer messages and octets than it
/// takes from a resolver before it cuts it off. What is too much for one message goes in several, a few addresses of each
/// telling in turn: nobody waits for somebody else's long one.
final class NameSetTeller {
    /// A worker's telling on its way.
    private final class Passage {
        let telling: WorkerTelling
        /// How many of its addresses the agent was sent, and of how many it has spoken.
        var sent = 0
        var heard = 0
        /// The places of those that are not held.
        var refused: Set<Int> = []
        var isOver = false

        init(_ telling: WorkerTelling) { self.telling = telling }

        /// The entries of the address that is next.
        var nextEntries: Int { telling.addresses[sent].sets.count }
        var entriesLeft: Int { telling.addresses[sent...].reduce(0) { $0 + $1.sets.count } }
        var isSent: Bool { sent == telling.addresses.count }
    }

    /// Some addresses of a telling, from this one on, and where they are in the message.
    private struct Part {
        let passage: Passage
        let first: Int
        let places: Range<Int>
    }

    private let loop: EventLoop
    private let send: (MessageToAgent) -> Void
    /// The one whose turn is next first.
    private var waiting: [Passage] = []
    private var waitingEntries = 0
    private var sent: [UInt64: [Part]] = [:]
    private var lastRequest: UInt64 = 0
    private var nextMessage: Instant
    /// When all entries that were sent are over, at their pace.
    private var paced: Instant
    private var timer: EventLoop.TimerID?

    /// What the agent hears at most: so many messages a second, and entries, each of which is an address in one set.
    static let messagesPerSecond = 40
    static let entriesPerSecond = 1_000
    /// How far ahead of their pace entries may be: so many of them go at once.
    private static let burst = 500
    /// Entries of a telling before others have their turn.
    private static let turn = 8
    /// Tellings that wait for their turn, and their entries: ten seconds' worth, by when the oldest have lost their answers.
    private static let waitingLimit = 1024
    private static let waitingEntryLimit = 10_000
    /// Messages that the agent has not answered.
    private static let sentLimit = 64

    /// - Parameter send: sends a message to the agent.
    init(on loop: EventLoop, send: @escaping (MessageToAgent) -> Void) {
        self.loop = loop
        self.send = send
        (nextMessage, paced) = (loop.now, loop.now)
    }

    /// Tells of these as soon as may be; what there is no room for is not held.
    func tell(_ tellings: [WorkerTelling]) {
        for passage in tellings.map(Passage.init) {
            let entries = passage.entriesLeft
            guard waiting.count < Self.waitingLimit, waitingEntries + entries <= Self.waitingEntryLimit else {
                passage.telling.refuse()
                continue
            }
            waiting.append(passage)
            waitingEntries += entries
        }
        sendNext()
    }

    private func sendNext() {
        guard timer == nil, sent.count < Self.sentLimit, let first = waiting.first else { return }
        let beginning = max(nextMessage, moment(for: first.nextEntries))
        guard beginning <= loop.now else {
            timer = loop.schedule(at: beginning) { [weak self] in
                self?.timer = nil
                self?.sendNext()
            }
            return
        }
        var addresses: [NameSetAddress] = []
        var parts: [Part] = []
        while let passage = waiting.first, let part = takeTurn(passage, &addresses) {
            parts.append(part)
            waiting.removeFirst()
            if !passage.isSent { waiting.append(passage) }
        }
        lastRequest += 1
        sent[lastRequest] = parts
        nextMessage = loop.now + .seconds(1) / Self.messagesPerSecond
        send(.learned(request: lastRequest, addresses))
        sendNext()
    }

    /// When so many entries more may go.
    private func moment(for entries: Int) -> Instant { paced + Self.time(of: entries - Self.burst) }

    private static func time(of entries: Int) -> Duration { .seconds(1) * entries / entriesPerSecond }

    /// Puts some addresses of a telling into a message; nil where there is room for none, or it is too early.
    private func takeTurn(_ passage: Passage, _ addresses: inout [NameSetAddress]) -> Part? {
        let (first, beginning) = (passage.sent, addresses.count)
        var entries = 0
        while !passage.isSent, addresses.count < NameSetAddress.limit {
            let more = passage.nextEntries
            guard entries == 0 || entries + more <= Self.turn, moment(for: more) <= loop.now else { break }
            let next = passage.telling.addresses[passage.sent]
            addresses.append(NameSetAddress(sets: next.sets, address: next.address, lifetime: next.lifetime))
            passage.sent += 1
            entries += more
            paced = max(paced, loop.now) + Self.time(of: more)
        }
        waitingEntries -= entries
        guard passage.sent > first else { return nil }
        return Part(passage: passage, first: first, places: beginning..<addresses.count)
    }

    /// Takes the agent's word: all that it was told of is held, but what stands at these places.
    func heard(_ request: UInt64, except refused: Set<Int>) {
        for part in sent.removeValue(forKey: request) ?? [] {
            let passage = part.passage
            for place in part.places where refused.contains(place) {
                passage.refused.insert(part.first + place - part.places.lowerBound)
            }
            passage.heard += part.places.count
            guard passage.heard == passage.telling.addresses.count else { continue }
            passage.isOver = true
            passage.telling.answer(except: passage.refused)
        }
        sendNext()
    }

    /// There is nobody to tell any more: no answer waits for it.
    func agentIsGone() {
        let passages = sent.keys.sorted().flatMap { sent[$0] ?? [] }.map(\.passage) + waiting
        (sent, waiting, waitingEntries) = ([:], [], 0)
        for passage in passages where !passage.isOver {
            passage.isOver = true
            passage.telling.refuse()
        }
    }
}
