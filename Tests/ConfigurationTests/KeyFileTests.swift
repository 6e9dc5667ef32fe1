// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import NetworkTypes
import SystemIO
import Testing

struct KeyFileTests {
    @Test func missingKeyFile() throws {
        try Example.expect(
            (
                "    private-key-file: keys/a.key\n    listen-port",
                "    private-key-file: keys/none.key\n    listen-port"
            ),
            give: [
                "8:23: error: private-key-file: cannot read 'keys/none.key': No such file or "
                    + "directory"
            ]
        )
    }

    @Test func openKeyFile() throws {
        try Example.expect(
            ("preshared-key-file: keys/a.psk", "preshared-key-file: keys/open.key"),
            give: [
                "14:29: error: preshared-key-file: 'keys/open.key' is open to others than its "
                    + "owner (chmod 600 DIR/keys/open.key)"
            ]
        )
    }

    @Test func keyFileWithoutKey() throws {
        try Example.expect(
            (
                "    private-key-file: keys/a.key\n    listen-port",
                "    private-key-file: keys/bad.key\n    listen-port"
            ),
            give: [
                "8:23: error: private-key-file: 'keys/bad.key' holds no WireGuard key (one "
                    + "line of 44 characters, as `wg genkey` prints)"
            ]
        )
    }

    /// Whoever owns it can read it and put another in its place, whatever its mode says.
    @Test(.enabled(if: Account.currentUser == 0, "only root can give a file away"))
    func keyFileOfSomebodyElse() throws {
        let file = try TemporaryFile(Example.replacing([]))
        let psk = file.directory + "/keys/a.psk"
        try FileManager.default.setAttributes([.ownerAccountID: 65534], ofItemAtPath: psk)
        #expect(
            file.diagnostics() == [
                "14:29: error: preshared-key-file: 'keys/a.psk' belongs to user 65534, not to root "
                    + "(chown root DIR/keys/a.psk)"
            ]
        )
        try file.remove()
    }

    /// As systemd has its credentials.
    @Test func keyFileBehindALink() throws {
        let file = try TemporaryFile(
            Example.replacing([("preshared-key-file: keys/a.psk", "preshared-key-file: keys/link")])
        )
        try FileManager.default.createSymbolicLink(
            atPath: file.directory + "/keys/link",
            withDestinationPath: file.directory + "/keys/a.psk"
        )
        #expect(file.diagnostics() == [])
        try FileManager.default.removeItem(atPath: file.directory + "/keys/link")
        try FileManager.default.createSymbolicLink(
            atPath: file.directory + "/keys/link",
            withDestinationPath: file.directory + "/keys/open.key"
        )
        #expect(
            file.diagnostics() == [
                "14:29: error: preshared-key-file: 'keys/link' is open to others than its owner "
                    + "(chmod 600 DIR/keys/link)"
            ]
        )
        try file.remove()
    }

    /// Opening a pipe that nobody writes to would wait for ever.
    @Test func deviceAsKeyFile() throws {
        try Example.expect(
            ("preshared-key-file: keys/a.psk", "preshared-key-file: /dev/zero"),
            give: ["14:29: error: preshared-key-file: '/dev/zero' is not a file"]
        )
    }

    @Test func directoryAsKeyFile() throws {
        try Example.expect(
            ("    private-key-file: keys/a.key\n    listen-port", "    private-key-file: keys\n    listen-port"),
            give: ["8:23: error: private-key-file: 'keys' is not a file"]
        )
    }

    @Test func keyInsteadOfItsFile() throws {
        try Example.expect(
            (
                "preshared-key-file: keys/a.psk",
                "preshared-key-file: QPOqDwSCpRkBLcc0ZAxsfdnXNOn3EUjP1sUHHSmJ0Vw="
            ),
            give: [
                "14:29: error: preshared-key-file must name a file, not hold the key (move the "
                    + "key to a file of its own)"
            ]
        )
    }

    /// The error about it would carry it into a log.
    @Test(arguments: [
        ("mtu: 1420", "mtu: KEY"), ("interface: pn-a", "interface: KEY"), ("10.99.0.2/30", "KEY"),
        ("site: plant-7", "site: KEY"), ("mtu: 1420", "KEY: 1420"), ("mtu: 1420", "private-key: KEY"),
        ("192.0.2.10:51820", "KEY"), ("keepalive: 15s", "keepalive: KEY"), ("mtu: 1420", "KEY"),
        ("paths: [vpn-a, vpn-b]", "paths: [vpn-a, KEY]"), ("keys/a.psk", "keys/KEY"), ("keys/a.psk", "'x KEY'"),
        ("keys/a.psk", "{a: KEY}"), ("icmp: 10.20.0.4", "icmp: KEY"), ("name: plant.internal", "name: KEY"),
        ("historian A 10.30.0.10", "historian TXT KEY KEY x"), ("group: pnetd", "group: KEY"),
        ("https://alerts.example.net/hook", "KEY"),
    ])
    func keyInTheWrongPlace(old: String, new: String) throws {
        let octets = (0..<32).map { _ in UInt8.random(in: 0 ... .max) }
        let hexadecimal = octets.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        let base64 = try #require(WireGuardPublicKey(bytes: octets)).description
        for key in [base64, String(base64.dropLast()), String(base64.dropFirst()), hexadecimal] {
            let file = try TemporaryFile(Example.replacing([(old, new.replacing("KEY", with: key))]))
            let said = file.diagnostics().joined(separator: "\n")
            #expect(!said.contains(key.dropFirst(3).prefix(12)), "\(said)")
            try file.remove()
        }
    }

    @Test func noKeyFile() throws {
        try Example.expect(
            ("    private-key-file: keys/a.key\n    listen-port", "    listen-port"),
            give: ["4:3: error: path 'vpn-a' has no 'private-key-file' (or private-key-credential: NAME, of systemd)"]
        )
    }
}
