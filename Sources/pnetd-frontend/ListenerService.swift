// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// One listening socket that is served.
struct ListenerService: Sendable {
    let channel: any Channel

    /// Accepts no more; what is connected stays.
    func stop() {
        channel.close(promise: nil)
    }
}
