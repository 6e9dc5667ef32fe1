// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO
import Testing

@testable import pnetctl

/// The program as a shell runs it.
struct KeygenTests {
    @Test func makesAnotherPrivateKeyEachTime() throws {
        let keys = try (0..<3).map { _ in try Shell.run("$PNETCTL keygen") }
        #expect(Set(keys.map(\.output)).count == 3)
        for made in keys {
            #expect(made.exit == .status(0) && made.error.isEmpty)
            #expect(made.output.hasSuffix("\n") && made.output.utf8.count == 45)
            let key = try #require(WireGuardSecretKey(base64: Array(made.output.utf8)))
            #expect(key == key.clamped, "as wg genkey has it")
        }
    }

    @Test func agreesWithWgOnPublicKeys() throws {
        for _ in 0..<5 {
            let both = try Shell.run(
                "key=$($PNETCTL keygen); echo $key | $PNETCTL keygen --public; echo $key | wg pubkey"
            )
            let keys = both.output.split(separator: "\n")
            #expect(keys.count == 2 && keys.first == keys.last)
        }
    }

    @Test func makesAPresharedKeyOfAllBits() throws {
        let keys = try (0..<20).compactMap { _ in
            WireGuardSecretKey(base64: Array(try Shell.run("$PNETCTL keygen --preshared").output.utf8))
        }
        #expect(keys.count == 20)
        #expect(keys.contains { $0 != $0.clamped })
    }

    @Test func readsThePrivateKeyOfAFile() throws {
        let file = "/tmp/pnetctl-test-\(UInt64.random(in: 0...UInt64.max)).key"
        defer { try? Files.remove(file) }
        let public1 = try Shell.run("umask 077; $PNETCTL keygen > \(file) && $PNETCTL keygen --public \(file)")
        let public2 = try Shell.run("$PNETCTL keygen --public < \(file)")
        #expect(public1.output == public2.output && WireGuardPublicKey(String(public1.output.dropLast())) != nil)
    }

    @Test(arguments: ["022", "027"]) func writesNoSecretWhereOthersMayReadIt(umask: String) throws {
        let file = "/tmp/pnetctl-test-\(UInt64.random(in: 0...UInt64.max)).key"
        defer { try? Files.remove(file) }
        let refused = try Shell.run("umask \(umask); $PNETCTL keygen > \(file)")
        #expect(refused.exit == .status(1) && refused.error.contains("umask 077"))
        #expect(try Files.read(file).isEmpty)
    }

    @Test func failsWhereTheKeyCannotBeWritten() throws {
        let lost = try Shell.run("$PNETCTL keygen > /dev/full")
        #expect(lost.exit == .status(1) && lost.error.contains("write to standard output"))
    }

    @Test func neverRepeatsWhatIsNoKey() throws {
        let slip = "QPOqDwSCpRkBLcc0ZAxsfdnXNOn3EUjP1sUHHSmJ0V"
        let refused = try Shell.run("echo \(slip) | $PNETCTL keygen --public")
        #expect(refused.exit == .status(1) && refused.output.isEmpty)
        #expect(
            refused.error.contains("standard input holds no WireGuard private key") && !refused.error.contains("QPO")
        )
    }

    @Test func refusesWhatGoesTogetherWithNothing() throws {
        #expect(try FakeDaemon.exitStatus(of: ["keygen", "--public", "--preshared"]) == 64)
        #expect(try FakeDaemon.exitStatus(of: ["keygen", "FILE"]) == 64)
        #expect(try FakeDaemon.exitStatus(of: ["keygen", "--public", "/nowhere/key"]) == 1)
    }
}
