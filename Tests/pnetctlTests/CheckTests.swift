// SPDX-License-Identifier: Apache-2.0

import SystemIO
import Testing

struct CheckTests {
    @Test func exitsWith1ForAFileWithErrors() throws {
        let path = "/tmp/pnetctl-test-\(UInt64.random(in: 0...UInt64.max)).yaml"
        try Files.replace(path, with: Array("version: 2\n".utf8))
        #expect(try FakeDaemon.exitStatus(of: ["check", path]) == 1)
        try Files.remove(path)
        #expect(try FakeDaemon.exitStatus(of: ["check", path]) == 1)
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
