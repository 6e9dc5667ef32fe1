// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization

/// One attempt to reach a webhook, which ends once, however many ends its connection comes to.
final class WebhookCall: Sendable {
    private let url: WebhookURL
    private let done: @Sendable (DeliveryOutcome) -> Void
    private let state = Mutex<State>(State())

    private struct State {
        var isOver = false
        /// What the answer's head said; the rest of the answer changes nothing.
        var verdict: DeliveryOutcome?
        var channel: (any Channel)?
    }

    init(url: WebhookURL, done: @escaping @Sendable (DeliveryOutcome) -> Void) {
        self.url = url
        self.done = done
    }

    /// Takes note of the connection; false where the attempt is over and nothing may be sent any more.
    func begin(on channel: any Channel) -> Bool {
        state.withLock { state in
            if !state.isOver { state.channel = channel }
            return !state.isOver
        }
    }

    /// Takes note of the answer's status. Redirects are not followed: who has the URL decides who gets the alert.
    func answered(_ status: UInt) {
        let verdict: DeliveryOutcome =
            (200..<300).contains(status) ? .arrived : .failed("\(url.origin) answered with status \(status)")
        state.withLock { $0.verdict = verdict }
    }

    /// Ends the attempt by the answer's head where there was one, else by this outcome.
    func end(_ outcome: DeliveryOutcome) {
        let (verdict, channel): (DeliveryOutcome?, (any Channel)?) = state.withLock { state in
            guard !state.isOver else { return (nil, nil) }
            state.isOver = true
            defer { state.channel = nil }
            return (state.verdict ?? outcome, state.channel)
        }
        channel?.close(promise: nil)
        if let verdict { done(verdict) }
    }

    /// Ends the attempt where it is not over.
    func timedOut(after patience: TimeAmount) {
        end(.failed("\(url.origin): no answer within \(patience.nanoseconds / 1_000_000) ms"))
    }
}
