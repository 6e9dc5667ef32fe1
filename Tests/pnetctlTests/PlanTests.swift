// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import Testing

@testable import pnetctl

struct PlanTests {
    private let page = Page(hasColour: false, width: 80, now: 0)
    private let move = PlanReport.Change(
        text: "set nexthop 7204 (nexthops 7004)",
        count: 1,
        severity: .diversion,
        effect: "azure moves from vpn-a to vpn-b; no packet lost"
    )
    private let cut = PlanReport.Change(
        text: "remove route 10.20.0.0/16 metric 100 in table 7000 by nexthop 7204",
        count: 12,
        severity: .interruption,
        effect: "traffic to 10.20.0.0/16 is cut"
    )

    @Test func showsEachStepWithWhatItDoesToTraffic() {
        let expected = """
              set nexthop 7204 (nexthops 7004)
                  diversion: azure moves from vpn-a to vpn-b; no packet lost
              remove route 10.20.0.0/16 metric 100 in table 7000 by nexthop 7204 (and 11
              alike)
                  interruption: traffic to 10.20.0.0/16 is cut
            13 changes: traffic is cut
            refused  the connection from 10.20.0.77 to port 22 would be cut

            """
        let plan = PlanReport(
            changes: [move, cut],
            refusals: ["the connection from 10.20.0.77 to port 22 would be cut"]
        )
        #expect(page.plan(plan) == expected)
    }

    @Test func sumsUpWhatIsFelt() {
        #expect(page.plan(PlanReport(changes: [move])).hasSuffix("1 change: some traffic takes another way\n"))
        let quiet = PlanReport.Change(text: "add rule", count: 2, severity: .none, effect: "no packet lost")
        #expect(page.plan(PlanReport(changes: [quiet])) == "  add rule (and 1 alike)\n2 changes: no packet lost\n")
    }

    @Test func saysThatThereIsNothingToDo() {
        #expect(page.plan(PlanReport()) == "nothing to do\n")
        #expect(page.plan(PlanReport(errors: ["f:1:1: error: no"])) == "f:1:1: error: no\n")
    }

    private func plan(_ report: PlanReport) throws -> Int32 {
        try FakeDaemon.answering([FakeDaemon.line(report)]) {
            try FakeDaemon.exitStatus(of: ["plan", "--json", "--socket", $0.socket])
        }.answer
    }

    @Test func exitsWithWhatThereIsToDo() throws {
        #expect(try plan(PlanReport()) == 0)
        #expect(try plan(PlanReport(changes: [move])) == 2)
        #expect(try plan(PlanReport(errors: ["f:1:1: error: no"])) == 1)
        #expect(try plan(PlanReport(changes: [move], refusals: ["no"])) == 1)
    }

    @Test(
        arguments: [
            (ApplyReport.Outcome.applied, 0), (.unchanged, 0), (.refused, 1), (.init(rawValue: "something-new"), 1),
        ] as [(ApplyReport.Outcome, Int32)]
    )
    func applyExitsWithWhetherTheFileIsInForce(outcome: ApplyReport.Outcome, status: Int32) throws {
        let (answer, question) = try FakeDaemon.answering([FakeDaemon.line(ApplyReport(outcome))]) {
            try FakeDaemon.exitStatus(of: ["apply", "--allow-interruption", "--socket", $0.socket])
        }
        #expect(answer == status)
        #expect(question == "{\"allowInterruption\":true,\"command\":\"apply\"}\n")
    }

    @Test(arguments: [(ApplyReport.Outcome.confirmed, 0), (.rolledBack, 1)] as [(ApplyReport.Outcome, Int32)])
    func aTrialExitsWithHowItEnded(outcome: ApplyReport.Outcome, status: Int32) throws {
        let lines = [try FakeDaemon.line(ApplyReport(.awaiting)), try FakeDaemon.line(ApplyReport(outcome))]
        let (answer, question) = try FakeDaemon.answering(lines) {
            try FakeDaemon.exitStatus(of: ["apply", "--confirm-within", "1m", "--json", "--socket", $0.socket])
        }
        #expect(answer == status)
        #expect(question == "{\"command\":\"apply\",\"confirmWithinSeconds\":60}\n")
    }

    @Test func refusesATimeThatIsNone() throws {
        #expect(try FakeDaemon.exitStatus(of: ["apply", "--confirm-within", "soon"]) == 64)
    }
}
