// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO
import Testing

@testable import pnetctl

/// The program as a whole: what it prints is a file that `pnetctl check` takes, and keys are nowhere but in their files.
struct ImportCommandTests {
    private static func inFolder(_ body: (String) throws -> Void) throws {
        let folder = "/tmp/pnetctl-test-\(UInt64.random(in: 0...UInt64.max))"
        try Files.makeDirectory(folder, mode: 0o700)
        defer { _ = try? Shell.run("rm -rf \(folder)") }
        try body(folder)
    }

    @Test func printsWhatCheckTakes() throws {
        try Self.inFolder { folder in
            try Files.replace("\(folder)/wg0.conf", with: Array(ImportTests.ordinary.utf8))
            let made = try Shell.run(
                "cd \(folder) && $PNETCTL import wg0.conf > part && (echo 'version: 1'; echo 'site: small'; cat part) "
                    + "> pnetd.yaml && cat part && $PNETCTL check pnetd.yaml"
            )
            #expect(made.exit == .status(0), "\(made.error)")
            #expect(made.output.hasSuffix("pnetd.yaml: valid\n"))
            #expect(made.error == "wrote keys/wg0.key\nwrote keys/wg0-1.psk\n", "no warnings either")
            for (name, key) in [("wg0.key", ImportTests.privateKey), ("wg0-1.psk", ImportTests.presharedKey)] {
                let file = "\(folder)/keys/\(name)"
                #expect(try Files.read(file) == Array("\(key)\n".utf8))
                #expect(try Files.status(of: file).permissions == 0o600)
                #expect(!made.output.contains(key) && !made.error.contains(key))
            }
            #expect(try Files.status(of: "\(folder)/keys").permissions == 0o700)
        }
    }

    @Test func leavesNothingWhereTheTextCannotBeWritten() throws {
        try Self.inFolder { folder in
            try Files.replace("\(folder)/wg0.conf", with: Array(ImportTests.ordinary.utf8))
            let lost = try Shell.run("cd \(folder) && $PNETCTL import wg0.conf > /dev/full")
            #expect(lost.exit == .status(1) && lost.error.contains("write to standard output"))
            #expect(!lost.error.contains("wrote"))
            #expect(try Shell.run("cd \(folder) && $PNETCTL import wg0.conf").exit == .status(0))
        }
    }

    /// What is named as lost does not stand in the way of the rest.
    @Test func printsWhatCheckTakesOfAFileThatRoutesEverything() throws {
        try Self.inFolder { folder in
            let text = """
                [Interface]
                PrivateKey = \(ImportTests.privateKey)
                Address = 10.99.0.2/24
                DNS = 10.20.0.53
                [Peer]
                PublicKey = \(ImportTests.peers[0])
                Endpoint = gw.example.net:51820
                AllowedIPs = 0.0.0.0/0, ::/0, 10.20.0.0/16
                """
            try Files.replace("\(folder)/wg0.conf", with: Array(text.utf8))
            let made = try Shell.run(
                "cd \(folder) && (echo 'version: 1'; echo 'site: small'; $PNETCTL import wg0.conf) > pnetd.yaml "
                    + "&& $PNETCTL check pnetd.yaml"
            )
            #expect(made.exit == .status(0) && made.output == "pnetd.yaml: valid\n", "\(made.error)")
            #expect(made.error.split(separator: "\n").count == 4)
            #expect(made.error.contains("wg0.conf:4: note: DNS is not carried over (pnetd's own resolver"))
        }
    }

    @Test func writesOverNothingUnlessTold() throws {
        try Self.inFolder { folder in
            try Files.replace("\(folder)/wg0.conf", with: Array(ImportTests.ordinary.utf8))
            try Files.makeDirectory("\(folder)/k")
            try Files.replace("\(folder)/k/wg0-1.psk", with: Array("theirs".utf8))
            let command = "cd \(folder) && $PNETCTL import --keys k wg0.conf"
            let refused = try Shell.run(command)
            #expect(refused.exit == .status(1) && refused.output.isEmpty)
            #expect(
                refused.error.hasPrefix(
                    "wg0.conf:10: error: k/wg0-1.psk is there already; nothing was written (--force"
                )
            )
            #expect((try? Files.status(of: "\(folder)/k/wg0.key")) == nil)
            #expect(try Shell.run("\(command) --force").exit == .status(0))
            #expect(try Files.read("\(folder)/k/wg0-1.psk") == Array("\(ImportTests.presharedKey)\n".utf8))
        }
    }

    @Test func saysWhereAndWritesNothingWhereAnythingIsWrong() throws {
        try Self.inFolder { folder in
            let text = ImportTests.ordinary + "\nPersistentKeepalive = often\nNoSuch = 1\n"
            try Files.replace("\(folder)/wg0.conf", with: Array(text.utf8))
            let refused = try Shell.run("cd \(folder) && $PNETCTL import wg0.conf")
            #expect(refused.exit == .status(1) && refused.output.isEmpty)
            #expect(
                refused.error.split(separator: "\n").map { $0.prefix(19) } == [
                    "wg0.conf:20: error:", "wg0.conf:21: error:",
                ]
            )
            #expect((try? Files.status(of: "\(folder)/keys")) == nil)
        }
    }

    @Test func needsANameThatIsOne() throws {
        try Self.inFolder { folder in
            try Files.replace("\(folder)/a very long name.conf", with: Array(ImportTests.ordinary.utf8))
            let command = "cd \(folder) && $PNETCTL import 'a very long name.conf'"
            #expect(try Shell.run(command).error.contains("--name NAME"))
            let named = try Shell.run("\(command) --name pn-a").output
            #expect(named.contains("\n  pn-a:\n") && named.contains("# wg-quick down 'a very long name';"))
        }
    }
}
