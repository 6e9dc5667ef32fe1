// SPDX-License-Identifier: Apache-2.0

import Lab
import Testing

/// All scenarios, one after the other: they share the machine's cores and /etc/netns.
@Suite(.serialized)
enum Scenarios {}

/// The one way to write a scenario: a lab of its own, raised before it and gone after it whatever happens. Where it
/// fails, what the agent said is shown.
func scenario(_ label: String, _ options: SiteFile = SiteFile(), _ body: (Lab, Daemon) throws -> Void) throws {
    let lab = try Lab(label: label)
    defer { lab.tearDown() }
    let daemon = try Daemon(lab, options)
    do {
        try body(lab, daemon)
    } catch {
        Issue.record("\(error)\n--- pnetd's log\n\(daemon.log.suffix(6_000))")
    }
}
