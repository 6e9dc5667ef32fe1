// SPDX-License-Identifier: Apache-2.0

import Configuration
import FoundationEssentials
import SystemIO
import Testing

@testable import pnetd

struct UnconfirmedFileTests {
    /// A file with one zone file beside it, and the state directory.
    private struct Folder {
        let path = "/tmp/pnetd-unconfirmed-\(UInt64.random(in: 0...UInt64.max))"
        var file: String { "\(path)/pnetd.yaml" }

        init() throws { try Files.makeDirectory(path) }

        func write(_ zone: String, site: String = "plant") throws {
            let text = """
                version: 1
                site: \(site)
                paths:
                  leased: {kind: routed, interface: eth2, gateways: [172.16.0.1]}
                networks:
                  azure:
                    prefixes: [10.20.0.0/16]
                    paths: [leased]
                    targets: {need: any, list: [{icmp: 10.20.0.4}]}
                    zones:
                      - {name: plant.internal, file: plant.zone}

                """
            try Files.replace(file, with: Array(text.utf8))
            try Files.replace("\(path)/plant.zone", with: Array(zone.utf8))
        }

        func load() throws -> LoadedConfiguration { try Configuration.load(path: file, zoneFiles: .dispensable()) }

        func remove() { try? FileManager.default.removeItem(atPath: path) }
    }

    private let earlier = "historian A 10.20.0.10\n"
    private let later = "historian A 10.20.0.11\n"

    /// A trial of another site's name, or of another zone file, or of both.
    @Test(arguments: [("plant", "later"), ("other", "earlier"), ("other", "later")])
    func bringsTheEarlierFileBackForAsLongAsTheLaterOneStands(site: String, zone: String) throws {
        let folder = try Folder()
        defer { folder.remove() }
        try folder.write(earlier)
        let before = try folder.load()
        try folder.write(zone == "later" ? later : earlier, site: site)
        let trial = try folder.load()
        #expect(UnconfirmedFile.ofTrial(trial, in: folder.path) == nil)
        let record = UnconfirmedFile(trial: trial, before: before)
        try record.save(in: folder.path)

        #expect(UnconfirmedFile.ofTrial(trial, in: folder.path) == record)
        #expect(UnconfirmedFile.ofTrial(before, in: folder.path) == nil)
        // The zone file's former text as well.
        #expect(try record.readBefore(as: folder.file) == before)

        try folder.write("historian A 10.20.0.12\n", site: site)
        #expect(UnconfirmedFile.ofTrial(try folder.load(), in: folder.path) == nil)
        // What is not whole is not what somebody wanted instead.
        try folder.write("historian A nowhere\n", site: site)
        #expect(UnconfirmedFile.ofTrial(try folder.load(), in: folder.path) == record)

        try UnconfirmedFile.remove(from: folder.path)
        #expect(UnconfirmedFile.ofTrial(trial, in: folder.path) == nil)
        try UnconfirmedFile.remove(from: folder.path)
    }

    /// Those did not write zone files down.
    @Test func takesWhatAnEarlierVersionWrote() throws {
        let folder = try Folder()
        defer { folder.remove() }
        try folder.write(earlier)
        let loaded = try folder.load()
        let encoded = try JSONEncoder().encode([
            "trial": String(decoding: loaded.text, as: UTF8.self), "before": "earlier",
        ])
        try Files.replace("\(folder.path)/unconfirmed.json", with: Array(encoded))
        #expect(UnconfirmedFile.ofTrial(loaded, in: folder.path)?.before == "earlier")
    }

    @Test(arguments: ["", "{}", "{\"trial\":1}", "\u{0}"])
    func makesNothingOfWhatIsBroken(text: String) throws {
        let folder = try Folder()
        defer { folder.remove() }
        try folder.write(earlier)
        try Files.replace("\(folder.path)/unconfirmed.json", with: Array(text.utf8))
        #expect(UnconfirmedFile.ofTrial(try folder.load(), in: folder.path) == nil)
    }
}
