// SPDX-License-Identifier: Apache-2.0

public import SystemIO

/// Why charon did not do what it was asked to.
public enum VICIError: Error, Hashable, CustomStringConvertible {
    /// There is no connection: nobody listens there (ENOENT, ECONNREFUSED), we may not connect (EACCES), or it is not yet
    /// known which charon answers.
    case absent(SystemError?)
    /// The connection ended before the answer: charon is gone, or what else went wrong on it ended it.
    case connectionLost(SystemError?)
    /// No answer came in time. The connection is renewed, since an answer could not be told from the next one's.
    case timedOut(String)
    /// This charon has no such command.
    case unknownCommand(String)
    /// This charon raises no such event.
    case unknownEvent(String)
    /// This charon does not have what it would be asked for, in words.
    case lacking(String)
    /// charon said no, and why.
    case refused(String, reason: String)
    /// What came is not VICI; the connection is renewed.
    case garbage(VICIGarbage)
    /// The answer lacks what it must have.
    case incomplete(String, missing: String)
    /// Too many commands wait already.
    case busy
    /// The command cannot be written.
    case unsendable(VICIEncodingError)
    /// The client was stopped.
    case stopped

    /// What happened, for a log; never a value that was sent.
    public var description: String {
        switch self {
        case .absent(let error): "charon cannot be reached" + Self.cause(error)
        case .connectionLost(let error): "the connection to charon was lost" + Self.cause(error)
        case .timedOut(let command): "charon did not answer '\(command)' in time"
        case .unknownCommand(let command): "this charon does not know the command '\(command)'"
        case .unknownEvent(let event): "this charon does not know the event '\(event)'"
        case .lacking(let what): what
        case .refused(let command, let reason): "charon refused '\(command)': \(reason)"
        case .garbage(let what): "what answers for charon does not speak VICI: \(what)"
        case .incomplete(let command, let missing): "charon's answer to '\(command)' lacks '\(missing)'"
        case .busy: "too many commands wait for charon"
        case .unsendable(let error): "a command for charon cannot be written: \(error)"
        case .stopped: "the client of charon was stopped"
        }
    }

    private static func cause(_ error: SystemError?) -> String {
        error.map { " (\($0))" } ?? ""
    }
}
