// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlAPI
import NetworkTypes
import SystemIO
import Testing

@testable import pnetctl

struct CommandTests {
    @Test(arguments: [StatusReport.Verdict.up, .down])
    func statusAsksOnceAndExitsWithTheState(spare: StatusReport.Verdict) throws {
        let report = try Sample.report(spare: spare)
        let (status, question) = try FakeDaemon.answering([FakeDaemon.line(report)]) { client in
            try FakeDaemon.exitStatus(of: ["status", "--json", "--socket", client.socket])
        }
        #expect(question == "{\"command\":\"status\"}\n")
        #expect(status == report.exitCode)
    }

    @Test func takesTheSocketBeforeTheCommandToo() throws {
        let line = try FakeDaemon.line(Sample.report(spare: .up))
        let (status, _) = try FakeDaemon.answering([line]) { client in
            try FakeDaemon.exitStatus(of: ["--socket", client.socket, "status", "--json"])
        }
        #expect(status == (try Sample.report(spare: .up).exitCode))
    }

    @Test func exitsWith3WhereNobodyListens() throws {
        for command in ["status", "watch", "plan", "apply", "confirm", "reload", "down"] {
            #expect(try FakeDaemon.exitStatus(of: [command, "--socket", "/nowhere/control.sock"]) == 3)
        }
    }

    @Test func exitsWith64OnWrongUsage() throws {
        #expect(try FakeDaemon.exitStatus(of: ["frob"]) == 64)
        #expect(try FakeDaemon.exitStatus(of: ["check"]) == 64)
        #expect(try FakeDaemon.exitStatus(of: ["status", "--jsn"]) == 64)
    }

    /// A slip in an argument shows how this command is used.
    @Test(arguments: [
        ["dns", "query", "a..b"], ["dns", "explain", "a.b", "--from", "here"], ["dns", "audit", "a..b"],
        ["dns", "explain", "a.b", "--interface", "/"], ["dns", "flush", "a..b"], ["dns", "dump", "a..b"],
        ["drain", "a/b"], ["undrain", "a/b"], ["rotate", "a/b"], ["rotate", "a/b", "--prepare"], ["drill", "a/b"],
        ["drill", "azure", "--path", "a/b"], ["drill", "azure", "--prefix", "10.0.0.1/8"],
        ["drill", "azure", "--target", "here"], ["drill", "azure", "--source", "here"], ["switch", "a/b", "--auto"],
        ["switch", "azure", "a/b"],
    ])
    func showsTheUsageOfTheCommandWithTheSlip(arguments: [String]) throws {
        let command = arguments[0] == "dns" ? "dns \(arguments[1])" : arguments[0]
        do {
            _ = try Pnetctl.parseAsRoot(arguments)
            Issue.record("it was taken")
        } catch {
            let text = Pnetctl.fullMessage(for: error)
            #expect(text.contains("Usage: pnetctl \(command) "), "\(text)")
            #expect(Pnetctl.exitCode(for: error).rawValue == 64)
        }
    }

    @Test func asksForTheAnswerOfAClientOnAnInterface() throws {
        let explanation = NameExplanation(name: try #require(DomainName("a.b")), type: "A", code: "NXDOMAIN")
        let (status, question) = try FakeDaemon.answering([FakeDaemon.line(explanation)]) { client in
            try FakeDaemon.exitStatus(
                of: ["dns", "explain", "a.b", "--interface", "eth2", "--view", "ot", "--socket", client.socket]
            )
        }
        #expect(status == 1)
        #expect(question.contains(#""interface":"eth2""#) && question.contains(#""view":"ot""#), "\(question)")
    }

    @Test func reloadExitsWith1WhereTheFileHasErrors() throws {
        let good = try FakeDaemon.answering([FakeDaemon.line(ReloadReport(changed: true, errors: []))]) {
            try FakeDaemon.exitStatus(of: ["reload", "--socket", $0.socket])
        }
        #expect(good == (0, "{\"command\":\"reload\"}\n"))
        let bad = try FakeDaemon.answering([
            FakeDaemon.line(ReloadReport(changed: false, errors: ["f:1:1: error"]))
        ]) {
            try FakeDaemon.exitStatus(of: ["reload", "--socket", $0.socket])
        }
        #expect(bad.answer == 1)
    }

    @Test func downExitsWith1WhereItIsRefused() throws {
        let error = #"{"error":{"code":"not-permitted","message":"no","cause":null}}"#
        let refused = try FakeDaemon.answering([error]) {
            try FakeDaemon.exitStatus(of: ["down", "--socket", $0.socket])
        }
        #expect(refused.answer == 1)
        let done = try FakeDaemon.answering([FakeDaemon.line(DownReport(removed: ["interface pn-a"]))]) {
            try FakeDaemon.exitStatus(of: ["down", "--socket", $0.socket])
        }
        #expect(done == (0, "{\"command\":\"down\"}\n"))
    }

    @Test func watchEndsWith3WhenPnetdLeaves() throws {
        let report = try Sample.report()
        let updates = try [
            WatchUpdate(time: Sample.time, event: nil, report: report),
            WatchUpdate(time: Sample.time, event: Sample.event(), report: report),
        ].map(FakeDaemon.line)
        let (status, question) = try FakeDaemon.answering(updates) {
            try FakeDaemon.exitStatus(of: ["watch", "--socket", $0.socket])
        }
        #expect(question == "{\"command\":\"watch\"}\n")
        #expect(status == 3)
    }

    @Test func readsAnswersThatComeInPieces() throws {
        let report = try Sample.report()
        let line = try FakeDaemon.line(report)
        let answers = try FakeDaemon.answering([line, line]) { client in
            var connection = try client.open(ControlRequest(.watch))
            let first = try connection.next(StatusReport.self, within: .seconds(5))
            let second = try connection.next(StatusReport.self, within: .seconds(5))
            return [first, second]
        }
        #expect(answers.answer == [report, report])
    }

    @Test func saysWhatToDoAboutEachFailure() {
        let socket = "/run/pnetd/control.sock"
        #expect("\(ControlFailure.noDaemon(socket: socket, cause: "No such file"))".contains("systemctl status pnetd"))
        #expect("\(ControlFailure.notPermitted(socket: socket, group: "pnetd"))".contains("group is 'pnetd'"))
        #expect("\(ControlFailure.notPermitted(socket: socket, group: "root"))".contains("use sudo"))
        #expect("\(ControlFailure.silent(socket: socket, .seconds(5)))".contains("5.0s"))
        let refusal = ControlFailure.refused(ControlError(code: .notPermitted, message: "only root may ask for 'down'"))
        #expect("\(refusal)" == "only root may ask for 'down'\n  Use sudo")
    }

    @Test func refusesAnAnswerThatIsNone() throws {
        let status = try FakeDaemon.answering(["nonsense"]) {
            try FakeDaemon.exitStatus(of: ["status", "--socket", $0.socket])
        }
        #expect(status.answer == 3)
    }
}
