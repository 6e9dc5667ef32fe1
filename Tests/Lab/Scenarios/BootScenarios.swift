// SPDX-License-Identifier: Apache-2.0

import CLinux
import ControlAPI
import Lab
import NetworkTypes
import SystemIO
import Testing

/// A site that has booted with systemd and pnetd's own units (Tests/Lab/Guest/boot); on no other machine.
@Suite(.serialized)
struct BootScenarios {
    private static let units = ["pnetd-guard", "pnetd", "pnetd-resolver", "pnetd-frontend"]

    private func property(_ name: String, _ unit: String) throws -> String {
        try String(Program.must(["systemctl", "show", "--value", "-p", name, "\(unit).service"]).dropLast())
    }

    /// The unit's process; nil where there is none, as between a kill and the next start.
    private func running(_ unit: String) throws -> pid_t? {
        pid_t(try property("MainPID", unit)).flatMap { $0 > 0 ? $0 : nil }
    }

    private func process(_ unit: String) throws -> pid_t { try #require(try running(unit), "\(unit) runs") }

    private func waitUntilUp() throws {
        try waitUntil("the site is up", within: .seconds(12)) {
            (try? StatusReport.ask("/run/pnetd/control.sock"))?.state == .up
        }
    }

    private func dig() throws -> String {
        try Program.run(["dig", "+short", "+time=5", "+tries=1", "@127.0.0.1", "historian.plant.internal"]).output
    }

    /// Sends a ping every 20 ms to a host in the cloud while the body runs, and counts those without answer.
    private func lostWhile(_ body: () throws -> Void) throws -> (lost: Int, sent: Int) {
        let output = "/run/pings"
        let pings = try ChildProcess.spawn(
            "/bin/sh",
            arguments: ["-c", "exec fping -D -l -p 20 -t 20000 10.20.0.4 > \(output)"]
        )
        pause(.seconds(1))
        do {
            try body()
        } catch {
            kill(pings, SIGKILL)
            _ = try ChildProcess.wait(for: pings)
            throw error
        }
        pause(.seconds(2))
        kill(pings, SIGINT)
        _ = try ChildProcess.wait(for: pings)
        // `[1700000000.12345] 10.20.0.4 : [17], 64 bytes, …`: numbers that are not there were not answered.
        let answered = String(decoding: try Files.read(output, limit: 64 << 20), as: UTF8.self)
            .split(separator: "\n").filter { $0.contains(" bytes, ") }.compactMap { line in
                line.split(separator: "[").last.flatMap { Int($0.prefix { $0 != "]" }) }
            }
        let sent = (answered.max() ?? -1) + 1
        return (sent - Set(answered).count, sent)
    }

    @Test(.booted("whole")) func unitsStartInOrderAndTheGuardIsFirst() throws {
        try waitUntilUp()
        let guarded = try #require(UInt64(property("ActiveEnterTimestampMonotonic", "pnetd-guard")))
        let links = try #require(UInt64(property("ExecMainStartTimestampMonotonic", "systemd-networkd")))
        #expect(guarded > 0 && guarded < links, "the guard stands before anybody brings a link up")
        for unit in Self.units {
            #expect(try property("ActiveState", unit) == "active")
            #expect(try property("NRestarts", unit) == "0")
        }
        #expect(try Program.must(["systemctl", "list-units", "--failed", "--plain", "--no-legend"]).isEmpty)
        #expect(try Program.must(["pnetctl", "status"]).contains("vpn-a"))
        #expect(try !Program.must(["pnetctl", "status"]).contains("was not in place"))
        #expect(try dig() == "10.20.0.10\n")
        #expect(try property("StatusText", "pnetd") == "azure up by vpn-a")
    }

    @Test(.booted("whole")) func eachProcessMayDoWhatItHasToAndNoMore() throws {
        // CAP_NET_ADMIN and CAP_NET_RAW; in reserve CAP_NET_BIND_SERVICE; CAP_CHOWN was for the start.
        let (work, bind, start): (UInt64, UInt64, UInt64) = (1 << 12 | 1 << 13, 1 << 10, 1 << 0)
        for (unit, effective, permitted, bounding) in [
            ("pnetd", work, work | bind, work | bind | start), ("pnetd-resolver", 0, 0, 0), ("pnetd-frontend", 0, 0, 0),
        ] {
            for thread in try ThreadStatus.all(of: process(unit)) {
                #expect(thread.capabilities("CapEff") == effective, "\(unit)")
                #expect(thread.capabilities("CapPrm") == permitted, "\(unit)")
                #expect(thread.capabilities("CapBnd") == bounding, "\(unit)")
                #expect(thread.capabilities("CapInh") == 0 && thread.capabilities("CapAmb") == 0)
                #expect(thread["NoNewPrivs"] == "1" && thread["Seccomp"] == "2")
                #expect(thread["Uid"]?.hasPrefix("0 ") == (unit == "pnetd"))
            }
        }
        #expect(try Program.must(["ps", "-o", "user:20=", "-p", "\(process("pnetd-resolver"))"]) == "pnetd-resolver\n")
        #expect(try Program.must(["ps", "-o", "user:20=", "-p", "\(process("pnetd-frontend"))"]) == "pnetd-frontend\n")
    }

    @Test(.booted("whole"), arguments: [("pnetd", 30), ("pnetd-resolver", 20), ("pnetd-frontend", 20)])
    func exposureIsLow(unit: String, tenths: Int) throws {
        let check = try Program.run(["systemd-analyze", "security", "--threshold=\(tenths)", "\(unit).service"])
        print(check.output.split { $0.isNewline }.last.map(String.init) ?? "")
        #expect(check.status == 0)
    }

    @Test(.booted("whole")) func stoppingRestartingAndKillingTouchesNoPacket() throws {
        try waitUntilUp()
        let monitor = try ChildProcess.spawn(
            "/bin/sh",
            arguments: ["-c", "exec ip monitor link address route rule nexthop > /run/changes"]
        )
        defer { kill(monitor, SIGKILL) }
        let result = try lostWhile {
            // As an upgrade puts new programs in the place of those that run.
            for program in ["pnetd", "pnetd-frontend"] {
                try Program.must(["cp", "/usr/sbin/\(program)", "/usr/sbin/\(program).new"])
                try Program.must(["mv", "/usr/sbin/\(program).new", "/usr/sbin/\(program)"])
            }
            for unit in ["pnetd", "pnetd-resolver", "pnetd-frontend", "pnetd-guard"] {
                try Program.must(["systemctl", "restart", "\(unit).service"])
                try waitUntilUp()
                #expect(try dig() == "10.20.0.10\n", "after a restart of \(unit)")
            }
            for unit in ["pnetd", "pnetd-resolver", "pnetd-frontend"] {
                let earlier = try process(unit)
                kill(earlier, SIGKILL)
                try waitUntil("\(unit) is there again") { try running(unit).map { $0 != earlier } ?? false }
                try waitUntilUp()
                #expect(try dig() == "10.20.0.10\n", "after SIGKILL of \(unit)")
            }
            try Program.must(["systemctl", "stop", "pnetd.service"])
            #expect(try property("ActiveState", "pnetd-resolver") == "active")
            #expect(try dig() == "10.20.0.10\n", "without an agent")
            try Program.must(["systemctl", "start", "pnetd.service"])
            try waitUntilUp()
        }
        print("an upgrade, four restarts, three SIGKILLs, one stop: \(result.lost) of \(result.sent) packets lost")
        #expect(result.lost == 0 && result.sent > 100)
        #expect(try Files.read("/run/changes").isEmpty, "not one change in the kernel")
    }

    /// Inode numbers tell sockets apart: those that come back after everyone is dead are the same.
    @Test(.booted("whole")) func theServiceManagerKeepsTheSockets() throws {
        try waitUntilUp()
        let inodes = {
            try Program.must(["ss", "-Hlnue", "sport = :53"]) + Program.must(["ss", "-Hlnte", "sport = :53"])
        }
        let numbers = { (listing: String) in
            listing.split(separator: " ").filter { $0.hasPrefix("ino:") }.map(String.init).sorted()
        }
        let before = numbers(try inodes())
        #expect(before.count == 2)
        #expect(try property("NFileDescriptorStore", "pnetd") == "3", "two for DNS, one for HTTP")
        for unit in ["pnetd", "pnetd-resolver", "pnetd-frontend"] { kill(try process(unit), SIGKILL) }
        try waitUntil("the agent is there again") { try running("pnetd") != nil }
        try waitUntilUp()
        try waitUntil("names are answered") { try dig() == "10.20.0.10\n" }
        #expect(numbers(try inodes()) == before)
    }

    @Test(.booted("whole")) func anAgentThatHangsIsReplaced() throws {
        try waitUntilUp()
        let earlier = try process("pnetd")
        let result = try lostWhile {
            kill(earlier, SIGSTOP)
            try waitUntil("another agent is there") { try running("pnetd").map { $0 != earlier } ?? false }
            try waitUntilUp()
        }
        #expect(result.lost == 0)
        #expect(try Program.must(["journalctl", "-u", "pnetd", "-b", "--no-pager"]).contains("watchdog"))
    }

    @Test(.booted("whole")) func downTakesAllAwayForGood() throws {
        try waitUntilUp()
        // After that the capture must see nothing private: the device falls silent.
        try Program.must(["systemctl", "stop", "traffic.service"])
        #expect(try Program.run(["pnetctl", "down"]).status == 0)
        for unit in ["pnetd", "pnetd-resolver", "pnetd-frontend"] {
            try waitUntil("\(unit) has ended") { try property("ActiveState", unit) == "inactive" }
        }
        pause(.milliseconds(500))
        #expect(try property("ActiveState", "pnetd") == "inactive")
        #expect(try !Program.must(["nft", "list", "tables"]).contains("pnetd"))
        #expect(try Program.run(["ls", "/var/lib/pnetd/guard.json"]).status != 0)
    }

    /// After everything was taken down: the kernel loses its WireGuard, so the tunnels are units.
    @Test(.booted("whole")) func userspaceWireGuardHasUnitsOfItsOwn() throws {
        try Program.must(["/run/tree/Tests/Lab/Guest/Boot/world", "userspace"])
        try Program.must(["systemctl", "start", "pnetd.service"])
        try waitUntilUp()
        let unit = "pnetd-wireguard@pn-a"
        let tunnel = try process(unit)
        #expect(try Files.linkTarget("/proc/\(tunnel)/exe").hasSuffix("wireguard-go"))
        let result = try lostWhile {
            try Program.must(["systemctl", "restart", "pnetd.service"])
            try waitUntilUp()
            kill(try process("pnetd"), SIGKILL)
            try waitUntilUp()
        }
        print("a restart and a SIGKILL of the agent over userspace WireGuard: \(result.lost) of \(result.sent) lost")
        #expect(result.lost == 0)
        #expect(try process(unit) == tunnel)
        kill(tunnel, SIGKILL)
        try waitUntil("the tunnel's process is there again") { try running(unit).map { $0 != tunnel } ?? false }
        try waitUntilUp()
        #expect(try Program.run(["pnetctl", "down"]).status == 0)
        try waitUntil("the tunnel's process has ended") { try property("ActiveState", unit) == "inactive" }
    }

    @Test(.booted("broken")) func theGuardHoldsWithAFileThatIsNoLongerValid() throws {
        try waitUntil("the agent has given up") { try property("ActiveState", "pnetd") == "failed" }
        #expect(try property("ExecMainStatus", "pnetd") == "78")
        #expect(try property("NRestarts", "pnetd") == "0")
        #expect(try property("ActiveState", "pnetd-guard") == "active")
        try waitUntil("links are up") { try Program.run(["ip", "route", "get", "198.51.100.99"]).status == 0 }
        #expect(try Program.must(["nft", "list", "tables"]).contains("inet pnetd"))
        #expect(try Program.must(["journalctl", "-u", "pnetd", "-b", "--no-pager"]).contains("unknown key 'network'"))
        #expect(try Program.run(["pnetctl", "status"]).status == 3)
        pause(.seconds(1))
    }

    /// The same site without a guard: what leaves shows that the capture sees.
    @Test(.booted("open")) func withoutAGuardSomethingWouldLeave() throws {
        try waitUntil("links are up") { try Program.run(["ip", "route", "get", "198.51.100.99"]).status == 0 }
        pause(.seconds(1))
    }
}

extension Trait where Self == ConditionTrait {
    /// On a machine that was booted to show this.
    fileprivate static func booted(_ boot: String) -> Self {
        .enabled(if: EnvironmentVariable.text("PNETD_BOOT") == boot, "Tests/Lab/Guest/boot starts such a machine")
    }
}
