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

    /// What is freed is cleared only if everything in the process frees through the program's own free().
    @Test(arguments: ["pnetd", "pnetctl", "pnetd-frontend"])
    func clearsWhatIsFreed(program: String) throws {
        let path = "\(try Daemon.programs)/\(program)"
        let bindings = try Program.must(["env", "LD_DEBUG=bindings", "LD_BIND_NOW=1", path, "--version"])
            .split(separator: "\n")
        for symbol in ["free", "realloc"] {
            let bound = bindings.filter { $0.contains("symbol `\(symbol)'") }
            #expect(bound.contains { $0.contains("binding file /") && $0.contains("/libc.so.6 [0] to \(path) ") })
            #expect(bound.allSatisfy { $0.contains(" to \(path) ") }, "\(bound)")
        }
    }

    @Test(arguments: ["pnetd", "pnetctl", "pnetd-frontend"])
    func namesItsVersion(program: String) throws {
        #expect(try Program.must(["\(try Daemon.programs)/\(program)", "--version"]) == "0.1.0\n")
    }
}

/// The units, as systemd judges them by their text.
struct UnitTests {
    private static let folder = "\(#filePath.split(separator: "/Tests/GateTests/")[0])/etc/systemd"

    @Test(arguments: [
        ("pnetd", 30), ("pnetd-resolver", 20), ("pnetd-frontend", 20), ("pnetd-guard", 20), ("pnetd-wireguard@", 30),
    ])
    func exposureIsLow(unit: String, tenths: Int) throws {
        let check = try Program.run([
            "systemd-analyze", "security", "--offline=yes", "--threshold=\(tenths)", "\(Self.folder)/\(unit).service",
        ])
        #expect(check.status == 0, "\(check.output.suffix(200))")
        #expect(check.output.contains("Overall exposure level"))
    }
}
