// SPDX-License-Identifier: Apache-2.0

import Configuration
import NetworkTypes
import SystemIO
import Testing

/// Upstreams that are asked over TLS, and clients that are served so.
struct EncryptedNamesTests {
    private static let certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    private static let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"

    private func resolver(_ changes: (String, String)...) throws -> ResolverConfiguration {
        let file = try TemporaryFile(Example.replacing(changes))
        defer { try? file.remove() }
        for (name, text) in [
            ("roots.pem", Self.certificate), ("dns.pem", Self.certificate), ("keys/dns.key", Self.key),
        ] {
            try Files.replace("\(file.directory)/\(name)", with: Array(text.utf8))
        }
        return try #require(try Configuration.load(path: file.path).configuration.resolver)
    }

    private func server(_ text: String) throws -> ResolverConfiguration.UpstreamServer {
        try #require(try resolver(("{address: 192.0.2.53}", text)).upstreams.first)
    }

    @Test func anUpstreamIsAskedOverTLS() throws {
        let plain = try server("{address: 192.0.2.53, protocol: plain}")
        #expect(plain.upstream == Upstream(try #require(SocketEndpoint("192.0.2.53:53"))) && plain.terms == nil)
        let tls = try server("{address: 192.0.2.53, protocol: tls, server-name: dns.example.net}")
        #expect(tls.upstream == Upstream(try #require(SocketEndpoint("192.0.2.53:853")), .tls))
        #expect(tls.terms?.name == DomainName("dns.example.net") && tls.terms?.roots == nil)
        let https = try server(
            "{address: \"192.0.2.53:8443\", protocol: https, server-name: dns.example.net, ca-file: roots.pem}"
        )
        #expect(https.upstream == Upstream(try #require(SocketEndpoint("192.0.2.53:8443")), .https))
        #expect(https.terms?.path == "/dns-query" && https.terms?.roots == Self.certificate)
        let other = try server("{address: 192.0.2.53, protocol: https, server-name: a.b, path: \"/q?x=1\"}")
        #expect(other.upstream.endpoint.port == 443 && other.terms?.path == "/q?x=1")
    }

    @Test func clientsAreServedOverTLS() throws {
        let service = try #require(
            try resolver(
                (
                    "workers: 2",
                    "workers: 2\n  tls: {listen: [10.1.0.1], server-name: dns.example.net, certificate-file: dns.pem, "
                        + "private-key-file: keys/dns.key}"
                )
            ).tls
        )
        #expect(service.listen == [try #require(SocketEndpoint("10.1.0.1:853"))])
        #expect(service.name == DomainName("dns.example.net"))
        #expect(service.identity == ClientIdentity(certificates: Self.certificate, privateKey: Secret(Self.key.utf8)))
    }

    @Test(arguments: [
        (
            "{address: 192.0.2.53, protocol: tls}",
            "54:15: error: an upstream has no 'server-name' (server-name: NAME, as the server's certificate says)"
        ),
        (
            "{address: 192.0.2.53, protocol: dot, server-name: a.b}",
            "54:47: error: protocol must be plain or tls or https, not 'dot'"
        ),
        (
            "{address: 192.0.2.53, server-name: a.b}",
            "54:50: error: server-name says nothing of an upstream with protocol plain (protocol: tls, or https)"
        ),
        (
            "{address: 192.0.2.53, protocol: tls, server-name: a.b, path: /x}",
            "54:76: error: path says nothing of an upstream with protocol tls (protocol: https)"
        ),
        (
            "{address: 192.0.2.53, protocol: https, server-name: a.b, path: \"/q{?dns}\"}",
            "54:78: error: path: '/q{?dns}' is not a resource's path (as in /dns-query, without {?dns})"
        ),
        (
            "{address: 192.0.2.53, protocol: tls, server-name: 192.0.2.53}",
            "54:65: error: server-name: '192.0.2.53' is not a server's name (letters, digits and '-', as in "
                + "hub1.azure-devices.net)"
        ),
        (
            "{address: 192.0.2.53, protocol: tls, server-name: a.b, ca-file: none.pem}",
            "54:79: error: ca-file: cannot read 'none.pem': No such file or directory"
        ),
        (
            "{address: dns.example.net, protocol: tls, server-name: dns.example.net}",
            "54:25: error: address: 'dns.example.net' is not an address, with or without a port"
        ),
        (
            "{address: \"[2001:db8::53]:5353\"}",
            "54:59: error: [2001:db8::53]:5353 is there twice in upstreams (the first is on line 54)"
        ),
    ])
    func mistakesOfUpstreamsAreNamed(upstream: String, error: String) throws {
        try Example.expect(("{address: 192.0.2.53}", upstream), give: [error])
    }

    @Test(arguments: [
        (
            "{server-name: a.b}",
            [
                "8: error: tls has no 'certificate-file' (certificate-file: FILE and private-key-file: FILE)",
                "8: error: tls has no 'listen'",
            ]
        ),
        (
            "{listen: [10.1.0.1], private-key-file: keys/a.key}",
            [
                "8: error: tls has no 'server-name' (server-name: NAME, as the certificate says)",
                "47: error: private-key-file: the service has no certificate-file (certificate-file: FILE, with the "
                    + "certificate of that key)",
            ]
        ),
        (
            "{listen: [\"10.1.0.1:53\"], server-name: a.b}",
            [
                "8: error: tls has no 'certificate-file' (certificate-file: FILE and private-key-file: FILE)",
                "18: error: 10.1.0.1:53 is already listened on by resolver listen (the first is on line 50)",
            ]
        ),
    ])
    func mistakesOfTheServiceAreNamed(service: String, errors: [String]) throws {
        let file = try TemporaryFile(Example.replacing([("workers: 2", "workers: 2\n  tls: \(service)")]))
        defer { try? file.remove() }
        let found = file.diagnostics()
        #expect(found == errors.map { "53:\($0)" })
    }
}
