// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Configuration
import ControlAPI
import NetworkTypes
import SystemIO

/// `pnetctl rotate`
struct RotateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate",
        abstract: "Gives a WireGuard path another private key, without losing a packet where there is another path.",
        discussion: """
            In two steps, for the other end has to know the new key first:
              pnetctl rotate vpn-a --prepare
              pnetctl rotate vpn-a
            The first makes the key beside the old one and prints its public key. The second leads traffic to other paths,
            puts the key in force, and keeps it once the other end shakes hands with it and targets answer; else, and
            where this command ends before, the old key is put back. A pnetd at the other end takes the new key as the
            peer's next-public-key.
            Exit status: 0 done, 1 not done, 3 no pnetd answers.
            """
    )

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: "The path.")
    var path: String
    @Flag(help: "Only make the new key; needs no pnetd.")
    var prepare = false
    @Flag(help: "Remove the new key that was made; needs no pnetd.")
    var cancel = false
    @Flag(help: "Go on where a network has no other path; its traffic waits for a handshake.")
    var allowInterruption = false
    @Option(help: ArgumentHelp("How long the other end may take to know the key.", valueName: "time"))
    var within: Duration = .seconds(60)
    @Option(help: ArgumentHelp("pnetd's file.", valueName: "path"), completion: .file(extensions: ["yaml"]))
    var file = usualFile

    static let usualFile = "/etc/pnetd/pnetd.yaml"

    func validate() throws {
        _ = try pathName(path)
        if prepare, cancel { throw ValidationError("either --prepare or --cancel") }
        if prepare || cancel, allowInterruption {
            throw ValidationError("--allow-interruption is for putting the key in force")
        }
    }

    func run() throws {
        let key: PreparedKey
        do throws(PreparedKey.Failure) {
            key = try PreparedKey(of: path, in: file)
            if cancel { return StandardStream.output.write(Page.current.cancelled(key, try key.cancel())) }
            if prepare { return StandardStream.output.write(Page.current.prepared(key, try key.make())) }
            try key.check()
        } catch {
            StandardStream.error.write("pnetctl: \(error)\n")
            throw ExitCode(1)
        }
        try reportingFailures(refusal: 1) { () throws(ControlFailure) in try rotate(key) }
    }

    private func rotate(_ key: PreparedKey) throws(ControlFailure) -> Int32 {
        let request = ControlRequest(
            .rotate,
            path: key.path,
            allowInterruption: allowInterruption ? true : nil,
            confirmWithinSeconds: within.inSeconds
        )
        var answers = try connection.client.open(request)
        while true {
            guard let report = try answers.next(RotateReport.self, within: within + .seconds(10)) else {
                throw .silent(socket: connection.socket, within)
            }
            StandardStream.output.write(Page.current.rotated(report, key))
            switch report.outcome {
            case .awaiting: continue
            case .verified: return try keep(key)
            default: return 1
            }
        }
    }

    /// The file first: from then on the new key is the one that every agent goes by.
    private func keep(_ key: PreparedKey) throws(ControlFailure) -> Int32 {
        do throws(PreparedKey.Failure) {
            try key.install()
            let report = try answer(to: ControlRequest(.keep, path: key.path))
            StandardStream.output.write(Page.current.rotated(report, key))
            if report.outcome == .kept { return 0 }
            try key.takeBack()
        } catch {
            StandardStream.error.write("pnetctl: \(error)\n")
        }
        return 1
    }

    private func answer(to request: ControlRequest) throws(PreparedKey.Failure) -> RotateReport {
        do throws(ControlFailure) {
            var answers = try connection.client.open(request)
            guard let report = try answers.next(RotateReport.self, within: .seconds(5)) else {
                throw .silent(socket: connection.socket, .seconds(5))
            }
            return report
        } catch {
            throw .unanswered(key: path, error)
        }
    }
}
