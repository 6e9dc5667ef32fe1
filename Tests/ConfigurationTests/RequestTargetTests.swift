// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO
import Testing

@testable import Configuration

/// Targets that are shown who we are, and those that a request is made to.
struct RequestTargetTests {
    private static let certificate = "-----BEGIN CERTIFICATE-----\nMIIB+/==\n-----END CERTIFICATE-----\n"
    private static let key = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"
    private static let encrypted = key.replacing("PRIVATE", with: "ENCRYPTED PRIVATE")
    /// The files beside every file of these tests: what they hold, and who may read them.
    private static let files: [(name: String, text: String, mode: UInt32)] = [
        ("edge.pem", certificate, 0o644), ("edge.key", "EC PARAMETERS\n" + key, 0o600), ("open.pem", key, 0o644),
        ("two.key", key + key, 0o600), ("locked.key", encrypted, 0o600),
        (
            "old.key",
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAA==\n-----END RSA PRIVATE KEY-----\n", 0o600
        ),
        ("edge.sas", " AAEC\n", 0o600), ("open.sas", "AAEC", 0o640), ("bad.sas", "shared key", 0o600),
        ("empty.sas", "\n", 0o600),
    ]

    private func file(_ list: String) throws -> TemporaryFile {
        let file = try TemporaryFile(Example.replacing([("[{icmp: 10.30.0.4}]", "[{icmp: 10.30.0.4}, \(list)]")]))
        for (name, text, mode) in Self.files {
            try Files.replace("\(file.directory)/\(name)", with: Array(text.utf8), mode: mode)
        }
        return file
    }

    private func target(_ text: String) throws -> TLSTarget? {
        let file = try file(text)
        defer { #expect(throws: Never.self) { try file.remove() } }
        let site = try Configuration.load(path: file.path).configuration
        guard case .tls(let target) = site.networks.last?.targets.list.last else { return nil }
        return target
    }

    @Test func anIdentityIsReadAndNeverPrinted() throws {
        let target = try #require(
            try target(
                #"{tls: "10.30.0.4:443", name: hub1.example.net, certificate-file: edge.pem, "#
                    + "private-key-file: edge.key}"
            )
        )
        #expect(target.identity?.certificates == Self.certificate)
        #expect(target.identity?.privateKey == Secret(Self.key.utf8))
        #expect(target.request == nil && target.interval == .seconds(15))
        #expect(!"\(target)".contains("c2VjcmV0") && !String(reflecting: target).contains("c2VjcmV0"))
        var dumped = ""
        dump(target, to: &dumped)
        #expect(!dumped.contains("c2VjcmV0") && !dumped.contains("99, 50, 86"))
    }

    @Test func aPathIsEnoughForARequest() throws {
        let target = try #require(try target(#"{https: "10.30.0.4:443", name: hub1.example.net, path: "/a?b=%20"}"#))
        #expect(target.request == HTTPRequest(path: "/a?b=%20", statuses: 200...399, access: nil))
        #expect(target.interval == .seconds(30) && target.identity == nil)
    }

