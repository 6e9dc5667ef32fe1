// SPDX-License-Identifier: Apache-2.0

import Configuration
import NetworkTypes
import SystemIO
import Testing

/// What becomes of zones whose files are not whole, or others by now.
struct ZoneFileTermsTests {
    private let whole = "historian A 10.30.0.10\n"

    private func file(_ zone: String, named name: String = "plant.zone") throws -> TemporaryFile {
        let file = try TemporaryFile(
            Example.replacing([("records: [\"historian A 10.30.0.10\"]", "file: \(name)")])
        )
        try write(zone, beside: file)
        return file
    }

    private func write(_ zone: String, beside file: TemporaryFile) throws {
        try Files.replace(file.directory + "/plant.zone", with: Array(zone.utf8))
    }

    private func warnings(_ loaded: LoadedConfiguration, _ file: TemporaryFile) -> [String] {
        loaded.warnings.map { $0.description.replacing(file.directory + "/", with: "") }
    }

    @Test func aZoneWithABrokenFileIsUnreadyAndAllElseIsRead() throws {
        let file = try file(whole + "scada A 10.30.0\n")
        let loaded = try Configuration.load(path: file.path, zoneFiles: .dispensable())
        #expect(
            warnings(loaded, file) == [
                "plant.zone:2:1: warning: 'A 10.30.0': Syntax error, could not parse the RR's rdata "
                    + "(as in 'historian A 10.20.0.10' or 'historian 300 IN A 10.20.0.10')",
                "pnetd.yaml:48:15: warning: no name in zone 'plant.internal' is answered, since its file is not whole "
                    + "(correct it, then pnetctl reload)",
            ]
        )
        let zone = loaded.configuration.networks[1].zones[0]
        #expect(zone.source == .unready("zone plant.internal: plant.zone is missing or has mistakes"))
        // Which addresses have names there, nobody can tell.
        #expect(zone.hasPointers)
        #expect(loaded.zoneFiles.texts == [:])
        #expect(loaded.configuration.networks[0].zones.map(\.source.isForwarded) == [true])
        // By hand it is an error.
        #expect(throws: ConfigurationErrors.self) { try Configuration.load(path: file.path) }
        try file.remove()
    }

    @Test func aZoneWithoutItsFileIsUnready() throws {
        let file = try file(whole, named: "gone.zone")
        let loaded = try Configuration.load(path: file.path, zoneFiles: .dispensable())
        #expect(
            warnings(loaded, file) == [
                "pnetd.yaml:48:15: warning: file: cannot read 'gone.zone': No such file or directory "
                    + "(the name is relative to this file's directory)",
                "pnetd.yaml:48:15: warning: no name in zone 'plant.internal' is answered, since its file is not whole "
                    + "(correct it, then pnetctl reload)",
            ]
        )
        try file.remove()
    }

    @Test func otherMistakesStayErrors() throws {
        let file = try file("x A nowhere\n")
        let text = String(decoding: try Files.read(file.path), as: UTF8.self)
        try Files.replace(file.path, with: Array(text.replacing("version: 1", with: "version: 2").utf8))
        #expect(throws: ConfigurationErrors.self) {
            try Configuration.load(path: file.path, zoneFiles: .dispensable())
        }
        try file.remove()
    }

    @Test func whatWasReadIsKeptWhateverTheFileHoldsByNow() throws {
        let file = try file(whole)
        let loaded = try Configuration.load(path: file.path)
        #expect(loaded.zoneFiles.texts == ["plant.zone": whole])
        for edited in ["historian A 10.30.0.11\n", "no record\n"] {
            try write(edited, beside: file)
            let again = try Configuration.read(loaded.text, file: file.path, zoneFiles: .kept(loaded.zoneFiles))
            #expect(again == loaded)
        }
        // One that was broken stays so as well, until somebody reloads it.
        let unready = try Configuration.load(path: file.path, zoneFiles: .dispensable())
        try write(whole, beside: file)
        #expect(
            try Configuration.read(unready.text, file: file.path, zoneFiles: .kept(unready.zoneFiles)) == unready
        )
        try file.remove()
    }

    @Test func textsThatWereWrittenDownStandForFiles() throws {
        let file = try file("historian A 10.30.0.11\n")
        let text = try Files.read(file.path)
        let loaded = try Configuration.read(
            text,
            file: file.path,
            zoneFiles: .dispensable(texts: ["plant.zone": whole])
        )
        #expect(loaded.configuration.networks[1].zones.map(\.source) == [.file(whole)])
        try file.remove()
    }

    @Test func namesTheFirstHostsOfManyRecords() throws {
        let lines = (0..<700).map { "host\($0) A 10.30.1.1\nhost\($0) AAAA fd00:30::1\n" }.joined()
        let file = try file("@ TXT x\n" + lines)
        let hosts = try Configuration.load(path: file.path).configuration.networks[1].zones[0].hosts
        #expect(hosts.count == 700)
        #expect(hosts.names.count == ZoneHosts.limit)
        #expect(hosts.names.first?.withoutRootDot == "host0.plant.internal")
        #expect(hosts.names.last?.withoutRootDot == "host499.plant.internal")
        try file.remove()
    }
}
