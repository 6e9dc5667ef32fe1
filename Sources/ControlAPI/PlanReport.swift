// SPDX-License-Identifier: Apache-2.0

/// The answer to `plan`: what pnetd would do if it took the file in now, and what that would do to traffic.
///
/// ```json
/// {"changes":[{"text":"set nexthop 7204 (nexthops 7004)","count":1,"severity":"diversion",
///    "effect":"azure moves from vpn-a to vpn-b; no packet lost"}],
///  "errors":[],"refusals":[],"failures":[]}
/// ```
public struct PlanReport: Hashable, Sendable, Codable {
    /// How much of it traffic feels. The set is open: a client meets severities that it does not know.
    public struct Severity: Hashable, Sendable, RawRepresentable, Codable {
        /// The severity as it stands in JSON.
        public var rawValue: String

        /// Makes a severity of its text.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// No packet is lost.
        public static let none = Severity(rawValue: "none")
        /// Traffic takes another way from then on.
        public static let diversion = Severity(rawValue: "diversion")
        /// Traffic that flows now is cut; `apply` needs `--allow-interruption`.
        public static let interruption = Severity(rawValue: "interruption")
    }

    /// A step, or many that are alike.
    public struct Change: Hashable, Sendable, Codable {
        /// The step, or the first of them.
        public var text: String
        /// How many they are.
        public var count: Int
        /// How much of it traffic feels.
        public var severity: Severity
        /// What they do to traffic, in words.
        public var effect: String

        /// Makes a change.
        public init(text: String, count: Int, severity: Severity, effect: String) {
            self.text = text
            self.count = count
            self.severity = severity
            self.effect = effect
        }
    }

    /// In the order in which they would be made.
    public var changes: [Change]
    /// The file's errors, each `file:line:column: error: …`; with any of them there is no plan.
    public var errors: [String]
    /// Why `apply` would refuse, whatever is allowed to it.
    public var refusals: [String]
    /// What could not be read, and so is not in the plan.
    public var failures: [String]

    /// Makes a plan.
    public init(changes: [Change] = [], errors: [String] = [], refusals: [String] = [], failures: [String] = []) {
        self.changes = changes
        self.errors = errors
        self.refusals = refusals
        self.failures = failures
    }

    /// Whether traffic that flows now would be cut.
    public var interrupts: Bool { changes.contains { $0.severity == .interruption } }
}

/// The answer to `apply`: `{"outcome":"applied","plan":{…},"reason":null}`. Where it awaits a confirmation, a second
/// one follows on the same connection, which says how that went; who closes the connection before takes it back.
public struct ApplyReport: Hashable, Sendable, Codable {
    /// What became of it. The set is open: a client meets outcomes that it does not know.
    public struct Outcome: Hashable, Sendable, RawRepresentable, Codable {
        /// The outcome as it stands in JSON.
        public var rawValue: String

        /// Makes an outcome of its text.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// The file asks for nothing new.
        public static let unchanged = Outcome(rawValue: "unchanged")
        /// The file is in force.
        public static let applied = Outcome(rawValue: "applied")
        /// The file is in force until a time is over, unless it is confirmed.
        public static let awaiting = Outcome(rawValue: "awaiting-confirmation")
        /// The file is in force for good.
        public static let confirmed = Outcome(rawValue: "confirmed")
        /// What was in force before is in force again.
        public static let rolledBack = Outcome(rawValue: "rolled-back")
        /// Nothing was changed.
        public static let refused = Outcome(rawValue: "refused")
    }

    /// What became of it.
    public var outcome: Outcome
    /// Why, where it is not what was asked for.
    @ExplicitNull public var reason: String?
    /// What was, or would have been, done.
    public var plan: PlanReport

    /// Makes a report.
    public init(_ outcome: Outcome, reason: String? = nil, plan: PlanReport = PlanReport()) {
        self.outcome = outcome
        self.reason = reason
        self.plan = plan
    }
}
