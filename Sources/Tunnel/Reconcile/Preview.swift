// SPDX-License-Identifier: Apache-2.0

/// What a reconcile would do, and what that would do to traffic.
public struct Preview: Hashable, Sendable {
    /// Steps that are alike in what they do and in their effect.
    public struct Change: Hashable, Sendable {
        /// The step, or the first of many.
        public var text: String
        /// How many there are.
        public var count: Int
        /// What they do to traffic.
        public var effect: TrafficEffect
    }

    /// In the order in which they would be taken.
    public var changes: [Change]
    /// What could not be read, and so is not in the plan.
    public var failures: [String]

    /// Plays the plan through on a copy of what is known, with all the steps that others make possible.
    init(of desired: Desired, from observed: Observed, failures: [String]) {
        self.failures = failures
        var world = observed
        var steps: [(step: Step, effect: TrafficEffect)] = []
        // An interface that is made gets configured, then led to: three rounds; one more finds nothing to do.
        for _ in 0..<4 {
            let round = plan(desired, world)
            for step in round {
                steps.append((step, step.effect(on: world, desired)))
                world.take(step)
            }
        }
        changes = StepSummary.runs(steps) { [$0.step.kind, $0.effect.text] }.flatMap { run in
            let isLong = run.count > 8
            return run.prefix(isLong ? 1 : run.count).map { item in
                Change(text: "\(item.step)", count: isLong ? run.count : 1, effect: item.effect)
            }
        }
    }
}
