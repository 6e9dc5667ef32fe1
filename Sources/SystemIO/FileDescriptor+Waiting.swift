// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes

extension FileDescriptor {
    /// Waits until there is something to read, end of file included; false where the time passed first.
    ///
    /// For programs that do one thing at a time; others have ``EventLoop``.
    public func waitUntilReadable(for limit: Duration) -> Bool {
        var request = pollfd(fd: raw, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&request, 1, Int32(clamping: limit.nanoseconds / 1_000_000)) != 0
    }
}
