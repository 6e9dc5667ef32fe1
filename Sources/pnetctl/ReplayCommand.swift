// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlAPI
import Journal
import SystemIO

/// `pnetctl replay`
struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Gives the journal's evidence to the same core again, and says whether it decides as it did.",
        discussion: """
            A run is replayed from its beginning, or, where that is gone, from the oldest state that the journal holds;
            from there on every verdict and decision has to come out as it was, and every state bit for bit.
            Exit status: 0 it equals the live run, 1 there is no journal, or no state to begin from, 2 it differs.
            """
    )

    @OptionGroup var options: JournalOptions
    @Argument(help: "The journal's directory, or one file of it; else that of pnetd's file.", completion: .file())
    var journal: String?
    @Flag(help: "One JSON object.") var json = false

    func run() throws {
        let segments = try readingJournal { () throws(JournalOptions.Failure) in try options.segments(in: journal) }
        var replay = Replay()
        var notes: [String] = []
        for step in JournalWalk(segments) {
            replay.take(step)
            if let note = ReplayReport.note(on: step), !notes.contains(note) { notes.append(note) }
        }
        replay.finish()
        let report = ReplayReport(replay, notes: notes)
        try reportingFailures(refusal: 1) { () throws(ControlFailure) in
            StandardStream.output.write(json ? try JSONText.line(report) : Page.current.replayed(report))
            return report.exitCode
        }
    }
}
