// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import Lab
import NetworkTypes
import Testing

extension Scenarios {
    /// Names between a private and a public server that are real ones.
    @Suite(.serialized)
    struct Names {
        /// A name of a private zone whose server says where it is publicly, and a public one that leads to the cloud.
        @Test(.anyKernel) func leadWhereTheyMayAndNowhereElse() throws {
            try scenario("names") { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                try daemon.waitForNames()
                func answer(_ name: String, _ type: String) throws -> String { try daemon.dig(name, type) }
                let stray = "stray.privatelink.azure-devices.net"
                for type in ["A", "HTTPS"] {
                    let text = try answer(stray, type)
                    #expect(text.contains("status: NOERROR") && text.contains("ANSWER: 0"), "\(text)")
                    #expect(text.contains("EDE: 15 (Blocked): (an address outside of the zone's network was left out)"))
                    #expect(text.contains("privatelink.azure-devices.net. 10 IN\tSOA"), "\(text)")
                }
                #expect(try daemon.dig("+short", stray, "AAAA") == "fd00:20::4\n")
                #expect(try daemon.dig("+short", "hub1.privatelink.azure-devices.net", "A") == "10.20.0.4\n")
                #expect(try daemon.dig("+short", "evil.example.net", "A") == "")
                #expect(try daemon.dig("+short", "www.example.net", "A") == "203.0.113.81\n")
                try waitUntil("status tells of both", within: .seconds(10)) {
                    let warnings = try daemon.status().warnings
                    return warnings.contains {
                        $0.hasPrefix("zone privatelink.azure-devices.net: 3 records of the last minute")
                    }
                        && warnings.contains { $0.hasPrefix("2 records of the last minute led from public names") }
                }
            }
        }
    }
}
