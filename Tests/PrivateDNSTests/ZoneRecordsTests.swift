// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import PrivateDNS

struct ZoneRecordsTests {
    private func error(_ records: [String]) throws -> ZoneRecordError? {
        let zone = try #require(DomainName("plant.internal"))
        do {
            _ = try ZoneRecords(zone: zone, records: records)
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: [
        "historian A 10.20.0.10", "historian 300 A 10.20.0.10", "historian 300 IN AAAA fd00::1", "@ TXT \"hello you\"",
        "_mqtt._tcp SRV 0 0 8883 broker", "web CNAME host.example.net.", "h HTTPS 1 . alpn=h2",
        "*.x A 10.0.0.1", "* A 10.0.0.1", "x.*.y A 10.0.0.1", "x DNAME example.net.", "@ DNAME example.net.",
        "abs.plant.internal. A 10.0.0.1", "odd TYPE65280 \\# 2 abcd",
    ])
    func takes(record: String) throws {
        #expect(try error([record]) == nil)
    }

    @Test(arguments: [
        "", " A 10.0.0.1", "historian", "historian A", "historian A 10.20.0", "historian A 10.20.0.10 x",
        "historian.other.net. A 10.0.0.1", "h CH TXT x", "*.x DNAME example.net.", "@ NS ns", "@ SOA a b 1 2 3 4 5",
        "sub NS ns.sub", "$TTL 5", "a A 10.0.0.1\nb A 10.0.0.2", "h NOTYPE 1",
        "0123456789012345678901234567890123456789012345678901234567890123 A 10.0.0.1",
    ])
    func refuses(record: String) throws {
        let error = try #require(try error(["good A 10.0.0.1", record]))
        #expect(error.index == 1)
        #expect(!error.problem.isEmpty)
        #expect(!error.hint.isEmpty)
    }

    @Test func refusesAnAliasBesideOtherData() throws {
        #expect(try error(["a CNAME b", "a A 10.0.0.1"])?.index == 1)
        #expect(try error(["a A 10.0.0.1", "a CNAME b"])?.index == 1)
        #expect(try error(["a CNAME b", "a CNAME c"])?.index == 1)
        #expect(try error(["a A 10.0.0.1", "A a 10.0.0.1"])?.index == 1)
    }

    @Test(arguments: [
        (
            ["x DNAME example.net.", "a.b.x A 10.0.0.1"],
            "a.b.x.plant.internal. lies below x.plant.internal., which has a DNAME"
        ),
        (["a.b.x A 10.0.0.1", "x DNAME example.net."], "there are records below x.plant.internal., which has a DNAME"),
        (["@ DNAME example.net.", "a A 10.0.0.1"], "a.plant.internal. lies below plant.internal., which has a DNAME"),
        (["x DNAME example.net.", "x DNAME example.org."], "a second DNAME of x.plant.internal."),
        (["x DNAME example.net.", "x CNAME y"], "x.plant.internal. has a CNAME and other records"),
        (["x CNAME y", "x DNAME example.net."], "x.plant.internal. has a CNAME and other records"),
    ])
    func keepsWhatIsBelowADNAMEEmpty(records: [String], problem: String) throws {
        let error = try #require(try error(records))
        #expect(error.index == 1)
        #expect(error.problem == problem)
    }

    @Test func takesOtherRecordsBesideADNAME() throws {
        #expect(try error(["x DNAME example.net.", "x A 10.0.0.1", "xx A 10.0.0.2"]) == nil)
    }

    @Test func givesASetOneTTL() throws {
        let zone = try #require(DomainName("plant.internal"))
        let records = try ZoneRecords(zone: zone, records: ["a 90 A 10.0.0.1", "a 30 A 10.0.0.2", "b A 10.0.0.3"])
        #expect(records.sets.map(\.ttl) == [30, 60])
    }
}
