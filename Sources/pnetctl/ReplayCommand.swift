// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Configuration
import ControlAPI
import Journal
import PathHealth
import SystemIO

/// `pnetctl replay`
struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Gives the journal's evidence to the same core again, and says whether it decides as it did.",
        discussion: """
            A run is replayed from its beginning, or, where that is gone, from the oldest state that the journal holds;
            from there on every verdict and decision has to come out as it was, and every state bit for bit.
            With --config the core decides by another file instead: what would have become of each network? Probes that
            were never sent are taken to have fared as the nearest one that was, by the same path to the same target
            within five seconds; where there is none, to have been answered, and counted.
            Exit status: 0 it equals the live run, 1 there is no journal, or no state to begin from, 2 it differs.
            """
    )

    @OptionGroup var options: JournalOptions
    @Argument(help: "The journal's directory, or one file of it; else that of pnetd's file.", completion: .file())
    var journal: String?
    @Option(help: "The file to decide by instead.", completion: .file(extensions: ["yaml"])) var config: String?
    @Flag(help: "One JSON object.") var json = false

    func run() throws {
        let segments = try readingJournal { () throws(JournalOptions.Failure) in try options.segments(in: journal) }
        if let config { return try run(segments, by: config) }
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

    private func run(_ segments: [JournalDirectory.Segment], by file: String) throws {
        let policies: [NetworkPolicy]
        do {
            policies = try Configuration.loadPolicies(path: file)
        } catch {
            StandardStream.error.write("\(error)\n")
            throw ExitCode(1)
        }
        let past = Counterfactual(of: JournalWalk(segments), under: policies)
        let notes = JournalWalk(segments).compactMap(ReplayReport.note)
        let report = CounterfactualReport(past, notes: notes.reduce(into: []) { if !$0.contains($1) { $0.append($1) } })
        try reportingFailures(refusal: 1) { () throws(ControlFailure) in
            StandardStream.output.write(json ? try JSONText.line(report) : Page.current.imagined(report, by: file))
            return report.exitCode
        }
    }
}
