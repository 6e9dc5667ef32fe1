// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlAPI
import NetworkTypes
import SystemIO

/// `pnetctl dns`
struct DNSCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dns",
        abstract: "Tells what the resolver answers, why, and what it keeps.",
        subcommands: [
            QueryCommand.self, ExplainNameCommand.self, FlushCommand.self, DumpCommand.self, AuditCommand.self,
        ]
    )

    @OptionGroup var connection: ConnectionOptions
}

/// A question: a name, a type, and who asks.
struct NameQuestion: ParsableArguments {
    @Argument(help: "The name.")
    var name: String
    @Option(help: "The type, as in AAAA or TYPE28.") var type = "A"
    @Option(help: "The address of the client that asks; else one that may ask.") var from: String?
    @Option(help: "The interface on which it asks, as views may say.") var interface: String?
    @Option(help: "The view that it sees, whoever it is.") var view: String?
    @Flag(name: .customLong("public"), help: "What the upstreams say, whatever zones there are.") var isPublic = false

    /// Before the command runs, so that its own usage is shown.
    func validate() throws { _ = try request() }

    /// Throws where the arguments are no name, address or interface.
    func request() throws -> ControlRequest {
        let from = try from.map { text in
            guard let address = IPAddress(text) else { throw ValidationError("'\(text)' is no address") }
            return address
        }
        let interface = try interface.map { text in
            guard let name = InterfaceName(text) else {
                throw ValidationError("'\(text)' cannot be the name of an interface")
            }
            return name
        }
        let names = NamesRequest(
            .explain,
            name: try Self.name(name),
            type: type.uppercased(),
            from: from,
            interface: interface,
            view: view,
            ignoringZones: isPublic ? true : nil
        )
        return ControlRequest(.names, names: names)
    }

    static func name(_ text: String) throws -> DomainName {
        guard let name = DomainName(text) else { throw ValidationError("'\(text)' is no domain name") }
        return name
    }

    /// Longer than the agent waits for the resolver.
    static let patience = Duration.seconds(10)
}

/// `pnetctl dns query`
struct QueryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "query",
        abstract: "Prints what the resolver answers to a question.",
        discussion: "Exit status: 0 there are records, 1 there are none, 3 no pnetd answers."
    )

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var question: NameQuestion

    func run() throws {
        let request = try question.request()
        try reportingFailures(refusal: 1) { () throws(ControlFailure) in
            let patience = NameQuestion.patience
            let report = try connection.client.ask(request, for: NameExplanation.self, within: patience)
            for record in report.records { StandardStream.output.write("\(record)\n") }
            guard report.records.isEmpty else { return 0 }
            let remark = report.remark.map { ", EDE \($0)" } ?? ""
            StandardStream.error.write("pnetctl: \(report.code ?? "no answer")\(remark)\n")
            return 1
        }
    }
}

/// `pnetctl dns explain`
struct ExplainNameCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract:
            "Tells how the answer to a question comes about: zones, aliases, servers, paths, and what was left out.",
        discussion: "Exit status: 0 there are records, 1 there are none, 3 no pnetd answers."
    )

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var question: NameQuestion
    @Flag(help: "JSON.") var json = false

    func run() throws {
        let request = try question.request()
        try reportingFailures(refusal: 1) { () throws(ControlFailure) in
            let patience = NameQuestion.patience
            let report = try connection.client.ask(request, for: NameExplanation.self, within: patience)
            StandardStream.output.write(try json ? JSONText.line(report) : Page.current.explained(report))
            return report.records.isEmpty ? 1 : 0
        }
    }
}

/// `pnetctl dns audit`
struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Asks for the site's names, and tells which do not lead where they should.",
        discussion: """
            Asked for are names of records and zone files, of TLS targets, those that the resolver keeps, and those given;
            in each view, those that its zones have or stand before. At most 500 questions, some of each zone.
            Exit status: 0 nothing was found, 1 something was, 3 no pnetd answers.
            """
    )

    @OptionGroup var connection: ConnectionOptions
    @Argument(help: "More names to ask for.")
    var names: [String] = []
    @Flag(help: "JSON.") var json = false

    func validate() throws { _ = try names.map(NameQuestion.name) }

    func run() throws {
        let names = NamesRequest(.audit, names: try names.map(NameQuestion.name))
        try reportingFailures(refusal: 1) { () throws(ControlFailure) in
            let request = ControlRequest(.names, names: names)
            let report = try connection.client.ask(request, for: NameAudit.self, within: .seconds(30))
            StandardStream.output.write(try json ? JSONText.line(report) : Page.current.audited(report))
            return report.findings.isEmpty ? 0 : 1
        }
    }
}

/// `pnetctl dns flush`
struct FlushCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "flush",
        abstract: "Has the resolver forget what it keeps of a name and of all below it, or of all names.",
        discussion: "Exit status: 0 done, 1 refused, 3 no pnetd answers."
    )

    @OptionGroup var connection: ConnectionOptions
    @Argument(help: "The name; else all names.")
    var name: String?

    func validate() throws { _ = try name.map(NameQuestion.name) }

    func run() throws {
        let names = NamesRequest(.flush, name: try name.map(NameQuestion.name))
        try reportingFailures(refusal: 1) { () throws(ControlFailure) in
            let request = ControlRequest(.names, names: names)
            let report = try connection.client.ask(request, for: FlushReport.self, within: NameQuestion.patience)
            StandardStream.output.write("\(report.flushed) answer\(report.flushed == 1 ? "" : "s") forgotten\n")
            return 0
        }
    }
}

/// `pnetctl dns dump`
struct DumpCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dump",
        abstract: "Prints the answers that the resolver keeps, of a name and all below it or of all names.",
        discussion: """
            Each worker keeps its own. What is over is kept as the last known good answer.
            Exit status: 0 done, 1 refused, 3 no pnetd answers.
            """
    )

    @OptionGroup var connection: ConnectionOptions
    @Argument(help: "The name; else all names.")
    var name: String?
    @Flag(help: "JSON.") var json = false

    func validate() throws { _ = try name.map(NameQuestion.name) }

    func run() throws {
        let names = NamesRequest(.dump, name: try name.map(NameQuestion.name))
        try reportingFailures(refusal: 1) { () throws(ControlFailure) in
            let request = ControlRequest(.names, names: names)
            let report = try connection.client.ask(request, for: NameDump.self, within: NameQuestion.patience)
            StandardStream.output.write(try json ? JSONText.line(report) : Page.current.dumped(report))
            return 0
        }
    }
}
