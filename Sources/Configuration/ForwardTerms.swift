// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// What holds of a zone whose names servers in the network are asked for.
public struct ForwardTerms: Hashable, Sendable {
    /// When an answer that is over is given again, because no server gives a new one.
    public struct LastKnownGood: Hashable, Sendable {
        /// The TCP port on which its address must take a connection, through the active path, just before.
        public var port: UInt16 = 443
        /// How long after a server gave it, at the most, in whole seconds.
        public var age = Duration.seconds(3 * 86_400)

        /// What the file may say.
        static let ages = Duration.seconds(1) ... .seconds(30 * 86_400)
        static let agesText = "1s to 30d"
    }

    /// Why the upstreams are asked for a name, and their public answer is given.
    public enum PublicReason: String, Hashable, Sendable, CaseIterable {
        /// The zone's servers say that there is no such name.
        case noSuchName = "nxdomain"
        /// None of them has an answer of use, though the network has a path.
        case noAnswer = "no-answer"
    }

    /// Where names may lead; nil for the network's prefixes.
    public var prefixes: [IPPrefix]?
    /// The numbers of the types that are asked for; nil for all.
    public var types: Set<UInt16>?
    /// When an answer that is over is given again; nil for never.
    public var lastKnownGood: LastKnownGood? = LastKnownGood()
    /// Why the public is asked; for none of these by default.
    public var publicAfter: Set<PublicReason> = []
    /// Whether the servers' word that data is authentic is taken.
    public var trustsAD = false
}
