// SPDX-License-Identifier: Apache-2.0

/// What this host's own TCP connections to a network by a path show.
///
/// A host that is switched off makes connections wait as a dead path does, and anybody can begin some that wait for ever.
/// So they never change a verdict: they are a reason to ask the targets at once, and they say what is behind a verdict.
public enum FlowStatus: Hashable, Sendable, Codable {
    /// There are none, or they say nothing.
    case unknown
    /// Some get on: the far ends acknowledge, or send.
    case advancing
    /// So many of so many wait for acknowledgements in vain, which so many hosts owe, and none has got on since they do.
    case stalled(connections: Int, of: Int, hosts: Int)

    /// How many wait in vain.
    var stalledConnections: Int {
        if case .stalled(let connections, _, _) = self { connections } else { 0 }
    }

    /// What it means for a path that is down or degraded.
    var reasons: [Reason] {
        if case .stalled = self { [.connectionsStall] } else { [] }
    }
}
