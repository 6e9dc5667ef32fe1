// SPDX-License-Identifier: Apache-2.0

import Digests
import NetworkTypes
import SystemIO
import Testing

@testable import Tunnel

struct CertificateFactsTests {
    private static func inDirectory(_ body: (String) throws -> Void) throws {
        let directory = try run("/usr/bin/mktemp", "-d").split(separator: "\n").joined()
        defer { _ = try? run("/bin/rm", "-r", directory) }
        try body(directory)
    }

    private static func der(_ directory: String, of file: String) throws -> [UInt8] {
        try run("/usr/bin/openssl", "x509", "-in", file, "-outform", "DER", "-out", "\(directory)/der")
        return try Files.read("\(directory)/der")
    }

    @Test func tellsWhatACertificateSays() throws {
        try Self.inDirectory { directory in
            let authority = try TestAuthority(in: "\(directory)/ca")
            let names = "DNS:a.example,email:a@example,IP:192.0.2.1,IP:2001:db8::1,URI:urn:a,RID:1.2.3"
            let (pem, _) = try authority.issue(
                "a.example",
                alternativeNames: names,
                .past
            )
            let facts = try CertificateFacts(pem)
            #expect(facts.subject == "C=CH, O=Plant 7, CN=a.example" && facts.issuer == "C=CH, O=Plant 7, CN=ca")
            #expect(facts.serial == "a01")
            #expect(facts.notBefore == 1_577_836_800 && facts.notAfter == 1_612_325_106)
            let der = try Self.der(directory, of: "\(directory)/ca/a.example.pem")
            #expect(Digest.sha256.of(der) == facts.fingerprint)
            let addressV6: [UInt8] = [0x20, 1, 0x0d, 0xb8] + [UInt8](repeating: 0, count: 11) + [1]
            let expected: [CertificateFacts.Name] = [
                .host("a.example"), .mail("a@example"), .address([192, 0, 2, 1]), .address(addressV6), .uri("urn:a"),
            ]
            #expect(facts.alternativeNames == expected)
            #expect(try CertificateFacts(der) == facts)
            #expect(try CertificateFacts(Array("some text before\n".utf8) + pem + authority.certificate) == facts)
            let issuer = try CertificateFacts(authority.certificate)
            #expect(issuer.subject == issuer.issuer && issuer.alternativeNames == [] && issuer.notAfter > 1_700_000_000)
            for end in 0..<der.count {
                #expect(throws: CertificateError.noCertificate) { try CertificateFacts(Array(der[..<end])) }
            }
            #expect(throws: CertificateError.noCertificate) { try CertificateFacts(der + [0]) }
            for place in der.indices {
                var changed = der
                changed[place] ^= 0x55
                _ = try? CertificateFacts(changed)
            }
        }
    }

    @Test func tellsWhetherAKeyIsTheCertificates() throws {
        try Self.inDirectory { directory in
            let authority = try TestAuthority(in: "\(directory)/ca")
            let (own, other) = (try authority.issue("a.example"), try authority.issue("b.example"))
            #expect(CertificateFacts.fits(own.certificate, privateKey: Secret(own.key)))
            #expect(!CertificateFacts.fits(own.certificate, privateKey: Secret(other.key)))
            #expect(!CertificateFacts.fits(own.key, privateKey: Secret(own.key)))
            #expect(!CertificateFacts.fits(own.certificate, privateKey: Secret(own.certificate)))
        }
    }

    /// Beyond what a name needs: a century that takes GeneralizedTime, letters of all kinds, and many names.
    @Test func readsWhatIsUnusualWithinBounds() throws {
        try Self.inDirectory { directory in
            let authority = try TestAuthority(in: "\(directory)/ca", name: "O=Zürich\u{1b}[2J, CN=ca")
            let facts = try CertificateFacts(authority.certificate)
            #expect(facts.subject == "O=Zürich\\1B[2J, CN=ca")
            try run(
                "/usr/bin/openssl",
                ["req", "-x509", "-key", "\(directory)/ca/ca.key", "-out", "\(directory)/none", "-subj", "/"]
                    + ["-days", "1", "-set_serial", "0"]
            )
            let none = try CertificateFacts(Files.read("\(directory)/none"))
            #expect(none.subject == "" && none.issuer == "" && none.serial == "0")
            let names = (0..<200).map { "DNS:\($0).example" }.joined(separator: ",")
            let validity = TestAuthority.Validity(from: "20200101000000Z", to: "99991231235959Z")
            let many = try CertificateFacts(authority.issue("many", alternativeNames: names, validity).certificate)
            #expect(many.alternativeNames.count == 64 && many.alternativeNames.last == .host("63.example"))
            #expect(many.notAfter == 253_402_300_799)
        }
    }

    @Test func refusesWhatIsNone() throws {
        #expect(throws: CertificateError.tooLong(octets: 65_536)) {
            try CertificateFacts(Array(repeating: 0x30, count: 65_536))
        }
        let wrong: [[UInt8]] = [
            [], [0x30], [0x30, 0x80], [0x30, 0x84, 0xff, 0xff, 0xff, 0xff], Array(repeating: 0x30, count: 65_535),
            Array("-----BEGIN CERTIFICATE-----\n".utf8),
            Array("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".utf8),
            Array("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n".utf8),
            Array(
                """
                -----BEGIN CERTIFICATE-----
                Proc-Type: 4,ENCRYPTED
                DEK-Info: AES-128-CBC,00000000000000000000000000000000

                AAAAAAAAAAAAAAAAAAAAAA==
                -----END CERTIFICATE-----
                """.utf8
            ),
        ]
        for octets in wrong {
            #expect(throws: CertificateError.noCertificate) { try CertificateFacts(octets) }
        }
        #expect("\(CertificateError.noCertificate)" == "it is no X.509 certificate, neither PEM nor DER")
    }

    @Test func countsWholeDays() throws {
        var facts = CertificateFacts(
            subject: "",
            issuer: "",
            serial: "",
            notBefore: 0,
            notAfter: 10 * 86_400,
            fingerprint: [],
            alternativeNames: []
        )
        let days: [(Int64, Int)] = [
            (0, 10), (1, 9), (864_000, 0), (864_001, -1), (950_400, -1), (950_401, -2), (-1, 10), (-86_400, 11),
        ]
        for (now, left) in days {
            #expect(facts.daysLeft(at: now) == left)
            #expect(facts.isValid(at: now) == (0...864_000).contains(now))
        }
        facts.notAfter = .max
        #expect(facts.daysLeft(at: .min) == .max && facts.daysLeft(at: .max) == 0)
        facts.notAfter = .min
        #expect(facts.daysLeft(at: .max) == .min)
    }
}
