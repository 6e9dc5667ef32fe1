// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlAPI
import Journal
import NetworkTypes
import SystemIO

/// `pnetctl explain`
struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Tells why a network or a path is as it is, when that may change, and what happened to it lately.",
        discussion: """
            What happened lately comes from pnetd's journal, which only root may read.
            Exit status: 0 done, 1 nothing goes by that name, 3 no pnetd answers.
            """
    )

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var options: JournalOptions
    @Argument(help: "The network or the path; else all of them.")
    var name: String?
    @Flag(help: "JSON, without what happened lately.") var json = false

    private static let eventCount = 5

    func run() throws {
        try reportingFailures(refusal: 1) { () throws(ControlFailure) in
            let request = ControlRequest(.explain, name: name)
            let report = try connection.client.ask(request, for: ExplainReport.self, within: .seconds(5))
            guard !report.explanations.isEmpty else {
                let names = report.names.joined(separator: ", ")
                StandardStream.error.write("pnetctl: nothing is called '\(name ?? "")'; there are \(names)\n")
                return 1
            }
            if json {
                StandardStream.output.write(try JSONText.line(report))
            } else {
                StandardStream.output.write(Page.current.explained(report, lately: latestEvents()))
            }
            return 0
        }
    }

    /// The last events of the name; empty where there is no journal, or none that may be read.
    private func latestEvents() -> [PastEvent] {
        // The last two segments: older ones take long to read.
        guard let segments = try? options.segments(in: nil).suffix(2) else { return [] }
        var events = PastEvents()
        var latest: [PastEvent] = []
        for step in JournalWalk(Array(segments)) {
            guard let (event, _) = events.take(step), concerns(event) else { continue }
            latest.append(event)
            if latest.count > Self.eventCount { latest.removeFirst() }
        }
        return latest
    }

    private func concerns(_ event: PastEvent) -> Bool {
        guard let name else { return event.kind == .decision }
        return event.network?.text == name || event.paths.contains { $0.text == name }
    }
}
