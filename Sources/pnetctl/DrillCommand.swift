// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ControlAPI
import NetworkTypes
import SystemIO

/// `pnetctl drill`
struct DrillCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drill",
        abstract: "Leads a network's traffic over each standby path and back, and tells what was lost.",
        discussion: """
            Probes show that a path answers; a drill shows that it carries: routes, firewalls and the far end's way back
            included. Fifty echo requests a second go as the traffic goes. With --prefix, only that part of the network is
            led elsewhere. A path that fails is left at once, and so is a drill whose pnetctl ends.
            Exit status: 0 every path is proven good, 1 not, 3 no pnetd answers.
            """
    )

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: "The network.")
    var network: String
    @Option(help: ArgumentHelp("The only path to try; default: all that stand by.", valueName: "path"))
    var path: String?
    @Option(help: ArgumentHelp("How long each path carries the traffic, 1s to 10m.", valueName: "time"))
    var hold: Duration?
    @Option(help: ArgumentHelp("The part of the network that is led elsewhere; default: all.", valueName: "prefix"))
    var prefix: String?
    @Option(
        help: ArgumentHelp("Who is asked by ICMP echo; default: the first icmp target there.", valueName: "address")
    )
    var target: String?
    @Option(help: ArgumentHelp("The address that is asked from, as of the site's own hosts.", valueName: "address"))
    var source: String?
    @Flag(help: "Go on where translated flows are cut.")
    var allowInterruption = false
    @Flag(help: "Print the result as JSON.")
    var json = false

    func validate() throws { _ = try request() }

    func run() throws {
        let request = try request()
        try reportingFailures(refusal: 1) { () throws(ControlFailure) in try follow(request) }
    }

    private func request() throws -> ControlRequest {
        ControlRequest(
            .drill,
            network: try networkName(network),
            drill: DrillRequest(
                path: try path.map(pathName),
                prefix: try prefix.map { try read($0, as: IPPrefix.self, "is not a prefix") },
                target: try target.map { try read($0, as: IPAddress.self, "is not an address") },
                source: try source.map { try read($0, as: IPAddress.self, "is not an address") },
                holdSeconds: hold?.inSeconds
            ),
            allowInterruption: allowInterruption ? true : nil
        )
    }

    private func follow(_ request: ControlRequest) throws(ControlFailure) -> Int32 {
        var answers = try connection.client.open(request)
        var patience = Duration.seconds(10)
        while true {
            guard let report = try answers.next(DrillReport.self, within: patience) else {
                throw .silent(socket: connection.socket, patience)
            }
            if report.outcome == .running {
                if !json { StandardStream.output.write(Page.current.drilled(report)) }
                patience = .seconds(620 * report.legs.count + 10)
                continue
            }
            StandardStream.output.write(json ? try JSONText.line(report) : Page.current.drilled(report))
            return report.isProven ? 0 : 1
        }
    }
}

extension DrillReport {
    fileprivate var isProven: Bool { outcome == .done && legs.allSatisfy { $0.failure == nil } }
}
