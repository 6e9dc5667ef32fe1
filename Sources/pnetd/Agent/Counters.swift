// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import ProcessLink
import Telemetry

/// What the agent counts of its own doing.
struct Counters {
    var reconciles: UInt64 = 0
    var changes: UInt64 = 0
    var failures: UInt64 = 0
    var foreignChanges: UInt64 = 0
    /// Differences that a whole reading of the kernel found and no event had told of.
    var untold: UInt64 = 0
    /// Questions for endpoints by name, by what became of them.
    var lookups: [Lookup: UInt64] = [:]
    /// How often a path's peers were called elsewhere than before.
    var endpointChanges: [PathName: UInt64] = [:]
    var reloads: UInt64 = 0
    var refusedReloads: UInt64 = 0
    var rollbacks: UInt64 = 0
    /// Rotations of a path's key, by how they ended.
    var rotations: [Rotation.End: UInt64] = [:]
    /// Drills of a network's paths.
    var drills: [NetworkName: [PathName: Drills]] = [:]
    var alertsDelivered: UInt64 = 0
    var alertsFailed: UInt64 = 0
    var switches: [NetworkName: UInt64] = [:]
    /// Flows cut at a switch, by the path whose address they had.
    var flowsCut: [PathName: UInt64] = [:]
    /// How long effects took, by their names.
    var effects: [Effect: Histogram] = [:]
    /// What the resolver counted last.
    var resolver: [MetricSample] = []

    /// Drills by how they ended.
    struct Drills {
        var proven: UInt64 = 0
        var failed: UInt64 = 0

        mutating func count(_ isProven: Bool) { if isProven { proven += 1 } else { failed += 1 } }
    }

    enum Lookup: String, CaseIterable {
        case found
        case failed
        /// Nobody knows whom to ask.
        case unasked
    }

    enum Effect: String, CaseIterable {
        /// From the decision to the kernel's word that routes have moved.
        case route
        /// From the decision to the resolver's word that names follow.
        case names
        /// From the decision to the kernel's word that no flow is left with the address of another path.
        case flows
        /// A whole pass of reading and comparing.
        case reconcile
    }

    mutating func took(_ effect: Effect, _ time: Duration) {
        let bounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1]
        effects[effect, default: Histogram(bounds: bounds)].observe(time.inSeconds)
    }
}
