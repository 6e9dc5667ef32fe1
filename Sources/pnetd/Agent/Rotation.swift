// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO

/// A path's private key that is in force to see whether the other end knows it. The file holds the old one meanwhile:
/// whatever happens, the next agent goes by the file.
struct Rotation {
    enum Stage: Equatable {
        /// Traffic was led elsewhere; what is under way arrives.
        case draining(until: Instant)
        case awaitingHandshake
        /// Probes are to be answered under the new key, so many in all.
        case awaitingAnswers(UInt64)
        case verified
    }

    enum End: String, CaseIterable {
        case kept
        case rolledBack
    }

    let path: PathName
    let key: WireGuardSecretKey
    let keyFile: String
    /// The networks that were reached through the path before, and have to be again.
    let networks: Set<NetworkName>
    /// The peers that shook hands not long ago, and have to again.
    let peers: Set<WireGuardPublicKey>
    /// When each peer had last shaken hands as the key was put in force.
    var handshakes: [WireGuardPublicKey: Int64] = [:]
    var stage: Stage
    var limit: EventLoop.TimerID

    /// Whether the interface has the new key.
    var isInForce: Bool { if case .draining = stage { false } else { true } }

    /// What is being waited for, in words.
    var text: String {
        switch stage {
        case .draining: "its traffic is led elsewhere"
        case .awaitingHandshake: "the peers have not shaken hands with the new key"
        case .awaitingAnswers: "targets have not answered through it under the new key"
        case .verified: "the new key works and was not kept"
        }
    }

    /// For packets that are under way, before their session ends.
    static let drainTime = Duration.milliseconds(500)
    /// How long whoever asked may take to put the key in its file.
    static let keepTime = Duration.seconds(30)
    static let interval = Duration.milliseconds(100)
    /// How many answers show that a path carries traffic.
    static let answersNeeded: UInt64 = 3
    /// The end of the name of a prepared key's file.
    static let suffix = ".next"
}
