// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import PrivateDNS

/// NSEC3 proofs, by the example zone and the answers of RFC 5155 appendices A and B.
struct HashedDenialTests {
    /// - Parameter flags: 1 for opt-out, as the RFC has it.
    static func records(flags: Int, iterations: Int = 12) -> [String] {
        [
            ("0p9mhaveqvm6t7vbl5lop2u3t2rp3tom", "2t7b4g4vsa5smi47k61mv5bv1a22bojr MX DNSKEY NS SOA NSEC3PARAM RRSIG"),
            ("2t7b4g4vsa5smi47k61mv5bv1a22bojr", "2vptu5timamqttgl4luu9kg21e0aor3s A RRSIG"),
            ("2vptu5timamqttgl4luu9kg21e0aor3s", "35mthgpgcu1qg68fab165klnsnk3dpvl MX RRSIG"),
            ("35mthgpgcu1qg68fab165klnsnk3dpvl", "b4um86eghhds6nea196smvmlo4ors995 NS DS RRSIG"),
            ("b4um86eghhds6nea196smvmlo4ors995", "gjeqe526plbf1g8mklp59enfd789njgi MX RRSIG"),
        ].map { "\($0.0).example. NSEC3 1 \(flags) \(iterations) aabbccdd \($0.1)" }
    }

    private func denial(flags: Int, iterations: Int = 12) throws -> HashedDenial {
        let records = try Self.records(flags: flags, iterations: iterations).map { try SignedTree.record($0).wire }
        var start = 0
        let sets = SignedSet.sets(of: records.flatMap(\.self), count: records.count, at: &start)
        return HashedDenial(sets, of: CanonicalName(MessageText.wire("example")))
    }

    private func name(_ text: String) -> CanonicalName { CanonicalName(MessageText.wire(text)) }

    @Test(arguments: [(0, DenialFinding.proven), (1, .optedOut)]) func deniesNames(
        flags: Int,
        expected: DenialFinding
    ) throws {
        // Appendix B.1.
        #expect(try denial(flags: flags).deniesName(name("a.c.x.w.example")) == expected)
        #expect(try denial(flags: flags).deniesName(name("x.w.example")) == .unproven)
        #expect(try denial(flags: flags).deniesName(name("a.c.x.w.test")) == .unproven)
    }

    @Test func deniesTypes() throws {
        // Appendix B.2: ns1.example has no MX.
        #expect(try denial(flags: 1).deniesType(.mx, of: name("ns1.example")) == .proven)
        #expect(try denial(flags: 1).deniesType(.a, of: name("ns1.example")) == .unproven)
        // Appendix B.3: c.example is not there, and what opts out says no more than that it may be an unsigned zone.
        #expect(try denial(flags: 1).deniesType(.ds, of: name("c.example")) == .optedOut)
        #expect(try denial(flags: 0).deniesType(.ds, of: name("c.example")) == .unproven)
        // a.example is a signed zone of its own: of what is there the zone above says nothing.
        #expect(try denial(flags: 1).deniesType(.a, of: name("a.example")) == .unproven)
        #expect(try denial(flags: 1).deniesName(name("x.a.example")) == .unproven)
    }

    @Test func longNamesAreNotHashed() throws {
        let long = name((0..<12).map { "l\($0)" }.joined(separator: ".") + ".c.x.w.example")
        #expect(try denial(flags: 0).deniesName(long) == .unproven)
    }

    @Test func tellsOfTheIterations() throws {
        #expect(try denial(flags: 0, iterations: 2500).iterations == 2500)
    }
}
