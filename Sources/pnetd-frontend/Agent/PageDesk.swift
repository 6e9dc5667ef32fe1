// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import ProcessLink
import SystemIO

/// What is known of the agent's page when somebody asks for it.
enum PageAnswer: Hashable, Sendable {
    case page(metrics: String, health: Health)
    /// There is none; the text says why.
    case none(String)
}

/// Gets pages from the agent for those who ask over HTTP.
///
/// The agent's thread also decides where traffic goes, so strangers must not keep it busy: at most one page is asked
/// for at a time, all who come meanwhile share it, and it serves for a moment longer.
final class PageDesk {
    typealias Asker = @Sendable (PageAnswer) -> Void

    /// How long the agent may take; Prometheus waits for ten seconds by default.
    static let patience = Duration.seconds(2)
    /// How old a page may be.
    static let freshness = Duration.milliseconds(100)

    private let loop: EventLoop
    private let patience: Duration
    /// Sends a request to the agent; false where it is not connected.
    private let ask: (UInt64) -> Bool
    private var waiting: [Asker] = []
    private var request: UInt64 = 0
    private var timer: EventLoop.TimerID?
    private var last: (answer: PageAnswer, at: Instant)?
    /// What is said while the agent is not connected.
    var absence = "the agent is not connected yet"

    init(on loop: EventLoop, patience: Duration = PageDesk.patience, ask: @escaping (UInt64) -> Bool) {
        self.loop = loop
        self.patience = patience
        self.ask = ask
    }

    /// Answers now or when the agent has.
    func wanted(by asker: @escaping Asker) {
        if let last, loop.now - last.at < Self.freshness { return asker(last.answer) }
        guard timer == nil else { return waiting.append(asker) }
        request += 1
        guard ask(request) else { return asker(.none(absence)) }
        waiting.append(asker)
        timer = loop.schedule(after: patience) { [weak self, patience] in
            self?.answer(.none("the agent did not answer within \(patience.shortText)"))
        }
    }

    /// Takes the agent's page. One that comes too late is nobody's.
    func came(_ request: UInt64, _ metrics: String, _ health: Health) {
        guard request == self.request, timer != nil else { return }
        let page = PageAnswer.page(metrics: metrics, health: health)
        last = (page, loop.now)
        answer(page)
    }

    /// The agent is gone: who waits is told so, and no page of the past is shown.
    func agentIsGone(_ absence: String) {
        self.absence = absence
        last = nil
        answer(.none(absence))
    }

    private func answer(_ answer: PageAnswer) {
        if let timer { loop.cancel(timer) }
        timer = nil
        let askers = waiting
        waiting = []
        for asker in askers { asker(answer) }
    }
}
