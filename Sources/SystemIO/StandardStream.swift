// SPDX-License-Identifier: Apache-2.0

import CLinux
import Synchronization

/// Where a program's text goes.
public enum StandardStream: Int32, Sendable {
    /// What was asked for.
    case output = 1
    /// What went wrong.
    case error = 2

    /// What the kernel said to the first text that could not be written to standard output.
    private static let outputError = Atomic<Int32>(0)

    /// Why standard output lacks some of what was written to it; nil where it lacks nothing.
    public static var outputFailure: SystemError? {
        let code = outputError.load(ordering: .relaxed)
        return code == 0 ? nil : SystemError(operation: "write to standard output", code: code)
    }

    /// Writes text at once. What cannot be written is lost: for standard output ``outputFailure`` says so, for standard
    /// error there is nobody left to tell.
    public func write(_ text: String) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { bytes in
                retryingInterrupted { unsafe CLinux.write(rawValue, bytes.baseAddress, bytes.count) }
            }
            guard let count else {
                if self == .output { Self.outputError.store(pn_errno(), ordering: .relaxed) }
                return
            }
            rest = rest.dropFirst(count)
        }
    }

    /// Whether a person reads it as it comes.
    public var isTerminal: Bool { isatty(rawValue) == 1 }

    /// How much the terminal shows at once; nil where there is none, or it does not say.
    public var size: (columns: Int, rows: Int)? {
        var size = winsize()
        guard unsafe pn_terminal_size(rawValue, &size) == 0, size.ws_col > 0, size.ws_row > 0 else { return nil }
        return (Int(size.ws_col), Int(size.ws_row))
    }
}
