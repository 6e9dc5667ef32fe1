// SPDX-License-Identifier: Apache-2.0

import CLinux
import ControlAPI
import Journal
import NetworkTypes
import PathHealth
import SystemIO
import Testing

@testable import pnetctl

struct PastTests {
    private static let begun = Instant(nanoseconds: 1_000_000_000_000)
    /// 2026-01-03T04:05:06Z
    private static let wall: Int64 = 1_767_413_106_000_000_000

    /// A run with one path that answers once, is lost two seconds later, and whose journal ends with its state.
    private func journal(
        version: String = Version.text,
        beginning: JournalHeader.Beginning = .run,
        and more: [JournalEntry] = []
    ) throws -> [UInt8] {
        let path = try #require(PathName("vpn-a"))
        let target = Target.icmp(.v4(IPv4Address(bits: 0x0a14_0004)))
        let policy = NetworkPolicy(
            network: try #require(NetworkName("azure")),
            paths: [path],
            targets: [target],
            need: .any,
            promise: DetectionPromise(within: .seconds(1)),
            failback: .manual,
            whenDown: .block
        )
        let subject = ProbeSubject(network: policy.network, path: path, target: target)
        let underlay = try #require(InterfaceName("eth0"))
        let inputs: [(Int64, CoreInput)] = [
            (0, .policies([policy], adopting: [:])), (0, .evidence(.condition(path, .ready))),
            (20, .evidence(.answer(Probe(subject: subject, sequence: 1)))),
            (2_020, .evidence(.condition(path, .unusable(.underlayDown(underlay))))),
        ]
        let header = JournalHeader(
            version: version,
            run: 1,
            beginning: beginning,
            at: Self.begun,
            wallNanoseconds: Self.wall
        )
        var writer = try JournalWriter(header)
        var core = HealthCore()
        for (milliseconds, input) in inputs {
            let now = Self.begun + .milliseconds(milliseconds)
            try writer.add(.told(input), at: now)
            for action in core.take(input, at: now) where action.isSaid { try writer.add(.said(action), at: now) }
        }
        if beginning == .run { try writer.add(.state(core), at: Self.begun + .seconds(3)) }
        for entry in more { try writer.add(entry.record, at: entry.at) }
        var octets: [UInt8] = []
        writer.flush { octets.append($0) }
        return octets
    }

    private func withFile<Value>(_ octets: [UInt8], _ body: (String) throws -> Value) throws -> Value {
        let path = "/tmp/pnetctl-journal-\(UInt64.random(in: 0 ... .max))"
        defer { try? Files.remove(path) }
        try Files.replace(path, with: octets)
        return try body(path)
    }

    @Test func eventsSayWhatHappenedAndWhy() throws {
        let down = "underlay eth0 is down or has no carrier"
        try withFile(try journal()) { file in
            let all = try Shell.run("$PNETCTL events \(file)")
            let expected = """
                2026-01-03T04:05:06.000Z pnetd began (version \(Version.text))
                2026-01-03T04:05:06.000Z a file came into force (azure by vpn-a)
                2026-01-03T04:05:06.020Z path vpn-a starting -> up for azure
                2026-01-03T04:05:06.020Z azure starting -> up path none -> vpn-a
                2026-01-03T04:05:08.020Z path vpn-a up -> down for azure (\(down))
                2026-01-03T04:05:08.020Z azure up -> blocked path vpn-a -> none (\(down))

                """
            #expect(all.output == expected)
            #expect(try Shell.run("$PNETCTL events \(file) --network aws").output == "")
            #expect(try Shell.run("$PNETCTL events \(file) --since 1us").output == "")
            let last = try Shell.run("$PNETCTL events \(file) --path vpn-a --json | tail -n 1")
            let object = """
                {"carriers":[],"from":"up","fromCarriers":["vpn-a"],"fromPath":"vpn-a","generation":3,\
                "kind":"decision","network":"azure","path":null,\
                "reasons":["\(down)"],"time":"2026-01-03T04:05:08.020Z","to":"blocked"}

                """
            #expect(last.output == object)
        }
    }

