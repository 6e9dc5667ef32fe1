// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// What pnetctl may ask of pnetd.
public enum ControlCommand: String, Hashable, Sendable, Codable, CaseIterable {
    /// One ``StatusReport``.
    case status
    /// Why a network or a path is as it is; one ``ExplainReport``.
    case explain
    /// A ``WatchUpdate`` at once and with every change, until the client leaves.
    case watch
    /// What taking the file in would do; one ``PlanReport``.
    case plan
    /// Takes the file in unless that would cut traffic; one ``ApplyReport``, or two.
    case apply
    /// Keeps what was applied for a trial; one ``ApplyReport``.
    case confirm
    /// Puts a path's prepared key in force, to see whether its peers know it; a ``RotateReport``, and others behind it.
    case rotate
    /// Keeps the key that was put in force, and is in its file by now; one ``RotateReport``.
    case keep
    /// Leads traffic off a path and keeps it off, also through restarts; one ``DrainReport``.
    case drain
    /// Gives a path back that was drained; one ``DrainReport``.
    case undrain
    /// Leads a network's traffic to a path, or gives the choice back; one ``SwitchReport``.
    case `switch`
    /// Tries a network's standby paths out with its traffic; a ``DrillReport``, and another one when it is over.
    case drill
    /// The resolver, and how this host's own names come to it; one ``HostNamesReport``.
    case hostNames = "host-names"
    /// What the resolver knows of names; see ``NamesRequest``.
    case names
    /// Reads the file again; one ``ReloadReport``.
    case reload
    /// Takes all that is pnetd's out of the kernel and ends; one ``DownReport``.
    case down
}

/// The one line that a client sends: `{"command":"status"}`, or
/// `{"allowInterruption":true,"command":"apply","confirmWithinSeconds":60}`.
public struct ControlRequest: Hashable, Sendable, Codable {
    /// What is asked.
    public var command: ControlCommand
    /// With `rotate` and `keep`: whose key. With `drain` and `undrain`: which one. With `switch`: where to; without it, the
    /// choice is given back.
    public var path: PathName?
    /// With `switch` and `drill`: whose traffic.
    public var network: NetworkName?
    /// With `drill`: what is otherwise than in the file.
    public var drill: DrillRequest?
    /// With `names`: what is asked.
    public var names: NamesRequest?
    /// With `explain`: the network or the path; without it all of them are explained.
    public var name: String?
    /// With `apply`, `rotate`, `drain`, `switch` and `drill`: traffic that flows now may be cut.
    public var allowInterruption: Bool?
    /// With `apply` and `rotate`: it is taken back unless it is confirmed, or kept, within so many seconds.
    public var confirmWithinSeconds: Double?
    /// With `drain` and `undrain`: names that clients hold from before are not waited for.
    public var immediately: Bool?

    /// Asks for a command.
    public init(
        _ command: ControlCommand,
        path: PathName? = nil,
        network: NetworkName? = nil,
        drill: DrillRequest? = nil,
        names: NamesRequest? = nil,
        name: String? = nil,
        allowInterruption: Bool? = nil,
        confirmWithinSeconds: Double? = nil,
        immediately: Bool? = nil
    ) {
        self.command = command
        self.path = path
        self.network = network
        self.drill = drill
        self.names = names
        self.name = name
        self.allowInterruption = allowInterruption
        self.confirmWithinSeconds = confirmWithinSeconds
        self.immediately = immediately
    }
}
