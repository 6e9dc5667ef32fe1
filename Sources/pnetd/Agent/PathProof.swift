// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import NetworkTypes

/// When a path was last shown to carry a network's traffic, and how its last drill failed.
struct PathProof: Codable, Equatable {
    /// Nanoseconds since 1970; nil: never.
    var proven: Int64?
    /// Why the last drill failed; nil where none has since.
    var failure: String?
}

extension SavedState {
    /// What is known of a path.
    func proof(of network: NetworkName, by path: PathName) -> PathProof? { proofs?[network.text]?[path.text] }

    /// Writes down what a drill showed.
    mutating func prove(_ network: NetworkName, _ leg: DrillReport.Leg, at time: Int64) {
        var proof = proof(of: network, by: leg.path) ?? PathProof()
        proof.failure = leg.failure
        if leg.failure == nil { proof.proven = time }
        set(proof, network, leg.path)
    }

    /// Writes down that a path carried the traffic until now. What a drill found wrong is right again by a drill only.
    mutating func carried(_ network: NetworkName, by path: PathName, at time: Int64) {
        guard proof(of: network, by: path)?.failure == nil else { return }
        set(PathProof(proven: time), network, path)
    }

    private mutating func set(_ proof: PathProof, _ network: NetworkName, _ path: PathName) {
        var all = proofs ?? [:]
        all[network.text, default: [:]][path.text] = proof
        proofs = all
    }
}
