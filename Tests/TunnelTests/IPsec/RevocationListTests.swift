// SPDX-License-Identifier: Apache-2.0

import SystemIO
import Testing

@testable import Tunnel

struct RevocationListTests {
    @Test func tellsWhoIsRevokedAndUntilWhenItHolds() throws {
        let directory = try run("/usr/bin/mktemp", "-d").split(separator: "\n").joined()
        defer { _ = try? run("/bin/rm", "-r", directory) }
        let authority = try TestAuthority(in: "\(directory)/ca")
        let first = try CertificateFacts(try authority.issue("a.example").certificate)
        let second = try CertificateFacts(try authority.issue("b.example").certificate)
        let pem = try authority.revoke("b.example")
        let list = try RevocationList(pem)
        #expect(list.issuer == "C=CH, O=Plant 7, CN=ca" && list.namesItsKey)
        #expect(list.revokes(second) && !list.revokes(first))
        var stranger = second
        stranger.issuer = "CN=other"
        #expect(!list.revokes(stranger), "numbers are an authority's own")
        let due = try #require(list.nextUpdate)
        #expect(due - list.thisUpdate == 30 * 86_400)
        #expect(!list.isStale(at: due) && list.isStale(at: due + 1))
        #expect(try RevocationList(list.octets) == list, "DER is as good")
        #expect(try RevocationList(authority.certificate + pem) == list)
        #expect(throws: RevocationListError.noList) { try RevocationList(authority.certificate) }
        for end in list.octets.indices {
            #expect(throws: RevocationListError.noList) { try RevocationList(Array(list.octets[..<end])) }
        }
        for place in list.octets.indices {
            var changed = list.octets
            changed[place] ^= 0x55
            _ = try? RevocationList(changed)
        }
    }
}
