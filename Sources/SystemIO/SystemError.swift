// SPDX-License-Identifier: Apache-2.0

import CLinux

/// A system call that failed: what was being done, and the kernel's error number.
public struct SystemError: Error, Hashable {
    /// What was being done, as in `bind 127.0.0.1:53`.
    public var operation: String
    /// The error number of errno(3).
    public var code: Int32

    /// Makes an error of an operation and an error number.
    public init(operation: String, code: Int32) {
        self.operation = operation
        self.code = code
    }

    /// Takes errno as the last call left it.
    public static func last(_ operation: String) -> SystemError {
        SystemError(operation: operation, code: pn_errno())
    }
}

extension SystemError: CustomStringConvertible {
    /// The operation and the kernel's text.
    public var description: String { "\(operation): \(Self.text(of: code))" }

    /// The kernel's text for an error number, as strerror(3) gives it.
    public static func text(of code: Int32) -> String {
        unsafe strerrordesc_np(code).map { unsafe String(cString: $0) } ?? "error \(code)"
    }
}

/// Repeats a call that a signal interrupted; nil stands for failure with errno set.
@inline(always)
func retryingInterrupted<Value: FixedWidthInteger>(_ call: () -> Value) -> Value? {
    while true {
        let result = call()
        if result >= 0 { return result }
        if pn_errno() != EINTR { return nil }
    }
}
