// SPDX-License-Identifier: Apache-2.0

import CLinux
import Configuration
import SystemIO
import Testing

@testable import pnetctl

struct CheckTests {
    @Test func exitsWith1ForAFileWithErrors() throws {
        let path = "/tmp/pnetctl-test-\(UInt64.random(in: 0...UInt64.max)).yaml"
        try Files.replace(path, with: Array("version: 2\n".utf8))
        #expect(try FakeDaemon.exitStatus(of: ["check", path]) == 1)
        try Files.remove(path)
        #expect(try FakeDaemon.exitStatus(of: ["check", path]) == 1)
    }

    /// The agent is root without the capability to overlook modes and owners.
    @Test(.enabled(if: Account.currentUser == 0, "only root can give a folder away"))
    func readsNoMoreThanTheAgentWill() throws {
        let folder = "/tmp/pnetctl-test-\(UInt64.random(in: 0...UInt64.max))"
        try Files.makeDirectory(folder, mode: 0o700)
        defer { unsafe rmdir(folder) }
        let path = "\(folder)/pnetd.yaml"
        try Files.replace(path, with: Array("version: 1\n".utf8))
        defer { try? Files.remove(path) }
        try #require(unsafe chown(folder, 65534, 65534) == 0)
        let failure = #expect(throws: ConfigurationErrors.self) { try CheckCommand.load(path) }
        #expect(failure?.description.contains("Permission denied") == true)
        #expect(try !Files.read(path).isEmpty, "what was put aside is there again")
    }

    @Test func exitsWith0ForAValidFile() throws {
        let key = "/tmp/pnetctl-test-\(UInt64.random(in: 0...UInt64.max)).key"
        let text = """
            version: 1
            site: small
            paths:
              only:
                kind: wireguard
                interface: pn0
                addresses: [10.99.0.2/30]
                private-key-file: \(key)
                underlay: {interface: eth0}
                peers: [{public-key: hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=}]
            networks:
              cloud: {prefixes: [10.20.0.0/16], paths: [only], targets: {list: [{icmp: 10.20.0.4}]}}
            """
        try Files.replace(key, with: Array("QPOqDwSCpRkBLcc0ZAxsfdnXNOn3EUjP1sUHHSmJ0Vw=".utf8))
        try Files.replace(key + ".yaml", with: Array(text.utf8))
        #expect(try FakeDaemon.exitStatus(of: ["check", key + ".yaml"]) == 0)
        try Files.remove(key)
        try Files.remove(key + ".yaml")
    }
}
