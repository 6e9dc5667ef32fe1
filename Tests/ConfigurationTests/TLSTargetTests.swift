// SPDX-License-Identifier: Apache-2.0

import Configuration
import NetworkTypes
import SystemIO
import Testing

/// Targets that are asked by a TLS handshake.
struct TLSTargetTests {
    private static let begin = "-----BEGIN CERTIFICATE-----"
    private static let end = "-----END CERTIFICATE-----"

    private func target(_ text: String, files: [String: String] = [:]) throws -> TLSTarget? {
        let change = ("[{icmp: 10.30.0.4}]", "[{icmp: 10.30.0.4}, \(text)]")
        let file = try TemporaryFile(Example.replacing([change]))
        defer { #expect(throws: Never.self) { try file.remove() } }
        for (name, text) in files { try Files.replace("\(file.directory)/\(name)", with: Array(text.utf8)) }
        let site = try Configuration.load(path: file.path).configuration
        guard case .tls(let target) = site.networks.last?.targets.list.last else { return nil }
        return target
    }

    @Test func aNameAndAnAddressAreEnough() throws {
        let target = try #require(try target(#"{tls: "10.30.0.4:443", name: Hub1.Example.NET}"#))
        #expect(target.endpoint == SocketEndpoint("10.30.0.4:443"))
        #expect(target.name.withoutRootDot == "hub1.example.net")
        #expect(target.roots == nil && target.interval == .seconds(15))
    }

    /// What stands around the certificates stays where it is, and a key among them most of all.
    @Test func theRootsAreTheCertificatesAlone() throws {
        let certificates = "\(Self.begin)\nMIIB+/==\n\(Self.end)\n\(Self.begin)\nAAAA\n\(Self.end)\n"
        let key = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"
        let text = "subject=/CN=a root\n\(certificates)\(key)".replacing("\n", with: "\r\n")
        let target = try #require(
            try target(
                #"{tls: "10.30.0.4:443", name: hub1.example.net, ca-file: roots.pem, every: 5s}"#,
                files: ["roots.pem": text]
            )
        )
        #expect(target.roots == certificates)
        #expect(target.interval == .seconds(5))
    }

    @Test(arguments: [
        (
            #"{tls: "10.30.0.4:443"}"#,
            "56: error: a tls target has no name (name: NAME, as the server is called and as its certificate says)"
        ),
        (
            #"{tls: "hub1.azure-devices.net:443", name: a.b}"#,
            "56: error: tls: 'hub1.azure-devices.net:443' is not an address and a port (tls: ADDRESS:PORT, name: NAME)"
        ),
        (
            #"{tls: "10.31.0.4:443", name: a.b}"#,
            "56: error: target 10.31.0.4 lies in no prefix of network 'aws' (its packets would not take the network's "
                + "paths)"
        ),
        (
            #"{tls: "10.30.0.4:443", name: 10.30.0.4}"#,
            "79: error: name: '10.30.0.4' is not a server's name (letters, digits and '-', as in hub1.azure-devices.net)"
        ),
        (
            #"{tls: "10.30.0.4:443", name: "*.b"}"#,
            "79: error: name: '*.b' is not a server's name (letters, digits and '-', as in hub1.azure-devices.net)"
        ),
        (#"{tls: "10.30.0.4:443", name: a.b, every: 1s}"#, "91: error: every must be 5s to 1h, not 1s"),
        (#"{icmp: 10.30.0.5, name: a.b}"#, "74: error: name: only a tls or https target has one"),
        (#"{icmp: 10.30.0.5, every: 10s}"#, "75: error: every: only a tls or https target has one"),
        (
            #"{tls: "10.30.0.4:443", name: a.b, ca-file: none.pem}"#,
            "93: error: ca-file: cannot read 'none.pem': No such file or directory"
        ),
        (#"{tls: "10.30.0.4:443", name: a.b, ca-file: keys}"#, "93: error: ca-file: 'keys' is not a file"),
        (
            #"{tls: "10.30.0.4:443", name: a.b, ca-file: keys/a.key}"#,
            "93: error: ca-file: 'keys/a.key' holds no certificate, or half of one (PEM, from -----BEGIN "
                + "CERTIFICATE----- to -----END CERTIFICATE-----, one or more)"
        ),
    ])
    func mistakesAreNamed(target: String, error: String) throws {
        try Example.expect(("{icmp: 10.30.0.4}", "{icmp: 10.30.0.4}, \(target)"), give: ["43:\(error)"])
    }

    @Test(arguments: ["\(begin)\nAAAA\n", "\(begin)\nAA AA\n\(end)\n", "\(begin)\n\(begin)\nAAAA\n\(end)\n"])
    func halfACertificateIsNone(text: String) throws {
        #expect(throws: ConfigurationErrors.self) {
            try target(#"{tls: "10.30.0.4:443", name: a.b, ca-file: roots.pem}"#, files: ["roots.pem": text])
        }
    }

    /// What is asked so seldom finds no dead path in time.
    @Test func oneThatIsAskedOftenIsNeeded() throws {
        try Example.expect(
            ("[{icmp: 10.30.0.4}]", #"[{tls: "10.30.0.4:443", name: a.b}]"#),
            give: [
                "43:30: error: list: network 'aws' has tls and https targets only, asked too seldom to know a dead path "
                    + "in time (needs at least one of icmp, tcp and dns)"
            ]
        )
    }

    @Test func noneIsListedTwice() throws {
        try Example.expect(
            (
                "[{icmp: 10.30.0.4}]",
                #"[{icmp: 10.30.0.4}, {tls: "10.30.0.4:443", name: a.b}, {tls: "10.30.0.4:443", name: A.B, every: 5s}]"#
            ),
            give: ["43:85: error: tls 10.30.0.4:443 as a.b is listed twice (the first is on line 43)"]
        )
        try Example.expect(
            ("[{icmp: 10.30.0.4}]", "[{icmp: 10.30.0.4}, {icmp: 10.30.0.5}, {icmp: 10.30.0.4}]"),
            give: ["43:69: error: icmp 10.30.0.4 is listed twice (the first is on line 43)"]
        )
    }
}
