// SPDX-License-Identifier: Apache-2.0

/// What pnetctl may ask of pnetd.
public enum ControlCommand: String, Hashable, Sendable, Codable, CaseIterable {
    /// One ``StatusReport``.
    case status
    /// A ``WatchUpdate`` at once and with every change, until the client leaves.
    case watch
    /// Reads the file again; one ``ReloadReport``.
    case reload
    /// Takes all that is pnetd's out of the kernel and ends; one ``DownReport``.
    case down
}

/// The one line that a client sends: `{"command":"status"}`.
public struct ControlRequest: Hashable, Sendable, Codable {
    /// What is asked.
    public var command: ControlCommand

    /// Asks for a command.
    public init(_ command: ControlCommand) {
        self.command = command
    }
}
