// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlAPI
import Journal
import NetworkTypes
import SystemIO

/// `pnetctl events`
struct EventsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "Lists what happened: verdicts and decisions, when and why; needs no pnetd.",
        discussion: """
            It reads pnetd's journal, which holds some days or weeks: 64 MiB in the state directory. The last second
            before a crash of pnetd may be missing.
            Exit status: 0 done, 1 there is no journal.
            """
    )

    @OptionGroup var options: JournalOptions
    @Argument(help: "The journal's directory, or one file of it; else that of pnetd's file.", completion: .file())
    var journal: String?
    @Option(help: ArgumentHelp("Only what happened within this time: 90s, 1h, 7d.", valueName: "time"))
    var since: Duration?
    @Option(help: ArgumentHelp("Only what concerns this network.", valueName: "name"))
    var network: String?
    @Option(help: ArgumentHelp("Only what concerns this path.", valueName: "name"))
    var path: String?
    @Flag(help: "One JSON object an event.") var json = false

    func run() throws {
        let segments = try readingJournal { () throws(JournalOptions.Failure) in try options.segments(in: journal) }
        let earliest = since.map { SystemClock().wallNanoseconds - $0.nanoseconds } ?? 0
        var events = PastEvents()
        for step in JournalWalk(segments) {
            guard let (event, wall) = events.take(step), wall >= earliest, concerns(event) else { continue }
            try reportingFailures(refusal: 1) { () throws(ControlFailure) in
                StandardStream.output.write(json ? try JSONText.line(event) : event.line + "\n")
                return 0
            }
        }
    }

    private func concerns(_ event: PastEvent) -> Bool {
        if let network, event.network?.text != network { return false }
        if let path, !event.paths.contains(where: { $0.text == path }) { return false }
        return true
    }
}
