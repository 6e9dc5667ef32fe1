// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// One target as a network sees it through one path, to be shown.
public struct TargetHealth: Hashable, Sendable {
    /// Who is asked.
    public let target: Target
    /// Whether it answers.
    public let isAnswering: Bool
    /// Whether it could not be asked of late, and so counts neither way.
    public let isUnknown: Bool
    /// What is known of it, how it is asked, and when its silence is known: in words.
    public let statements: [String]

    init(_ target: Target, _ liveness: TargetLiveness) {
        self.target = target
        isAnswering = liveness.state == .answering
        isUnknown = false
        let timers = liveness.timers
        guard !liveness.isResting else {
            let pace = "asked every \(liveness.restingInterval.shortText) while two others speak for it, and at once "
            statements = [Self.answers(liveness), pace + "where one of those misses a question or is bad"]
            return
        }
        let rhythm =
            isAnswering
            ? "asked every \(timers.interval.shortText); \(timers.burstCount) more times, "
                + "\(timers.burstSpacing.shortText) apart, where no answer is there after \(timers.timeout.shortText)"
            : "asked every \(timers.outlook.promise.longestInterval.shortText)"
        statements = [Self.answers(liveness), rhythm] + (isAnswering ? [timers.outlook.words] : [])
    }

    /// - Parameter answersToSmall: whether others answer that are asked by small packets.
    init(_ paced: PacedTarget, besideSmall answersToSmall: Bool) {
        target = paced.target
        let liveness = paced.liveness
        let known =
            switch liveness.state {
            case .starting: "no answer yet"
            case .answering: "it serves"
            case .failing(.silent) where answersToSmall: "\(TargetFailure.silent)\(Reason.ofLargePackets)"
            case .failing(let failure): failure.description
            case .recovering: "no answer since the path is back; one brings it back"
            case .unknown: "it could not be asked of late: it counts neither way"
            }
        if case .answering = liveness.state { isAnswering = true } else { isAnswering = false }
        isUnknown = liveness.state == .unknown
        statements = [
            known,
            "asked every \(liveness.interval.shortText), never faster: \(PacedLiveness.fallCount) failures in a row give it "
                + "up, within \(liveness.detection.shortText)",
        ]
    }

    private static func answers(_ liveness: TargetLiveness) -> String {
        switch liveness.state {
        case .starting: return "no answer yet"
        case .silent(_, let since, let answers):
            let silence = "no answer for \((liveness.givenUpAt - since).shortText) when it was given up"
            return answers == 0
                ? "\(silence); \(LivenessTimers.riseCount) answers in a row bring it back"
                : "\(silence); \(answers) of the \(LivenessTimers.riseCount) answers in a row that bring it back are there"
        case .answering:
            let trips = liveness.roundTrips
            let time = trips.smoothed.map { " after \($0.shortText), give or take \(trips.variation.shortText)" } ?? ""
            let lost = trips.lossRatio.map { ", \(Reason.percent($0)) of the last ones lost" } ?? ""
            return "it answers\(time)\(lost)"
        }
    }
}

extension DetectionOutlook {
    /// What a failure and a false alarm come to, in words.
    fileprivate var words: String {
        let years = 1 / max(falseAlarmsPerYear, 1e-6)
        let alarms =
            falseAlarmsPerYear > 1
            ? "\(Int(min(falseAlarmsPerYear, 1e9)) + 1) false alarms a year"
            : years >= 1e6 ? "less than one false alarm in a million years" : "one false alarm in \(Int(years)) years"
        return "a failure is known within \(detection.shortText); \(alarms) at the loss that was measured "
            + "(\(Reason.percent(loss)), and \(Reason.percent(lossAfterLoss)) right after a loss)"
    }
}
