// SPDX-License-Identifier: Apache-2.0

import Lab
import Testing

/// What no change may break unnoticed, whatever it is about.
struct GateTests {
    /// Full Foundation costs 45 MB of binary and 12 MB of memory; FoundationEssentials is allowed.
    @Test(arguments: ["pnetd", "pnetctl", "pnetd-frontend"])
    func linksNoFullFoundation(program: String) throws {
        let libraries = try Program.must(["ldd", "\(try Daemon.programs)/\(program)"])
        #expect(libraries.contains("libc.so"), "ldd sees the libraries")
        for name in ["libFoundation.so", "libFoundationInternationalization.so", "lib_FoundationICU.so"] {
            #expect(!libraries.contains(name))
        }
    }

    @Test(arguments: ["pnetd", "pnetctl", "pnetd-frontend"])
    func namesItsVersion(program: String) throws {
        #expect(try Program.must(["\(try Daemon.programs)/\(program)", "--version"]) == "0.1.0\n")
    }
}
