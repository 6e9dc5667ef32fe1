// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

struct ValueTests {
    @Test func comparesDomainNamesWithoutCase() throws {
        let name = try #require(DomainName("Hub1.PrivateLink.azure-devices.net"))
        #expect(name == DomainName("hub1.privatelink.azure-devices.net."))
        #expect(try name.isWithin(#require(DomainName("azure-devices.net"))))
        #expect(try !name.isWithin(#require(DomainName("devices.net"))))
        #expect(name.isWithin(.root))
        #expect(name.withoutRootDot == "hub1.privatelink.azure-devices.net")
    }

    @Test func escapesSpecialOctetsOfNames() throws {
        let name = try #require(DomainName("a\\.b.c\\000d.example"))
        #expect(name.labels.map(Array.init)[0] == Array("a.b".utf8))
        #expect(name.description == "a\\.b.c\\000d.example.")
        #expect(DomainName(name.description) == name)
    }

    @Test(arguments: ["", "a..b", ".a", "a\\", "a\\25", "a\\256", String(repeating: "a", count: 64)])
    func refusesWhatIsNoName(text: String) {
        #expect(DomainName(text) == nil)
    }

    @Test func refusesNamesOver255Octets() {
        let label = String(repeating: "a", count: 63)
        #expect(DomainName([label, label, label, String(repeating: "b", count: 61)].joined(separator: ".")) != nil)
        #expect(DomainName([label, label, label, String(repeating: "b", count: 62)].joined(separator: ".")) == nil)
    }

    @Test(arguments: [("300ms", 300_000_000), ("1s", 1_000_000_000), ("1.5s", 1_500_000_000), ("2m", 120_000_000_000)])
    func parsesDurations(text: String, nanoseconds: Int64) {
        #expect(Duration(text: text)?.nanoseconds == nanoseconds)
    }

    @Test(arguments: ["", "5", "s", "-1s", "1 s", "1.s", ".5s", "1e3s", "99999999999s"])
    func refusesWhatIsNoDuration(text: String) {
        #expect(Duration(text: text) == nil)
    }

    @Test func printsDurationsForPeople() {
        #expect(Duration.milliseconds(350).shortText == "350ms")
        #expect(Duration.milliseconds(1250).shortText == "1.2s")
        #expect(Duration.seconds(185).shortText == "3m5s")
        #expect(Duration.seconds(187_200).shortText == "2d4h")
    }

    @Test func readsKeysAsWireGuardWritesThem() {
        let text = "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo="
        #expect(WireGuardPublicKey(text)?.description == text)
        #expect(WireGuardPublicKey("hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmp=") == nil)
        #expect(WireGuardSecretKey(base64: Array("\(text)\n".utf8))?.bytes == WireGuardPublicKey(text)?.bytes)
    }

    @Test func neverPrintsASecret() throws {
        let secret = try #require(WireGuardSecretKey(bytes: Array(repeating: 7, count: 32)))
        var dumped = ""
        dump(secret, to: &dumped)
        for text in ["\(secret)", String(reflecting: secret), dumped, "\([secret])", "\(Optional(secret) as Any)"] {
            #expect(!text.contains("7") && !text.contains("Bw"))
        }
    }
}
