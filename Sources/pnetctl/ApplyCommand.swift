// SPDX-License-Identifier: Apache-2.0

public import ArgumentParser
import ControlAPI
import NetworkTypes
import SystemIO

/// `pnetctl apply`
struct ApplyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Puts pnetd's file in force as it is now, unless that would cut traffic.",
        discussion: """
            With --confirm-within the file is on trial: it is taken back when the time is over or this command ends, as it
            does with a session that dies, unless it was confirmed: here by 'yes', or elsewhere by 'pnetctl confirm'.
            Exit status: 0 the file is in force, 1 it is not.
            """
    )

    @OptionGroup var connection: ConnectionOptions

    @Flag(help: "Go on where traffic that flows now is cut. Management connections are never cut.")
    var allowInterruption = false

    @Option(
        help: ArgumentHelp("Take it back unless it is confirmed within this time, as 60s or 5m.", valueName: "time")
    )
    var confirmWithin: Duration?

    @Flag(help: "One line of JSON for each answer, for programs.")
    var json = false

    func run() throws {
        try reportingFailures(refusal: 1) { () throws(ControlFailure) in
            let request = ControlRequest(
                .apply,
                allowInterruption: allowInterruption ? true : nil,
                confirmWithinSeconds: confirmWithin?.inSeconds
            )
            var answers = try connection.client.open(request)
            guard let report = try answers.next(ApplyReport.self, within: .seconds(60)) else {
                throw .silent(socket: connection.socket, .seconds(60))
            }
            try show(report)
            guard report.outcome == .awaiting, let confirmWithin else { return Self.status(of: report) }
            return try wait(&answers, confirmWithin)
        }
    }

    /// Waits for the end of the trial; a 'yes' on the terminal confirms.
    private func wait(_ answers: inout ControlConnection, _ limit: Duration) throws(ControlFailure) -> Int32 {
        var isAsking = StandardInput.isTerminal && !json
        if isAsking { StandardStream.output.write("Keep it? Type yes within \(limit.shortText): ") }
        let end = SystemClock().now + limit + .seconds(10)
        while SystemClock().now < end {
            if isAsking, StandardInput.isReady {
                switch readLine() {
                case "yes": _ = try connection.client.ask(.confirm, for: ApplyReport.self)
                case nil: isAsking = false
                default: StandardStream.output.write("Type yes to keep it, or Ctrl-C to take it back: ")
                }
            }
            guard let report = try answers.next(ApplyReport.self, within: .milliseconds(200)) else { continue }
            try show(report)
            return Self.status(of: report)
        }
        throw .silent(socket: connection.socket, limit)
    }

    private func show(_ report: ApplyReport) throws(ControlFailure) {
        if json {
            StandardStream.output.write(try JSONText.line(report))
        } else {
            StandardStream.output.write(Page.current.applied(report))
        }
    }

    private static func status(of report: ApplyReport) -> Int32 {
        switch report.outcome {
        case .unchanged, .confirmed: 0
        // Not all of it, where there is a reason.
        case .applied: report.reason == nil ? 0 : 1
        default: 1
        }
    }
}

/// `pnetctl confirm`
struct ConfirmCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "confirm",
        abstract: "Keeps the file that 'pnetctl apply --confirm-within' has on trial."
    )

    @OptionGroup var connection: ConnectionOptions

    func run() throws {
        try reportingFailures(refusal: 1) { () throws(ControlFailure) in
            let report = try connection.client.ask(.confirm, for: ApplyReport.self)
            StandardStream.output.write(Page.current.applied(report))
            return report.outcome == .confirmed ? 0 : 1
        }
    }
}

extension Duration: @retroactive ExpressibleByArgument {
    /// A number and a unit, as everywhere in pnetd's file: `60s`, `5m`.
    public init?(argument: String) {
        self.init(text: argument)
    }
}