    @Test func aSharedKeyIsDecoded() throws {
        let text = #"{https: "10.30.0.4:443", name: hub1.example.net, path: /, status: 204, every: 1m, "#
        let target = try #require(
            try target(text + "sas: {resource: hub1/devices/edge-1, key-file: edge.sas, policy: device, valid: 5m}}")
        )
        let access = try #require(target.request?.access)
        #expect(access.key == Secret([0, 1, 2]) && access.resource == "hub1/devices/edge-1")
        #expect(access.policy == "device" && access.validity == .seconds(300))
        #expect(target.request?.statuses == 204...204)
        #expect(
            try self.target(text + "sas: {resource: a, key-file: edge.sas}}")?.request?.access?.validity
                == .seconds(3_600)
        )
    }

    private static let tls = #"tls: "10.30.0.4:443", name: a.b"#
    private static let https = #"https: "10.30.0.4:443", name: a.b, path: /"#
    private static let sas = #"https: "10.30.0.4:443", name: a.b, path: /, sas: {resource: a, "#

    /// Each with what the error stands at.
    @Test(arguments: [
        (
            "{\(tls), certificate-file: edge.pem}", "edge.pem",
            "certificate-file: the target has no private-key-file (private-key-file: FILE, with the key of that certificate)"
        ),
        (
            "{\(tls), private-key-file: edge.key}", "edge.key",
            "private-key-file: the target has no certificate-file (certificate-file: FILE, with the certificate of that key)"
        ),
        (
            "{\(tls), certificate-file: edge.pem, private-key-file: open.pem}", "open.pem",
            "private-key-file: 'open.pem' is open to others than its owner (chmod 600 DIR/open.pem)"
        ),
        (
            "{\(tls), certificate-file: edge.pem, private-key-file: none.key}", "none.key",
            "private-key-file: cannot read 'none.key': No such file or directory"
        ),
        (
            "{\(tls), certificate-file: edge.pem, private-key-file: two.key}", "two.key",
            "private-key-file: 'two.key' holds no private key, or several (PEM, from -----BEGIN PRIVATE KEY----- to its "
                + "END, or EC or RSA)"
        ),
        (
            "{\(tls), certificate-file: edge.pem, private-key-file: locked.key}", "locked.key",
            "private-key-file: 'locked.key' holds a key that asks for a passphrase (openssl pkey -in locked.key -out NEW)"
        ),
        (
            "{\(tls), certificate-file: edge.pem, private-key-file: old.key}", "old.key",
            "private-key-file: 'old.key' holds a key that asks for a passphrase (openssl pkey -in old.key -out NEW)"
        ),
        (
            "{\(tls), certificate-file: keys/a.key, private-key-file: edge.key}", "keys/a.key",
            "certificate-file: 'keys/a.key' holds no certificate, or half of one (PEM, from -----BEGIN CERTIFICATE----- to "
                + "-----END CERTIFICATE-----, one or more)"
        ),
        (
            "{\(tls), certificate-file: edge.pem, private-key-file: \"-----BEGIN PRIVATE KEY-----\"}", "\"-----",
            "private-key-file must name a file, not hold the key (move the key to a file of its own)"
        ),
        ("{\(tls), path: /}", "/}", "path: only an https target has one"),
        ("{icmp: 10.30.0.5, status: 200}", "200", "status: only an https target has one"),
        ("{icmp: 10.30.0.5, certificate-file: a}", "a}", "certificate-file: only a tls or https target has one"),
        (
            #"{https: "10.30.0.4:443", path: /}"#, "\"10",
            "an https target has no name (name: NAME, as the server is called and as its certificate says)"
        ),
        (
            #"{https: "10.30.0.4:443", name: a.b}"#, "\"10",
            "an https target has no path (path: /health, or whatever the server answers for)"
        ),
        (
            #"{https: "10.30.0.4:443", name: a.b, path: health}"#, "health",
            "path: 'health' is not the path of a resource (it begins with '/'; white space and other signs are written as "
                + "%20)"
        ),
        (
            #"{https: "10.30.0.4:443", name: a.b, path: "/a\r\nHost: b"}"#, "\"/a",
            "path: '/a\u{fffd}\u{fffd}Host: b' is not the path of a resource (it begins with '/'; white space and other signs "
                + "are written as %20)"
        ),
        (
            "{\(https), status: 100-200}", "100",
            "status: '100-200' is not a range of statuses (as 200-399 or 204, within 200-599)"
        ),
        (
            "{\(https), status: 300-200}", "300",
            "status: '300-200' is not a range of statuses (as 200-399 or 204, within 200-599)"
        ),
        (
            "{\(https), status: 2xx}", "2xx",
            "status: '2xx' is not a range of statuses (as 200-399 or 204, within 200-599)"
        ),
        (
            "{\(sas)key-file: open.sas}}", "open.sas",
            "key-file: 'open.sas' is open to others than its owner (chmod 600 DIR/open.sas)"
        ),
        (
            "{\(sas)key-file: bad.sas}}", "bad.sas",
            "key-file: 'bad.sas' holds no base64 (one line, as the portal shows the primary key)"
        ),
        (
            "{\(sas)key-file: empty.sas}}", "empty.sas",
            "key-file: 'empty.sas' holds no base64 (one line, as the portal shows the primary key)"
        ),
        (
            "{\(sas)key-file: \"c2hhcmVkIGtleQ==\"}}", "\"c2",
            "key-file must name a file, not hold the key (move the key to a file of its own)"
        ),
        ("{\(sas)key-file: edge.sas, valid: 2d}}", "2d", "valid must be 1m to 1d, not 2d"),
        ("{\(sas)policy: a}}", "{resource", "sas has no 'key-file'"),
    ])
    func mistakesAreNamed(target: String, place: String, error: String) throws {
        let file = try file(target)
        let start = try #require(target.ranges(of: place).last).lowerBound
        // The target begins in column 50.
        let column = 50 + target.utf8.distance(from: target.startIndex, to: start)
        #expect(file.diagnostics() == ["43:\(column): error: \(error)"])
        try file.remove()
    }

    /// What is asked more often than the agent may ask would wait for its turn in vain.
    @Test(arguments: [(100, 0), (101, 1)])
    func allOfThemTogetherAskNotTooOften(count: Int, errors: Int) throws {
        let list = (1...count).map { #"{tls: "10.30.0.4:\#($0)", name: a.b, every: 5s}"# }.joined(separator: ", ")
        let file = try file(list)
        let diagnostics = file.diagnostics()
        #expect(diagnostics.count == errors)
        let error =
            "error: tls and https targets are asked 20.2 times a second in all, through all paths; 20 is the most (raise "
            + "'every', or list fewer of them)"
        #expect(diagnostics.allSatisfy { $0.hasSuffix(error) }, "\(diagnostics)")
        try file.remove()
    }

    /// Twice as many for two paths; but through a metered one a tenth of it.
    @Test func everyPathCounts() throws {
        let list = (1...60).map { #"{tls: "10.20.0.4:\#($0)", name: a.b, every: 5s}"# }.joined(separator: ", ")
        let many = ("[{icmp: 10.20.0.4},", "[\(list), {icmp: 10.20.0.4},")
        let tooMany = try TemporaryFile(Example.replacing([many]))
        #expect(tooMany.diagnostics().contains { $0.contains("24.0 times a second") })
        try tooMany.remove()
        let metered = ("gateway: 198.51.100.1}", "gateway: 198.51.100.1, metered: true}")
        let fine = try TemporaryFile(Example.replacing([many, metered]))
        #expect(fine.diagnostics() == [])
        try fine.remove()
    }
}
