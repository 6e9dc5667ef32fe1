// SPDX-License-Identifier: Apache-2.0

import Lab
import NetworkTypes
import Synchronization
import SystemIO
import Testing

/// All scenarios, one after the other: they share the machine's cores and /etc/netns.
@Suite(.serialized, .compactMapIssues(Issues.note))
enum Scenarios {}

/// How many issues there were so far; a scenario that sees more at its end than at its beginning has failed.
enum Issues {
    private static let seen = Mutex(0)

    static var count: Int { seen.withLock { $0 } }

    @Sendable static func note(_ issue: Issue) -> Issue? {
        seen.withLock { $0 += 1 }
        return issue
    }
}

/// The one way to write a scenario: a lab of its own, raised before it and gone after it whatever happens. Where it
/// fails, what the agent said is shown, and the lab's files are kept.
func scenario(
    _ label: String,
    _ options: SiteFile = SiteFile(),
    farEnd: FarEnd = .answering,
    _ body: (Lab, Daemon) throws -> Void
) throws {
    let clock = SystemClock()
    let (start, issues) = (clock.now, Issues.count)
    var (lab, raised) = (Lab?.none, start)
    do {
        let up = try Lab(label: label, farEnd: farEnd)
        (lab, raised) = (up, clock.now)
        let daemon = try Daemon(up, options)
        do {
            try body(up, daemon)
        } catch {
            Issue.record("\(error)\n--- pnetd's log\n\(daemon.log.suffix(6_000))\n\(up.charonLogs)")
        }
    } catch {
        Issue.record("\(error)")
    }
    let failed = Issues.count > issues
    lab?.tearDown(keepingFiles: failed)
    let (all, raising) = ((clock.now - start).shortText, (raised - start).shortText)
    try Results.note("\(label): \(failed ? "FAILED" : "passed") after \(all), \(raising) of it to raise the lab")
    if failed, let lab {
        print("scenario \(label) left its logs and captures in \(try Results.keep(lab, as: label))")
        lab.tearDown()
    }
}

/// Why a scenario does not run on a stage.
extension Trait where Self == ConditionTrait {
    /// What is shown is about wireguard-go.
    static var userspaceWireGuard: Self {
        .enabled(if: !Stage.here.hasWireGuard, "wireguard-go is not used where the kernel has WireGuard")
    }
    /// What is shown has nothing to do with a kernel: the host shows it, and an emulated machine would only take longer.
    static var anyKernel: Self { .enabled(if: Stage.here.patience == 1, "a host has shown it") }
    /// What is shown needs a clock that can be set back.
    static var ownClock: Self { .enabled(if: Stage.here.ownsClock, "this machine's clock is not the test's to set") }
    /// What is shown needs VLANs.
    static var kernelVLAN: Self { .enabled(if: Stage.here.hasVLAN, "this kernel has no VLANs") }
    /// What is shown needs ESP.
    static var kernelESP: Self { .enabled(if: Stage.here.hasESP, "this kernel has no ESP") }
}
