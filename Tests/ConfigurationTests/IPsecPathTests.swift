// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO
import Testing

@testable import Configuration

/// Paths of `kind: ipsec`.
struct IPsecPathTests {
    private static let certificate = "-----BEGIN CERTIFICATE-----\nTUlJ\n-----END CERTIFICATE-----\n"
    private static let key = "-----BEGIN PRIVATE KEY-----\nTUlJ\n-----END PRIVATE KEY-----\n"

    /// The example with its second path as an IPsec tunnel, and the files that such a path names.
    private func file(_ tunnel: String) throws -> TemporaryFile {
        let start = try #require(Example.text.firstRange(of: "  vpn-b:\n"))
        let end = try #require(Example.text.firstRange(of: "networks:\n"))
        let path = "  vpn-b: {kind: ipsec, interface: pn-b, addresses: [10.98.0.2/30], \(tunnel)}\n"
        let text = Example.text[..<start.lowerBound] + path + Example.text[end.lowerBound...]
        let file = try TemporaryFile(Array(text.utf8))
        for (name, octets) in [
            ("edge.pem", Self.certificate + Self.certificate), ("ca.pem", Self.certificate), ("edge.key", Self.key),
            ("tunnel.psk", "0123456789abcdef\n"), ("short.psk", "0123456789abcde\n"),
        ] { try Files.replace(file.directory + "/keys/\(name)", with: Array(octets.utf8)) }
        return file
    }

    private func tunnel(_ text: String) throws -> IPsecConfiguration? {
        let file = try file(text)
        defer { try? file.remove() }
        return try Configuration.load(path: file.path).configuration.paths[1].ipsec
    }

    private static let shared = "underlay: {interface: eth1}, preshared-key-file: keys/tunnel.psk"

