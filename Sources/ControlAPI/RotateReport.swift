// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// An answer to `rotate`, or to `keep`: `{"meanwhile":["azure by vpn-b"],"outcome":"awaiting-handshake","path":"vpn-a",
/// "reason":null}`. Behind one that awaits, others follow on the same connection; who closes it before the new key was
/// kept gets the old one back.
public struct RotateReport: Hashable, Sendable, Codable {
    /// How far it is. The set is open: a client meets outcomes that it does not know.
    public struct Outcome: Hashable, Sendable, RawRepresentable, Codable {
        /// The outcome as it stands in JSON.
        public var rawValue: String

        /// Makes an outcome of its text.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// The new key is in force for as long as it takes to see whether the peers know it.
        public static let awaiting = Outcome(rawValue: "awaiting-handshake")
        /// The peers know the new key and targets answer; it is time to put it in its file and to say `keep`.
        public static let verified = Outcome(rawValue: "verified")
        /// The new key is in force for good.
        public static let kept = Outcome(rawValue: "kept")
        /// The old key is in force again.
        public static let rolledBack = Outcome(rawValue: "rolled-back")
        /// Nothing was changed.
        public static let refused = Outcome(rawValue: "refused")
    }

    /// How far it is.
    public var outcome: Outcome
    /// The path.
    public var path: PathName
    /// Why, where it is not what was asked for.
    @ExplicitNull public var reason: String?
    /// Where the traffic goes that the path would carry, a line a network; it waits where there is none.
    public var meanwhile: [String]

    /// Makes a report.
    public init(_ outcome: Outcome, path: PathName, reason: String? = nil, meanwhile: [String] = []) {
        self.outcome = outcome
        self.path = path
        self.reason = reason
        self.meanwhile = meanwhile
    }
}
