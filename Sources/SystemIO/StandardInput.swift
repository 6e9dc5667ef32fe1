// SPDX-License-Identifier: Apache-2.0

import CLinux

/// Where a program's text comes from.
public enum StandardInput {
    /// Whether a person types it.
    public static var isTerminal: Bool { isatty(0) == 1 }

    /// Whether a line waits, or the end.
    public static var isReady: Bool {
        var request = pollfd(fd: 0, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&request, 1, 0) > 0
    }
}
