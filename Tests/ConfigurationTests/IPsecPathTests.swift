// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO
import Testing

@testable import Configuration

/// Paths of `kind: ipsec`.
struct IPsecPathTests {
    private func tunnel(_ text: String) throws -> IPsecConfiguration? { try IPsecFile.path(text).ipsec }

    private static let shared = IPsecFile.shared

    @Test func readsATunnelWithASharedKey() throws {
        let tunnel = try #require(
            try tunnel("\(Self.shared), local: {id: plant-7.example.net}, remote: {endpoint: 198.51.100.1}")
        )
        #expect(tunnel.proof == .presharedKey(Secret("0123456789abcdef".utf8)))
        #expect(tunnel.localID == "plant-7.example.net" && tunnel.remoteID == "198.51.100.1")
        #expect(tunnel.remote.address?.description == "198.51.100.1" && tunnel.remote.port == 500)
        #expect(tunnel.terms == .standard && tunnel.gateway == nil && !tunnel.forcesEncapsulation)
        #expect(tunnel.localTraffic.map(\.description) == ["0.0.0.0/0", "::/0"])
        #expect(tunnel.underlay.interface.text == "eth1")
    }

    /// The tunnel's policies would not take what leaves from elsewhere.
    @Test func takesWhatTheSourceSends() throws {
        let base = "\(Self.shared), local: {id: a}, remote: {endpoint: 198.51.100.1}, source: 10.1.0.1"
        #expect(try tunnel(base) != nil)
        #expect(try tunnel("\(base), traffic: {local: [10.1.0.0/16]}") != nil)
        let file = try IPsecFile.with("\(base), traffic: {local: [10.98.0.0/30]}")
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
        #expect(
            proof.own == [IPsecFile.certificate, IPsecFile.certificate] && proof.authorities == [IPsecFile.certificate]
        )
        #expect(proof.privateKey == Secret(IPsecFile.key.utf8))
        #expect(tunnel.localID == nil && tunnel.remoteID == "C=CH, CN=gw")
        #expect(tunnel.remote.name?.description == "gw.example.net.")
        #expect(tunnel.terms.proposals.esp == ["aes128gcm16"])
        #expect(tunnel.terms.proposals.ike == IPsecTerms.Proposals.standard.ike)
        #expect(tunnel.remoteTraffic.map(\.description) == ["10.30.0.0/16"] && tunnel.forcesEncapsulation)
    }

    @Test func readsAPostQuantumKey() throws {
        let least = IPsecFile.least
        let key = try tunnel("\(least), ppk: {id: plant-7.ppk, key-file: keys/tunnel.ppk}")?.postQuantumKey
        #expect(key?.identity == "plant-7.ppk" && key?.isRequired == true)
        #expect(key?.key == Secret("0123456789abcdef0123456789abcdef".utf8))
        let optional = try tunnel("\(least), ppk: {id: a, key-file: keys/tunnel.ppk, required: false}")?.postQuantumKey
        #expect(optional?.isRequired == false)
        #expect(try tunnel(least)?.postQuantumKey == nil)
    }

    private static let proof =
        "underlay: {interface: eth1}, local: {certificate: keys/edge.pem, private-key-file: keys/edge.key}"

    @Test func readsListsOfRevokedCertificatesAndHowOftenItIsProven() throws {
        let (authority, far) = ("ca-certificates: [keys/ca.pem]", "endpoint: 198.51.100.1")
        let plain = try #require(try tunnel("\(Self.proof), remote: {\(far), \(authority)}"))
        let told = try #require(
            try tunnel(
                "\(Self.proof), reauthentication: 12h, remote: {\(far), \(authority), crls: [keys/list.crl], "
                    + "revocation: strict}"
            )
        )
        guard case .certificates(let first) = plain.proof, case .certificates(let second) = told.proof else {
            Issue.record("no certificates")
            return
        }
        #expect(first.revocationLists == [] && first.revocation == .relaxed)
        #expect(second.revocationLists.count == 1 && second.revocation == .strict)
        #expect(plain.reauthentication == .seconds(86_400) && told.reauthentication == .seconds(43_200))
        let never = try tunnel("\(Self.proof), reauthentication: never, remote: {\(far), \(authority)}")
        #expect(never?.reauthentication == .some(nil))
    }

    /// The list as its authority publishes it, most often DER; and who watches the files is told which they are.
    @Test func takesDERAndTellsWhichFilesItRead() throws {
        let file = try IPsecFile.with(
            "\(Self.proof), remote: {endpoint: 198.51.100.1, ca-certificates: [keys/ca.pem], crls: [keys/list.crl]}"
        )
        defer { try? file.remove() }
        let list = "\(file.directory)/keys/list.crl"
        let der: [UInt8] = [0x30, 0x82, 0x01, 0x00] + [UInt8](repeating: 5, count: 256)
        try Files.replace(list, with: der)
        let loaded = try Configuration.load(path: file.path)
        #expect(
            loaded.credentialFiles.keys.sorted()
                == ["ca.pem", "edge.key", "edge.pem", "list.crl"].map { "\(file.directory)/keys/\($0)" }
        )
        #expect(loaded.credentialFiles[list] == (try Files.status(of: list)))
        try Files.replace(list, with: der)
        #expect(loaded.credentialFiles[list] != (try Files.status(of: list)), "another file")
        let pem = "-----BEGIN X509 CRL-----\nTUlJ\n-----END X509 CRL-----\n"
        try Files.replace(list, with: Array((pem + pem).utf8))
        guard
            case .certificates(let proof)? = try Configuration.load(path: file.path).configuration.paths[1].ipsec?.proof
        else {
            Issue.record("no certificates")
            return
        }
        #expect(proof.revocationLists == [Array(pem.utf8), Array(pem.utf8)], "each by itself")
        try Files.replace(list, with: [0x30, 0x83, 0x01, 0x00, 0x00] + [UInt8](repeating: 5, count: 65_536))
        #expect(
            file.diagnostics().contains { $0.contains("is longer than the 65000 octets that charon takes (smaller") }
        )
        for broken in [Array(der.dropLast()), der + [0], [0x30], [], Array("<html>".utf8)] {
            try Files.replace(list, with: broken)
            let found = file.diagnostics().filter { $0.contains("error") }
            #expect(found.count == 1 && found.first?.contains("holds no list of revoked certificates") == true)
        }
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
            "\(shared), local: {}, remote: {endpoint: 198.51.100.1, crls: [keys/list.crl]}",
            "remote of path 'vpn-b' has no ca-certificates whose lists these could be (remove it)"
        ),
        (
            "\(proof), remote: {endpoint: 198.51.100.1, ca-certificates: [keys/ca.pem], revocation: hard}",
            "revocation must be relaxed or ifuri or strict, not 'hard'"
        ),
        (
            "\(shared), local: {}, remote: {endpoint: 198.51.100.1}, reauthentication: 1m",
            "reauthentication must be 5m to 30d, or never, not 1m"
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
            "\(IPsecFile.least), ppk: {id: a, key-file: keys/short.ppk}",
            "key-file: 'keys/short.ppk' holds no key of 32 to 256 octets (openssl rand -base64 48 makes one)"
        ),
        (
            "\(IPsecFile.least), ppk: {id: a}",
            "ppk of path 'vpn-b' has no 'key-file' (or key-credential: NAME, of systemd)"
        ),
        (
            "\(IPsecFile.least), ppk: {key-file: keys/tunnel.ppk}",
            "ppk of path 'vpn-b' has no 'id' (what both ends call the key)"
        ),
        (
            "\(IPsecFile.least), ppk: {id: 192.0.2.1, key-file: keys/tunnel.ppk}",
            "id: '192.0.2.1' is no name of a ppk (1 to 64 letters, digits, '-', '_', '.'; no address)"
        ),
        (
            "\(IPsecFile.least), ppk: {id: \"C=CH, CN=a\", key-file: keys/tunnel.ppk}",
            "id: 'C=CH, CN=a' is no name of a ppk (1 to 64 letters, digits, '-', '_', '.'; no address)"
        ),
        (
            "\(shared), local: {}, remote: {endpoint: 198.51.100.1}, preset: gpc",
            "preset must be azure or aws or gcp, not 'gpc' (did you mean 'gcp'?)"
        ),
        (
            "\(shared), local: {}, remote: {endpoint: 198.51.100.1}, preset: oracle",
            "preset must be azure or aws or gcp, not 'oracle'"
        ),
        (
            "\(shared), local: {}, remote: {endpoint: 198.51.100.1}, lifetimes: {ike: 4h, child: 1m}",
            "child must be 5m to 24h, not 1m"
        ),
        (
            "\(shared), local: {}, remote: {endpoint: 198.51.100.1}, lifetimes: {esp: 1h}",
            "unknown key 'esp' in lifetimes of path 'vpn-b' (known here: ike, child)"
        ),
    ])
    func mistakesAreNamed(tunnel: String, error: String) throws {
        let file = try IPsecFile.with(tunnel)
        defer { try? file.remove() }
        let found = file.diagnostics().filter { $0.contains("error") }
        #expect(found.count == 1 && found.first?.hasSuffix("error: " + error) == true, "\(found)")
    }

    /// charon finds a key by its identity alone.
    @Test func oneIdentityIsOneKey() throws {
        let other =
            "\n  vpn-c: {kind: ipsec, interface: pn-c, addresses: [10.97.0.2/30], underlay: {interface: eth1}, "
            + "preshared-key-file: keys/tunnel.psk, local: {}, remote: {endpoint: 198.51.100.2}, "
            + "ppk: {id: a, key-file: keys/KEY}}\nnetworks:"
        for (key, isFine) in [("tunnel.ppk", true), ("edge.key", false)] {
            let file = try IPsecFile.with("\(IPsecFile.least), ppk: {id: a, key-file: keys/tunnel.ppk}")
            defer { try? file.remove() }
            let text = String(decoding: try Files.read(file.path), as: UTF8.self)
            let both = text.replacing("\nnetworks:", with: other.replacing("KEY", with: key), maxReplacements: 1)
            try Files.replace(file.path, with: Array(both.utf8))
            let errors = file.diagnostics().filter { $0.contains("error: ") }
            let message =
                "error: the ppk 'a' is another key than that of path 'vpn-b' (another id for it, at both ends)"
            #expect(isFine ? errors == [] : errors.count == 1 && errors[0].hasSuffix(message), "\(errors)")
        }
    }
}
