// SPDX-License-Identifier: Apache-2.0

import ProcessLink
import Synchronization

/// Passes on how a handshake ended, the first time that it is told.
final class HandshakeEnd: Sendable {
    private let done: Mutex<HandshakeCaller.Done?>
    private let identityExpires: Int64?

    init(identityExpires: Int64?, _ done: @escaping HandshakeCaller.Done) {
        self.identityExpires = identityExpires
        self.done = Mutex(done)
    }

    func told(_ outcome: HandshakeOutcome, expires: Int64? = nil, status: Int? = nil) {
        let done = done.withLock { done in
            defer { done = nil }
            return done
        }
        done?(HandshakeReport(outcome, expires: expires, identityExpires: identityExpires, status: status))
    }
}
