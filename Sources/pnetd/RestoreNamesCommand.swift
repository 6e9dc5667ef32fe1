// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Configuration
import HostDNS
import Logging
import NetworkTypes
import SystemIO
import Telemetry
import Tunnel

/// `pnetd restore-names`: has this host ask whom it asked before pnetd, where nobody answers at the addresses that it was
/// told: puts /etc/resolv.conf back, and takes the interface away by which systemd-resolved was told to ask pnetd for all
/// names. One for the zones' names only stays: those are private, and nobody else is to be asked.
///
/// For the time after an agent or a resolver ended, however it ended: ExecStopPost= of both. Where the resolver lives on, it
/// answers and the file stays: to give it back even for a moment would send private names to strangers. Where the resolver
/// itself fails, it is started anew after this, and its sockets keep the questions meanwhile.
struct RestoreNamesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore-names",
        abstract: "Has this host ask whom it asked before pnetd, where pnetd's resolver is gone."
    )

    @Option(help: "The state directory.")
    var state = StateConfiguration.standard.directory

    @Flag(help: "Do nothing where the unit that has ended failed (SERVICE_RESULT): it is started anew.")
    var unlessFailed = false

    @Flag(help: "Put it back even where the resolver answers.")
    var always = false

    /// One that has much to do answers late.
    private static let patience = (tries: 3, each: Duration.milliseconds(700))

    func run() throws {
        LoggingSystem.bootstrap { _ in LogLines() }
        let log = Logger(label: "pnetd.restore-names")
        if unlessFailed, let result = EnvironmentVariable.text("SERVICE_RESULT"), result != "success" {
            log.info("the unit failed and is started anew", metadata: ["result": "\(result)"])
            return
        }
        let results = [restoreConf(log), restoreResolved(log)]
        guard results.allSatisfy(\.self) else { throw ExitCode(1) }
    }

    /// Whether nothing went wrong.
    private func restoreConf(_ log: Logger) -> Bool {
        let conf = ManagedResolvConf(stateDirectory: state)
        let asked = conf.asked
        if !always, asked.contains(where: { Self.answers(SocketEndpoint(address: $0, port: 53)) }) {
            log.notice("the resolver answers; this host's names stay with it")
            return true
        }
        do {
            switch try conf.restore() {
            case .nothingToDo: log.info("/etc/resolv.conf is not pnetd's")
            case .restored: log.notice("this host's names go where they went before pnetd")
            case .left(let author):
                log.warning("/etc/resolv.conf is \(author?.name ?? "somebody else")'s by now, and left as it is")
            }
            return true
        } catch {
            log.error("\(error)")
            return false
        }
    }

    /// Whether nothing went wrong.
    private func restoreResolved(_ log: Logger) -> Bool {
        do throws(NetlinkError) {
            let link = try NamesLink()
            guard let note = try link.note() else { return true }
            let words = note.split(separator: " ")
            let isForAll = words.first.map(String.init) == HostNames.Domains.all.rawValue
            let server = words.last.flatMap { SocketEndpoint(String($0)) }
            guard always || isForAll && server.map(Self.answers) != true else { return true }
            if try link.remove() { log.notice("systemd-resolved asks whom it asked before pnetd") }
            return true
        } catch {
            log.error("\(error)")
            return false
        }
    }

    /// Whether a server says anything to a question for `localhost.`, type A (RFC 6761 section 6.3).
    private static func answers(_ server: SocketEndpoint) -> Bool {
        guard let socket = try? NetworkSocket.datagram(to: server, through: nil) else { return false }
        var question: [UInt8] = [0x70, 0x6e, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0, 9]
        question += Array("localhost".utf8) + [0, 0, 1, 0, 1]
        for _ in 0..<patience.tries {
            guard (try? socket.write(question.span)) != nil else { continue }
            guard socket.waitUntilReadable(for: patience.each) else { continue }
            // A refusal by the kernel, where nobody listens, is readable as well, and fails.
            if let count = try? socket.read(upTo: 512)?.count, count >= 12 { return true }
        }
        return false
    }
}
