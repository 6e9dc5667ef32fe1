// SPDX-License-Identifier: Apache-2.0

import CLinux
import SystemIO

/// Watches the underlays, at the cloud's end, for packets that should never be there: to or from a protected prefix.
public final class Capture {
    private let processes: [String: Background]
    private let lab: Lab

    /// Begins to watch all three networks, and shows first that it sees: a packet sent on each of them must turn up.
    /// To be made before pnetd guards anything.
    public init(_ lab: Lab) throws {
        self.lab = lab
        var processes: [String: Background] = [:]
        for link in ["up-a", "up-b", "up-c"] {
            processes[link] = try lab.cloud.start(
                "capture-\(link)",
                "tcpdump",
                "-n",
                "-l",
                "--immediate-mode",
                "-i",
                link,
                "net 10.20.0.0/16 or net fd00:20::/48"
            )
        }
        self.processes = processes
        for (link, process) in processes {
            try waitUntil("the capture on \(link) listens") { process.output.contains("listening on") }
        }
        for interface in ["eth0", "eth1", "eth2"] {
            _ = try lab.site.attempt(["ping", "-c", "1", "-W", "1", "-I", interface, "10.20.99.99"])
        }
        for (link, process) in processes {
            try waitUntil("the capture on \(link) sees") { process.output.contains("10.20.99.99") }
        }
    }

    /// The packets seen since the proof, each a line.
    public var leaks: [String] {
        processes.sorted { $0.key < $1.key }.flatMap { link, process in
            process.output.split(separator: "\n").filter { line in
                line.contains(" > ") || line.contains("who-has") || line.contains("ARP")
            }.filter { !$0.contains("10.20.99.99") }.map { "\(link): \($0)" }
        }
    }
}
