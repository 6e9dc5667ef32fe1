// SPDX-License-Identifier: Apache-2.0

import CLinux
import SystemIO

/// Watches the underlays, at the cloud's end, for packets that should not be there.
public final class Capture {
    private let processes: [String: Background]
    private static let proof = "10.20.99.99"

    /// Watches all three networks for anything to or from a protected prefix, and shows first that it sees: a packet
    /// sent on each of them must turn up. To be made before pnetd guards anything.
    public convenience init(_ lab: Lab) throws {
        try self.init(lab, links: ["up-a", "up-b", "up-c"], filter: "net 10.20.0.0/16 or net fd00:20::/48")
        for interface in ["eth0", "eth1", "eth2"] {
            _ = try lab.site.attempt(["ping", "-c", "1", "-W", "1", "-I", interface, Self.proof])
        }
        try showsThatItSees(Self.proof)
    }

    /// Watches for what the filter says.
    public convenience init(_ lab: Lab, links: [String], filter: String) throws {
        try self.init(on: lab.cloud, links: links, filter: filter)
    }

    /// Watches links of any host.
    public init(on host: Host, links: [String], filter: String) throws {
        var processes: [String: Background] = [:]
        for link in links {
            processes[link] = try host.start(
                "capture-\(link)",
                "tcpdump",
                "-n",
                "-l",
                "--immediate-mode",
                "-i",
                link,
                filter
            )
        }
        self.processes = processes
        for (link, process) in processes {
            try waitUntil("the capture on \(link) listens") { process.output.contains("listening on") }
        }
    }

    /// Waits until every capture has seen the text, whatever its letters: names go out in drawn ones.
    public func showsThatItSees(_ text: String) throws {
        for (link, process) in processes {
            try waitUntil("the capture on \(link) sees") { process.output.lowercased().contains(text.lowercased()) }
        }
    }

    /// What was seen, but for the proof, a packet a line.
    public var packets: [String] {
        processes.sorted { $0.key < $1.key }.flatMap { link, process in
            process.output.split(separator: "\n").filter { line in
                // Packets begin with their time of day; the rest is tcpdump's own talk.
                line.first?.isNumber == true && line.contains(":") && !line.contains(Self.proof)
            }.filter { !$0.contains(" packets ") }.map { "\(link): \($0)" }
        }
    }
}
