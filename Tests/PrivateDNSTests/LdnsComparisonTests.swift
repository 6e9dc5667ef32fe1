// SPDX-License-Identifier: Apache-2.0

import CLdns
import CLinux
import NetworkTypes
import Testing

@testable import PrivateDNS

/// Our codec beside libldns, which stays off the data path but has read messages for twenty years.
struct LdnsComparisonTests {
    /// What libldns makes of a message, as far as it is compared; nil where it refuses.
    private struct Parsed: Equatable {
        let id: UInt16
        let code: UInt8
        let isTruncated: Bool
        let answers: [String]
        let authority: [String]

        init?(_ message: [UInt8]) {
            var raw: UnsafeMutablePointer<ldns_pkt>?
            guard unsafe ldns_wire2pkt(&raw, message, message.count) == LDNS_STATUS_OK else { return nil }
            defer { unsafe ldns_pkt_free(raw) }
            id = unsafe ldns_pkt_id(raw)
            code = unsafe UInt8(truncatingIfNeeded: ldns_pkt_get_rcode(raw).rawValue)
            isTruncated = unsafe ldns_pkt_tc(raw) != 0
            answers = unsafe Self.texts(ldns_pkt_answer(raw))
            authority = unsafe Self.texts(ldns_pkt_authority(raw))
        }

        private static func texts(_ list: UnsafeMutablePointer<ldns_rr_list>?) -> [String] {
            unsafe (0..<ldns_rr_list_rr_count(list)).map { index in
                let text = unsafe ldns_rr2str(ldns_rr_list_rr(list, index))
                defer { unsafe free(text) }
                return unsafe text.map { unsafe String(cString: $0) } ?? ""
            }
        }
    }

    private func scenario() throws -> Scenario {
        let scenario = Scenario()
        let records = [
            "h 60 IN A 10.0.0.1", "h 60 IN AAAA fd00::1", "www 60 IN CNAME h", "mail 60 IN MX 10 h",
            "_s._tcp 60 IN SRV 0 5 8883 h", "t 60 IN TXT \"one\" \"two\"", "w 60 IN HTTPS 1 . alpn=\"h2\"",
        ]
        scenario.adopt([try Scenario.zone("plant.internal", records: records, realm: Scenario.path("pn-a"))])
        return scenario
    }

    @Test(arguments: [
        ("h", RecordType.a, ["h.plant.internal.\t60\tIN\tA\t10.0.0.1"]),
        ("h", .aaaa, ["h.plant.internal.\t60\tIN\tAAAA\tfd00::1"]),
        (
            "www", .a,
            ["www.plant.internal.\t60\tIN\tCNAME\th.plant.internal.", "h.plant.internal.\t60\tIN\tA\t10.0.0.1"]
        ),
        ("mail", .mx, ["mail.plant.internal.\t60\tIN\tMX\t10 h.plant.internal."]),
        ("_s._tcp", RecordType(rawValue: 33), ["_s._tcp.plant.internal.\t60\tIN\tSRV\t0 5 8883 h.plant.internal."]),
        ("t", RecordType(rawValue: 16), ["t.plant.internal.\t60\tIN\tTXT\t\"one\" \"two\""]),
    ]) func writesWhatLdnsReads(name: String, type: RecordType, expected: [String]) throws {
        let answer = try #require(
            try scenario().ask(MessageText.query("\(name).plant.internal", type, edns: MessageText.opt()).bytes)
        )
        let parsed = try #require(Parsed(answer))
        #expect(parsed.id == 0x1234)
        #expect(parsed.answers.map { $0.trimmingSuffix() } == expected)
    }

    @Test func writesNegativeAnswersThatLdnsReads() throws {
        let answer = try #require(try scenario().ask(MessageText.query("no.such.plant.internal").bytes))
        let parsed = try #require(Parsed(answer))
        #expect(parsed.code == 3)
        let soa = "plant.internal.\t10\tIN\tSOA\tplant.internal. nobody.invalid. 1 3600 1200 604800 10"
        #expect(parsed.authority.map { $0.trimmingSuffix() } == [soa])
    }

    /// What our validator takes, libldns takes; the reverse is not wanted (two OPT, self pointers, trailing octets).
    @Test func takesNothingThatLdnsRefuses() throws {
        let name = "hub.example.net"
        let query = MessageText.query(name).bytes
        let answer = MessageText.answer(
            to: query,
            answers: [
                MessageText.record(name, .cname, ttl: 60, MessageText.wire("web.example.net")),
                [0xc0, 0x2d] + Array(MessageText.record("", .a, ttl: 60, [192, 0, 2, 1]).dropFirst()),
            ],
            authority: [MessageText.soa("example.net", ttl: 60, minimum: 60)]
        )
        let question = UpstreamAnswer.Question(name: MessageText.wire(name), type: .a, variant: [])
        let route = ForwardRoute(scope: 1, lineage: 1, servers: [], label: 0, pathBoundTTL: nil)
        var taken = 0
        // Of types that we do not act on the RDATA is opaque to us (RFC 3597), while libldns knows it: so the types of
        // the three records stay.
        for index in 12..<answer.count where ![51, 80, 107].contains(index) {
            for value in UInt8.min...UInt8.max {
                var changed = answer
                changed[index] = value
                guard
                    (try? UpstreamAnswer(changed.span, id: 0x1234, question: question, route: route) { _ in true })
                        != nil
                else { continue }
                taken += 1
                #expect(Parsed(changed) != nil, "octet \(index) as \(value)")
            }
        }
        #expect(taken > 1000)
    }
}

extension String {
    fileprivate func trimmingSuffix() -> String {
        var text = self
        while let last = text.last, last == "\n" || last == " " || last == "\t" { text.removeLast() }
        return text
    }
}
