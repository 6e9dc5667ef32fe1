// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SystemIO
import Testing

@testable import pnetd

struct OpponentTests {
    /// A folder as /proc is, with these processes in it.
    private func withProcesses(_ names: [Int: String], _ body: (String) throws -> Void) throws {
        let folder = "/tmp/pnetd-processes-\(UInt64.random(in: 0...UInt64.max))"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Files.makeDirectory("\(folder)/sys")
        for (number, name) in names {
            try Files.makeDirectory("\(folder)/\(number)")
            try Files.replace("\(folder)/\(number)/comm", with: Array("\(name)\n".utf8))
        }
        try body(folder)
    }

    @Test func namesAPortByItsProcess() throws {
        try withProcesses([812: "NetworkManager", 1: "systemd"]) { processes in
            #expect(Opponent.name(ofPort: 812, in: processes) == "NetworkManager (process 812)")
            #expect(Opponent.name(ofPort: 0, in: processes) == "somebody (the kernel does not say who)")
            // A second socket's port, and a process that is gone.
            for port in [UInt32.max - 4_000, 813] {
                let name = Opponent.name(ofPort: port, in: processes)
                #expect(name == "a process that cannot be told (netlink port \(port))")
            }
        }
    }

    /// The kernel cuts a name after 15 octets.
    @Test(arguments: [
        ("systemd-network", "systemd-networkd (set ManageForeignRoutes=no"), ("NetworkManager", "NetworkManager ("),
        ("firewalld", "firewalld (set FlushAllOnReload=no"), ("dockerd", "docker ("), ("libvirtd", "libvirt ("),
        ("virtnetworkd", "libvirt ("), ("charon", "strongSwan ("), ("zebra", "FRR ("), ("bird", "BIRD ("),
    ])
    func suspectsWhoIsKnownForIt(process: String, start: String) throws {
        try withProcesses([1: "systemd", 2: "kthreadd", 700: process, 701: process, 702: "\(process)-x"]) { processes in
            let suspects = Opponent.suspects(in: processes)
            #expect(suspects.count == 1)
            #expect(suspects.allSatisfy { $0.hasPrefix(start) && $0.hasSuffix(")") })
        }
    }

    @Test func suspectsNobodyWithoutASign() throws {
        try withProcesses([1: "systemd"]) { #expect(Opponent.suspects(in: $0) == []) }
        #expect(Opponent.suspects(in: "/nowhere") == [])
    }

    /// Of all processes that run here, this one is there.
    @Test func readsTheRealProcesses() throws {
        let own = try #require(UInt32(try Files.linkTarget("/proc/self")))
        #expect(Opponent.name(ofPort: own).hasSuffix(" (process \(own))"))
    }
}
