// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO

/// Whose turn it is to negotiate. Each negotiation holds one of charon's threads, of which it has 16 for all it does, and
/// holds it to the end of its time also where nobody listens any more (strongswan#2776).
final class IKENegotiations {
    /// How many at a time.
    var limit = CharonVersion.leastNegotiationLimit

    private let loop: EventLoop
    private let patience: Duration
    private let connect: () throws(SystemError) -> FileDescriptor
    private var waiting: [IKENegotiation] = []
    private var running: [IKENegotiation] = []
    /// When charon is done with those that ended before it.
    private var leftBehind: [ObjectIdentifier: EventLoop.TimerID] = [:]
    private var turn: EventLoop.TimerID?

    init(on loop: EventLoop, patience: Duration, connect: @escaping () throws(SystemError) -> FileDescriptor) {
        self.loop = loop
        self.patience = patience
        self.connect = connect
    }

    deinit {
        for timer in leftBehind.values { loop.cancel(timer) }
        if let turn { loop.cancel(turn) }
    }

    func add(_ negotiation: IKENegotiation) {
        negotiation.prepare { [weak self] in self?.ended($0) }
        waiting.append(negotiation)
        advance()
    }

    func stop() {
        for negotiation in running + waiting { negotiation.fail() }
    }

    private func advance() {
        guard turn == nil else { return }
        turn = loop.schedule(at: loop.now) { [weak self] in
            self?.turn = nil
            self?.beginAll()
        }
    }

    private func beginAll() {
        while running.count + leftBehind.count < limit,
            let index = waiting.firstIndex(where: { candidate in
                !running.contains { $0.connection == candidate.connection }
            })
        {
            let next = waiting.remove(at: index)
            running.append(next)
            next.begin(on: loop, patience: patience, connect: connect)
        }
    }

    private func ended(_ negotiation: IKENegotiation) {
        waiting.removeAll { $0 === negotiation }
        running.removeAll { $0 === negotiation }
        if let end = negotiation.leftBehindUntil { leave(negotiation, until: end) }
        advance()
    }

    private func leave(_ negotiation: IKENegotiation, until end: Instant) {
        let id = ObjectIdentifier(negotiation)
        // It is kept until then, so that no other one gets its identity.
        leftBehind[id] = loop.schedule(at: end) { [weak self, negotiation] in
            self?.leftBehind[ObjectIdentifier(negotiation)] = nil
            self?.advance()
        }
    }
}

extension CharonVersion {
    static let leastNegotiationLimit = 1

    /// How many negotiations at a time this charon bears.
    ///
    /// Before 5.9.11 it may lock itself up where several commands that log (initiate and terminate with a timeout) begin and
    /// end at a time (strongswan#566).
    var negotiationLimit: Int {
        let parts = version.split(separator: ".", maxSplits: 2).map { part in Int(part.prefix { $0.isWholeNumber }) ?? 0
        }
        let isMended = !parts.lexicographicallyPrecedes([5, 9, 11])
        return isMended ? 4 : Self.leastNegotiationLimit
    }
}
