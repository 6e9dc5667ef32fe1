// SPDX-License-Identifier: Apache-2.0

public import SystemIO

/// What can go wrong between us and the kernel.
public enum NetlinkError: Error, Hashable, CustomStringConvertible {
    /// The kernel refused: what was asked, its error number, and its own words (extended ACK) where it had any.
    case refused(operation: String, code: Int32, text: String?)
    /// The socket itself failed.
    case socket(SystemError)
    /// No answer within the time that any answer takes.
    case noAnswer(operation: String)
    /// The kernel changed while it was read, again and again (NLM_F_DUMP_INTR).
    case neverConsistent(operation: String)
    /// Events were lost (ENOBUFS): what is known of the kernel is stale.
    case overrun

    /// The error in words.
    public var description: String {
        switch self {
        case .refused(let operation, let code, let text):
            "\(operation): \(text.map { "\($0) (\(SystemError.text(of: code)))" } ?? SystemError.text(of: code))"
        case .socket(let error): error.description
        case .noAnswer(let operation): "\(operation): the kernel did not answer"
        case .neverConsistent(let operation): "\(operation): the kernel kept changing while it was read"
        case .overrun: "netlink events were lost"
        }
    }

    /// The kernel's error number, where it refused.
    public var code: Int32? {
        guard case .refused(_, let code, _) = self else { return nil }
        return code
    }
}
