// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PrivateDNS
import ProcessLink
import SystemIO

/// Tells the agent of the addresses that the workers' answers wait for, and the workers of its word.
///
/// What the workers want told in the meantime goes together, so that the agent gets fewer messages and octets than it
/// takes from a resolver before it cuts it off: 40 messages a second, and 1,000 times that an address is in a set, each of
/// which has 120 octets at most.
final class NameSetTeller {
    /// A worker's telling, and where its addresses are in the message.
    private struct Sent {
        let telling: WorkerTelling
        let places: Range<Int>
    }

    private let loop: EventLoop
    private let send: (MessageToAgent) -> Void
    private var waiting: [WorkerTelling] = []
    private var sent: [UInt64: [Sent]] = [:]
    private var lastRequest: UInt64 = 0
    private var nextMessage: Instant
    private var timer: EventLoop.TimerID?

    /// Tellings that wait for their turn; the oldest have lost their answers by then.
    private static let waitingLimit = 1024
    /// Messages that the agent has not answered.
    private static let sentLimit = 64
    private static let messageInterval = Duration.milliseconds(25)
    private static let placeInterval = Duration.milliseconds(1)

    /// - Parameter send: sends a message to the agent.
    init(on loop: EventLoop, send: @escaping (MessageToAgent) -> Void) {
        self.loop = loop
        self.send = send
        nextMessage = loop.now
    }

    /// Tells of these as soon as may be; what there is no room for is not held.
    func tell(_ tellings: [WorkerTelling]) {
        for telling in tellings {
            guard waiting.count < Self.waitingLimit, sent.count < Self.sentLimit else {
                telling.answer(isHeld: false)
                continue
            }
            waiting.append(telling)
        }
        sendNext()
    }

    private func sendNext() {
        guard timer == nil, !waiting.isEmpty else { return }
        guard nextMessage <= loop.now else {
            timer = loop.schedule(at: nextMessage) { [weak self] in
                self?.timer = nil
                self?.sendNext()
            }
            return
        }
        var addresses: [NameSetAddress] = []
        var parts: [Sent] = []
        // One telling goes whole, however many sets its addresses are in.
        var places = 0
        for telling in waiting {
            let end = addresses.count + telling.addresses.count
            guard end <= NameSetAddress.limit, places < NameSetAddress.limit else { break }
            places += telling.addresses.reduce(0) { $0 + $1.sets.count }
            parts.append(Sent(telling: telling, places: addresses.count..<end))
            addresses += telling.addresses.map {
                NameSetAddress(sets: $0.sets, address: $0.address, lifetime: $0.lifetime)
            }
        }
        waiting.removeFirst(parts.count)
        lastRequest += 1
        sent[lastRequest] = parts
        nextMessage = loop.now + max(Self.messageInterval, Self.placeInterval * places)
        send(.learned(request: lastRequest, addresses))
        sendNext()
    }

    /// Takes the agent's word: all that it was told of is held, but what stands at these places.
    func heard(_ request: UInt64, except refused: Set<Int>) {
        for part in sent.removeValue(forKey: request) ?? [] {
            part.telling.answer(isHeld: !part.places.contains(where: refused.contains))
        }
    }

    /// There is nobody to tell any more: no answer waits for it.
    func agentIsGone() {
        for part in sent.keys.sorted().flatMap({ sent[$0] ?? [] }) { part.telling.answer(isHeld: false) }
        for telling in waiting { telling.answer(isHeld: false) }
        (sent, waiting) = ([:], [])
    }
}
