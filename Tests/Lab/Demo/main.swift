// SPDX-License-Identifier: Apache-2.0
// `make demo`: two sites in namespaces, a live failover, and nothing left behind.

import CLinux
import ControlAPI
import Lab
import NetworkTypes
import SystemIO

func say(_ text: String) {
    StandardStream.output.write("\(text)\n")
}

/// Prints what a background program has said since the last call.
final class Echo {
    private let process: Background
    private var shown = 0

    init(_ process: Background) {
        self.process = process
    }

    func show() {
        let output = process.output.utf8.dropFirst(shown)
        shown += output.count
        StandardStream.output.write(String(decoding: output, as: UTF8.self))
    }

    /// Shows what comes while something is waited for.
    func show(until what: String, within limit: Duration, _ condition: () throws -> Bool) throws {
        try waitUntil(what, within: limit) {
            show()
            return try condition()
        }
        pause(.milliseconds(100))
        show()
    }
}

func ask(_ name: String, _ daemon: Daemon) throws {
    let started = SystemClock().now
    let answer = try daemon.dig("+short", name).split(separator: "\n").joined(separator: " ")
    say("  $ dig +short @10.1.0.1 \(name)\n  \(answer)   (\((SystemClock().now - started).shortText))")
}

func demonstrate(_ lab: Lab) throws -> Daemon {
    say("== A plant and its cloud: two tunnels over two underlays, a private zone, a public Internet beside them")
    let daemon = try Daemon(lab)
    try daemon.start()
    try daemon.waitFor(path: .a)
    try daemon.waitForNames()
    say(try daemon.pnetctl("status").output)

    say("== Watching; a private name, asked before")
    let watch = Echo(
        try lab.site.start("watch", "\(try Daemon.programs)/pnetctl", "watch", "--socket", daemon.socket)
    )
    try ask("hub1.privatelink.azure-devices.net", daemon)
    let traffic = try Traffic(lab, every: .milliseconds(5))
    pause(.seconds(1))
    watch.show()

    say("== The first underlay goes silent: no carrier lost, no error, just nothing any more")
    try lab.impair(.a, .blackout)
    try watch.show(until: "traffic is on the other path", within: .seconds(5)) {
        try daemon.network().path?.text == Tunnel.b.path
    }
    say("== During: a name that was never asked before, through the path that lives")
    try ask("hub2.privatelink.azure-devices.net", daemon)
    pause(.seconds(1))

    say("== The underlay is healed; traffic comes back after the hold of 3 s")
    try lab.heal(.a)
    try watch.show(until: "traffic is back", within: .seconds(30)) {
        try daemon.network().path?.text == Tunnel.a.path
    }
    say("== After")
    try ask("hub1.privatelink.azure-devices.net", daemon)
    pause(.milliseconds(500))
    let result = try traffic.stop()
    say(
        """

        Outage, measured with a ping every 5 ms: \(result.longestGap.shortText) from the silent cut to traffic on the other path.
        In all \(result.lost) of \(result.sent) pings were lost, \(result.lost - Int(result.longestGap / .milliseconds(5))) of them outside that gap.

        """
    )
    return daemon
}

guard geteuid() == 0 else {
    say("The demo makes network namespaces: run it as root.")
    exit(1)
}
if CommandLine.arguments.dropFirst().first == "sweep" {
    try Lab.sweep()
    exit(0)
}
let lab = try Lab(label: "demo")
let keeps = unsafe getenv("KEEP") != nil
do {
    let daemon = try demonstrate(lab)
    if keeps {
        let enter = "ip netns exec \(lab.site.namespace)"
        say(
            """
            == Left running (KEEP=1). Things to try, as root:
              \(try Daemon.programs)/pnetctl status --socket \(daemon.socket)
              \(try Daemon.programs)/pnetctl watch --socket \(daemon.socket)
              \(enter) dig @10.1.0.1 hub1.privatelink.azure-devices.net
              \(enter) curl -s http://127.0.0.1:9731/metrics
              \(enter) nft list table inet pnetd
              ip -n \(lab.cloud.namespace) link set up-a down      # pull the first cable; up again heals it
            The file is \(daemon.file); edit it, then pnetctl reload.
            The next `make demo` or `make test` takes it all away; so does `make clean`.
            """
        )
    } else {
        lab.tearDown()
        say("== Gone again: no namespace, process or file of the demo is left")
    }
} catch {
    lab.tearDown()
    say("The demo failed: \(error)")
    exit(1)
}
