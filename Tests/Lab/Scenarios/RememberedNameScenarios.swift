// SPDX-License-Identifier: Apache-2.0

import CLinux
import Lab
import SystemIO
import Testing

extension Scenarios {
    /// Names that were good last, after all processes have ended.
    @Suite(.serialized)
    struct RememberedNames {
        private static let name = "hub1.privatelink.azure-devices.net"

        /// As an edge host that boots while the cloud's DNS server is down, and its path and its hosts are well.
        @Test(.anyKernel) func areAnsweredByTheNextResolver() throws {
            try scenario("remembered") { lab, daemon in
                let host = try lab.cloud.start("host", "socat", "TCP-LISTEN:443,fork,reuseaddr,bind=10.20.0.4", "PIPE")
                try daemon.start()
                try daemon.waitFor(path: .a)
                try daemon.waitForNames()
                let file = "\(lab.site.folder)/state/remembered-names"
                try waitUntil("it is written down", within: .seconds(15)) { (try? Files.read(file)) != nil }
                let resolvers = lab.site.processes(running: "pnetd resolver")
                try daemon.killAgent()
                for pid in resolvers + lab.cloud.processes(running: "private-dns.conf") { kill(pid, SIGKILL) }
                try waitUntil("they are gone") { lab.site.processes(running: "pnetd resolver").isEmpty }
                try daemon.start()
                try daemon.waitFor(path: .a)
                try waitUntil("what was good last is answered") {
                    let text = try daemon.dig(Self.name)
                    return text.contains("EDE: 3 (Stale Answer)") && text.contains("A\t10.20.0.4\n")
                }
                // What nobody has asked for before is not known.
                #expect(try daemon.dig("+time=6", "hub2.privatelink.azure-devices.net").contains("status: SERVFAIL"))
                host.signal(SIGKILL)
                try waitUntil("it is not answered where the host is gone", within: .seconds(25)) {
                    try daemon.dig("+time=6", Self.name).contains("status: SERVFAIL")
                }
            }
        }
    }
}