    @Test func aReplayEqualsTheLiveRunOrIsNone() throws {
        try withFile(try journal()) { file in
            let equal = try Shell.run("$PNETCTL replay \(file)")
            #expect(equal.exit == .status(0))
            #expect(equal.output == "the replay equals the live run: 4 records, 2 verdicts, 2 decisions\n")
            let json = try Shell.run("$PNETCTL replay \(file) --json")
            #expect(json.output.hasPrefix(#"{"decisions":2,"differenceCount":0,"differences":[],"equal":true,"#))
        }
        // The same by a core of another version, of which somebody says that it began with a state that is not there.
        try withFile(try journal(version: "0.0.1", beginning: .resumed)) { file in
            let result = try Shell.run("$PNETCTL replay \(file)")
            #expect(result.exit == .status(1))
            #expect(result.output.contains("pnetd 0.0.1 ran"))
            #expect(result.output.contains("there is nothing to replay"))
        }
    }

    @Test func aReplaySaysWhereItDiffers() throws {
        // A verdict that the core never gave, and a state that it never had.
        let path = try #require(PathName("vpn-a"))
        let end = JournalEntry(at: Self.begun + .seconds(4), record: .told(.time))
        let invented = Action.judged(
            try #require(NetworkName("azure")),
            path,
            from: .down,
            to: .drained,
            [.keyRotation]
        )
        let octets = try journal(and: [
            end, JournalEntry(at: Self.begun + .seconds(4), record: .said(invented)),
            JournalEntry(at: Self.begun + .seconds(5), record: .state(HealthCore())),
        ])
        try withFile(octets) { file in
            let result = try Shell.run("$PNETCTL replay \(file)")
            #expect(result.exit == .status(2))
            let expected = """
                2026-01-03T04:05:10.000Z live:   vpn-a is drained for azure (its private key is being rotated)
                2026-01-03T04:05:10.000Z replay: nothing
                2026-01-03T04:05:11.000Z the core's state is another
                the replay differs from the live run (5 records, 2 verdicts, 2 decisions were the same)

                """
            #expect(result.output == expected)
        }
    }

    /// On a machine that has none of the keys.
    @Test func anotherFileIsTriedOnThePast() throws {
        func file(_ network: String) -> String {
            """
            version: 1
            site: plant-7
            paths:
              vpn-a:
                kind: wireguard
                interface: pn-a
                addresses: [10.99.0.2/30]
                private-key-file: /nowhere/vpn-a.key
                underlay: {interface: eth0}
                peers: [{public-key: "ERERERERERERERERERERERERERERERERERERERERERE=", endpoint: "192.0.2.1:51820"}]
            networks:
              \(network):
                prefixes: [10.20.0.0/16]
                paths: [vpn-a]
                targets: {list: [{icmp: 10.20.0.4}]}

            """
        }
        try withFile(try journal()) { journal in
            try withFile(Array(file("azure").utf8)) { config in
                let same = try Shell.run("$PNETCTL replay \(journal) --config \(config)")
                #expect(same.output.hasSuffix("\(config) decides as the live run did, in 2.0s\n"), "\(same.output)")
                #expect(same.output.contains("azure: live 0 switches, blocked for"))
                #expect(same.exit == .status(0))
                let json = try Shell.run("$PNETCTL replay \(journal) --config \(config) --json")
                #expect(json.output.hasPrefix(#"{"decisions":[{"live":true,"network":"azure","path":"vpn-a""#))
            }
            try withFile(Array(file("aws").replacing("targets", with: "targts").utf8)) { config in
                let refused = try Shell.run("$PNETCTL replay \(journal) --config \(config)")
                #expect(refused.exit == .status(1))
                #expect(refused.error.contains("\(config):15:5: error: unknown key 'targts'"), "\(refused.error)")
            }
        }
    }

    @Test func saysWhyThereIsNothingToRead() throws {
        for command in ["events", "replay"] {
            let missing = try Shell.run("$PNETCTL \(command) /nowhere")
            #expect(missing.exit == .status(1))
            #expect(missing.error == "pnetctl: look at /nowhere: No such file or directory\n")
        }
        try withFile(Array("something else".utf8)) { file in
            let events = try Shell.run("$PNETCTL events \(file)")
            #expect(events.output.contains("something is missing (\(file): it is no segment of a journal)"))
            #expect(try Shell.run("$PNETCTL replay \(file)").exit == .status(1))
        }
    }
}