    @Test func readsATunnelWithASharedKey() throws {
        let tunnel = try #require(
            try tunnel("\(Self.shared), local: {id: plant-7.example.net}, remote: {endpoint: 198.51.100.1}")
        )
        #expect(tunnel.proof == .presharedKey(Secret("0123456789abcdef".utf8)))
        #expect(tunnel.localID == "plant-7.example.net" && tunnel.remoteID == "198.51.100.1")
        #expect(tunnel.remote.address?.description == "198.51.100.1" && tunnel.remote.port == 500)
        #expect(tunnel.proposals == .standard && !tunnel.forcesEncapsulation)
        #expect(tunnel.localTraffic.map(\.description) == ["0.0.0.0/0", "::/0"])
        #expect(tunnel.underlay.interface.text == "eth1")
    }

    /// The tunnel's policies would not take what leaves from elsewhere.
    @Test func takesWhatTheSourceSends() throws {
        let base = "\(Self.shared), local: {id: a}, remote: {endpoint: 198.51.100.1}, source: 10.1.0.1"
        #expect(try tunnel(base) != nil)
        #expect(try tunnel("\(base), traffic: {local: [10.1.0.0/16]}") != nil)
        let file = try file("\(base), traffic: {local: [10.98.0.0/30]}")
        let problems = file.diagnostics()
        try file.remove()
        #expect(
            problems.count == 1
                && problems[0].hasSuffix(
                    "error: source 10.1.0.1 lies in nothing of the local traffic of path 'vpn-b' "
                        + "(the tunnel does not take what leaves from there: add it to 'traffic')"
                )
        )
    }

    @Test func readsATunnelWithCertificates() throws {
        let tunnel = try #require(
            try tunnel(
                "underlay: {interface: eth1}, local: {certificate: keys/edge.pem, private-key-file: keys/edge.key}, "
                    + "remote: {endpoint: gw.example.net, id: \"C=CH, CN=gw\", ca-certificates: [keys/ca.pem]}, "
                    + "proposals: {esp: [aes128gcm16]}, traffic: {remote: [10.30.0.0/16]}, encapsulation: always"
            )
        )
        guard case .certificates(let proof) = tunnel.proof else {
            Issue.record("it proves itself by \(tunnel.proof)")
            return
        }
        #expect(proof.own == [Self.certificate, Self.certificate] && proof.authorities == [Self.certificate])
        #expect(proof.privateKey == Secret(Self.key.utf8))
        #expect(tunnel.localID == nil && tunnel.remoteID == "C=CH, CN=gw")
        #expect(tunnel.remote.name?.description == "gw.example.net.")
        #expect(
            tunnel.proposals.esp == ["aes128gcm16"] && tunnel.proposals.ike == IPsecConfiguration.Proposals.standard.ike
        )
        #expect(tunnel.remoteTraffic.map(\.description) == ["10.30.0.0/16"] && tunnel.forcesEncapsulation)
    }

    @Test(arguments: [
        (
            "underlay: {interface: eth1}, local: {id: a}, remote: {endpoint: 198.51.100.1}",
            "path 'vpn-b' has nothing to prove who we are (preshared-key-file: FILE; or certificate and private-key-file "
                + "in local)"
        ),
        (
            "underlay: {interface: eth1}, local: {certificate: keys/edge.pem, private-key-file: keys/edge.key}, "
                + "remote: {endpoint: 198.51.100.1}",
            "remote of path 'vpn-b' has no ca-certificates (ca-certificates: [FILE, …], of those who vouch for the other "
                + "end)"
        ),
        (
            "underlay: {interface: eth1}, local: {certificate: keys/edge.pem}, remote: {endpoint: 198.51.100.1}",
            "local of path 'vpn-b' has no private-key-file (private-key-file: FILE, with the key of that certificate)"
        ),
        (
            "\(shared), local: {}, remote: {endpoint: 198.51.100.1, ca-certificates: [keys/ca.pem]}",
            "path 'vpn-b' has both certificates and a preshared key (remove one)"
        ),
        (
            "underlay: {interface: eth1}, preshared-key-file: keys/short.psk, local: {}, remote: {endpoint: 198.51.100.1}",
            "preshared-key-file: 'keys/short.psk' holds no key of 16 to 256 octets (openssl rand -base64 32 makes one; a "
                + "shorter one is soon guessed by whoever poses as the other end)"
        ),
        (
            "\(shared), local: {}, remote: {endpoint: \"198.51.100.1:500\"}",
            "endpoint: '198.51.100.1:500' is no address and no name (without a port: IKE has its own)"
        ),
        (
            "\(shared), local: {}, remote: {endpoint: 10.30.0.1}",
            "endpoint 10.30.0.1 lies in 10.30.0.0/16 of network 'aws' (the guard would drop the tunnel's own packets)"
        ),
        (
            "\(shared), local: {}, remote: {endpoint: 198.51.100.1}, proposals: {ike: [\"aes256 sha256\"]}",
            "ike: 'aes256 sha256' is no proposal (as in aes256gcm16-ecp384)"
        ),
        (
            "\(shared), local: {}, remote: {endpoint: 198.51.100.1}, encapsulation: never",
            "encapsulation must be auto or always, not 'never'"
        ),
        (
            "underlay: {interface: eth1}, preshard-key-file: k, local: {}, remote: {endpoint: 198.51.100.1}",
            "unknown key 'preshard-key-file' in path 'vpn-b' (did you mean 'preshared-key-file'?)"
        ),
        (
            "\(shared), local: {}, remote: {endpoint: 198.51.100.1}, preset: azure",
            "'preset' is part of the design but not of this version (remove it)"
        ),
    ])
    func mistakesAreNamed(tunnel: String, error: String) throws {
        let file = try file(tunnel)
        defer { try? file.remove() }
        let found = file.diagnostics().filter { $0.contains("error") }
        #expect(found.count == 1 && found.first?.hasSuffix("error: " + error) == true, "\(found)")
    }
}
