// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// What is promised of a path's silence: how soon it is known, and how seldom it is believed in vain.
public struct DetectionPromise: Hashable, Sendable, Codable {
    /// The time within which a silent failure is known.
    public var within: Duration
    /// How often in a year, at the most, a path that lives may be taken for dead.
    public var falseAlarmsPerYear: Double

    /// Makes a promise.
    public init(within: Duration, falseAlarmsPerYear: Double = 1) {
        self.within = within
        self.falseAlarmsPerYear = falseAlarmsPerYear
    }

    /// Outages up to this are ridden through, whatever else is measured.
    var rideThrough: Duration { within * 3 / 10 }

    /// Between the questions of a target that answers, at the most.
    public var longestInterval: Duration { within * 3 / 10 }

    /// How many of those come to one false alarm.
    package var questionsPerAlarm: Double { LivenessTimers.year / longestInterval.inSeconds / falseAlarmsPerYear }
}

/// How a promise stands on a path as it is now.
public struct DetectionOutlook: Hashable, Sendable, Codable {
    /// What was promised.
    public let promise: DetectionPromise
    /// From the last answer to the verdict, at the longest, the switch included.
    public let detection: Duration
    /// To be expected at the loss that was measured.
    public let falseAlarmsPerYear: Double
    /// The measured share of lost packets.
    public let loss: Double
    /// The measured share of lost packets among those right after a loss: as much as ``loss`` where losses know nothing
    /// of each other.
    public let lossAfterLoss: Double
    /// The round trip, with what is waited beyond it.
    public let timeout: Duration

    /// Whether failures are known in time.
    public var keepsTime: Bool { detection <= promise.within }
    /// Whether false alarms are as seldom as promised.
    public var keepsQuiet: Bool { falseAlarmsPerYear <= promise.falseAlarmsPerYear }
}

extension DetectionOutlook {
    /// Which part of the promise is not kept, why, and what would do, in words; nil where all is kept.
    public var shortfall: String? {
        guard !(keepsTime && keepsQuiet) else { return nil }
        let why =
            "answers are waited for \(timeout.shortText), \(Reason.percent(loss)) of the packets are lost and "
            + "\(Reason.percent(lossAfterLoss)) of those right after a loss"
        let time = "a failure is known within \(detection.shortText), not \(promise.within.shortText)"
        guard !keepsQuiet else {
            return "\(time), so that false alarms stay rare: \(why) (detect: within: \(detection.shortText) is kept)"
        }
        let alarms = Int(min(falseAlarmsPerYear, 1e9)) + 1
        return
            "\(time), and \(alarms) false alarms a year are to be expected: \(why) (this path cannot be watched so closely)"
    }
}
