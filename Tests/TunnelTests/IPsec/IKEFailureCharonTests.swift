// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import PathHealth
import SystemIO
import Testing

@testable import Tunnel

/// What goes wrong between two of Debian's charons, and what is told of it.
@Suite(
    .enabled(if: getuid() == 0, "network namespaces need root"),
    .enabled(if: RealCharon.isInstalled, "charon-systemd is not installed"),
    .serialized
)
struct IKEFailureCharonTests {
    static let key = "a shared key of some length"

    /// A cause, made by what both are told, and what the near one finds.
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let expected: IKEFailure?
        let prepare: @Sendable (IKEPair) throws -> Void

        init(
            _ testDescription: String,
            _ expected: IKEFailure?,
            _ prepare: @escaping @Sendable (IKEPair) throws -> Void
        ) {
            self.testDescription = testDescription
            self.expected = expected
            self.prepare = prepare
        }
    }

    private static func share(_ pair: IKEPair) throws {
        for end in [pair.near, pair.far] { try pair.share(key, with: end) }
    }

    static let cases: [Case] = [
        Case("all is well", nil, share),
        Case("another shared key", .authenticationRefused) {
            try $0.share(key, with: $0.near)
            try $0.share("another key", with: $0.far)
        },
        Case("a shared key that it takes and does not use", .presharedKeyMismatch) {
            try $0.share(key, with: $0.near)
            try $0.share("another key", with: $0.far)
            try $0.share(key, with: $0.far, owners: [])
        },
        Case("no shared key here", .noSharedKey) { try $0.share(key, with: $0.far) },
        Case("no shared key there", .authenticationRefused) { try $0.share(key, with: $0.near) },
        Case("an identity of ours that it does not know", .authenticationRefused) {
            try share($0)
            $0.nearConnection.local.identity = "c.example"
            try $0.share(key, with: $0.near, owners: ["c.example"])
        },
        Case("an identity that it does not have", .authenticationRefused) {
            try share($0)
            $0.nearConnection.remote.identity = "c.example"
        },
        Case("an identity that is not the one that we want", .identityMismatch) {
            try share($0)
            $0.nearConnection.remote.identity = "*.other.example"
        },
        Case("other IKE proposals", .proposalMismatch) {
            try share($0)
            $0.farConnection.proposals = ["aes128gcm16-prfsha256-ecp384"]
        },
        Case("no connection for our address", .proposalMismatch) {
            try share($0)
            $0.farConnection.remoteAddresses = [.v4(IPv4Address(bits: 0x7f00_0009))]
        },
        Case("another IKE key exchange", .proposalMismatch) {
            try share($0)
            $0.farConnection.proposals = ["aes256gcm16-prfsha256-ecp384"]
        },
        Case("other ESP proposals", .childProposalMismatch) {
            try share($0)
            $0.farConnection.children[0].proposals = ["aes128gcm16-ecp256"]
        },
        Case("other networks", .trafficSelectorMismatch) {
            try share($0)
            $0.farConnection.children[0].localSelectors = [IPPrefix("10.9.0.0/16")].compactMap { $0 }
        },
        Case("nobody there", .noAnswer) {
            try share($0)
            $0.nearConnection.remotePort = 9
        },
    ]

    @Test(arguments: cases) func tellsWhy(example: Case) throws {
        try RealCharon.inNamespace { loop in
            let pair = try IKEPair(on: loop)
            try example.prepare(pair)
            try pair.load()
            let (failure, time) = try pair.negotiate()
            #expect(failure == example.expected)
            // Silence is given up after 1.5 s; all else is said at once.
            #expect(failure == .noAnswer ? time > .seconds(1) : time < .seconds(1))
        }
    }

    /// An IKE_SA that is up without its child: asking for the child again tells why.
    @Test(arguments: [IKEFailure.childProposalMismatch, .trafficSelectorMismatch])
    func tellsAgainWhyAChildIsMissing(expected: IKEFailure) throws {
        try RealCharon.inNamespace { loop in
            let pair = try IKEPair(on: loop)
            try Self.share(pair)
            let agreed = pair.farConnection.children
            if expected == .childProposalMismatch {
                pair.farConnection.children[0].proposals = ["aes128gcm16-ecp256"]
            } else {
                pair.farConnection.children[0].remoteSelectors = [IPPrefix("10.9.0.0/16")].compactMap { $0 }
            }
            try pair.load()
            #expect(try pair.negotiate().failure == expected)
            let up = try pair.near.association()
            #expect(up.state == .established && up.children.isEmpty)
            #expect(try pair.negotiate().failure == expected)
            #expect(try pair.near.association().uniqueID == up.uniqueID)
            pair.farConnection.children = agreed
            try pair.load()
            #expect(try pair.negotiate().failure == nil)
            #expect(try pair.near.association().children.map(\.state) == [.installed])
            #expect(try pair.negotiate().failure == nil, "what is there already is well")
            #expect(try pair.near.association().children.count == 1)
        }
    }

    /// Silence is not known sooner than charon gives up, or the time is over.
    @Test func tellsOfSilenceInTime() throws {
        try RealCharon.inNamespace { loop in
            let pair = try IKEPair(on: loop)
            try Self.share(pair)
            pair.nearConnection.remotePort = 9
            try pair.load()
            let (failure, time) = try pair.negotiate(within: .milliseconds(300))
            #expect(failure == .noAnswer && time > .milliseconds(290) && time < .seconds(1))
            // charon goes on with the same IKE_SA, of which it is told from here on.
            let (again, more) = try pair.negotiate()
            #expect(again == .noAnswer && more < .seconds(2))
        }
    }

    /// The IKE_SA is up, without its child, and its peer stands still.
    @Test func tellsOfAPeerThatStandsStill() throws {
        try RealCharon.inNamespace { loop in
            let pair = try IKEPair(on: loop)
            try Self.share(pair)
            pair.farConnection.children[0].proposals = ["aes128gcm16-ecp256"]
            try pair.load()
            #expect(try pair.negotiate().failure == .childProposalMismatch)
            CLinux.kill(pair.far.pid, SIGSTOP)
            let (failure, time) = try pair.negotiate()
            #expect(failure == .noAnswer && time < .seconds(3))
        }
    }

    @Test func losesCharonAmidANegotiation() throws {
        try RealCharon.inNamespace { loop in
            let pair = try IKEPair(on: loop)
            try Self.share(pair)
            pair.nearConnection.remotePort = 9
            try pair.load()
            var end: IKEFailure??
            let charon = try #require(pair.near.charon)
            charon.negotiate(child: IKEPair.child, of: IKEPair.name, within: .seconds(8)) { end = .some($0.failure) }
            let association = try pair.near.association()
            #expect(association.state == .connecting && end == nil)
            pair.near.kill()
            try pair.near.wait { end != nil }
            #expect(end == .charonLost)
            end = nil
            charon.negotiate(child: IKEPair.child, of: IKEPair.name, within: .seconds(8)) { end = .some($0.failure) }
            #expect(end == nil, "not from within the call")
            try pair.near.wait { end != nil }
            #expect(end == .charonLost)
        }
    }

    @Test func asksForWhatThereIsNot() throws {
        try RealCharon.inNamespace { loop in
            let pair = try IKEPair(on: loop)
            #expect(try pair.negotiate().failure == .other("CHILD_SA config 'pnetd-net' not found"))
        }
    }

    /// What is cancelled is silent, and charon does as well for others at once.
    @Test func cancels() throws {
        try RealCharon.inNamespace { loop in
            let pair = try IKEPair(on: loop)
            try Self.share(pair)
            pair.nearConnection.remotePort = 9
            try pair.load()
            let charon = try #require(pair.near.charon)
            var isCalled = false
            let negotiation = charon.negotiate(child: IKEPair.child, of: IKEPair.name, within: .seconds(2)) { _ in
                isCalled = true
            }
            _ = try pair.near.association()
            negotiation.cancel()
            negotiation.cancel()
            #expect(try pair.near.ask { $0.terminate(.connection(IKEPair.name), isForced: true, $1) } == 1)
            pair.nearConnection.remotePort = 1450
            try pair.load()
            #expect(try pair.negotiate().failure == nil && !isCalled)
        }
    }

    /// Many at once, most of which wait for nobody: commands are answered all the while, and charon's threads come back.
    @Test func keepsCharonAtTheServiceOfOthers() throws {
        try RealCharon.inNamespace { loop in
            let pair = try IKEPair(on: loop)
            try Self.share(pair)
            pair.farConnection.proposals = ["aes128gcm16-prfsha256-ecp384"]
            try pair.load()
            let charon = try #require(pair.near.charon)
            let idle = try Self.idleWorkers(of: pair)
            var left = 0
            for number in 0..<6 {
                var other = pair.nearConnection
                other.name = "pnetd-\(number)"
                if number % 2 == 0 { other.remotePort = 9 }
                try pair.near.ask { $0.load(other, $1) } as Void
                for _ in 0..<(number % 2 == 0 ? 1 : 40) {
                    left += 1
                    charon.negotiate(child: IKEPair.child, of: other.name, within: .milliseconds(500)) {
                        #expect($0.failure == (number % 2 == 0 ? .noAnswer : .proposalMismatch))
                        left -= 1
                    }
                }
            }
            var worst = Duration.zero
            while left > 0 {
                let start = loop.now
                let statistics = try pair.near.ask { $0.statistics($1) }
                _ = try pair.near.ask { $0.associations($1) }
                #expect(statistics.workers > 0)
                worst = max(worst, loop.now - start)
            }
            #expect(worst < .seconds(1))
            try pair.near.wait { (try? pair.near.ask { $0.statistics($1) }.idleWorkers) == idle }
        }
    }

    /// How many of charon's threads have nothing to do once it has settled: what it was told of keeps one a moment longer.
    private static func idleWorkers(of pair: IKEPair) throws -> Int {
        let start = pair.loop.now
        var most = 0
        try pair.near.wait {
            most = max(most, (try? pair.near.ask { $0.statistics($1) }.idleWorkers) ?? 0)
            return pair.loop.now - start > .milliseconds(300)
        }
        return most
    }

    /// charon's thread is held as long as the command lasts, although nobody listens.
    @Test func knowsThatWhatIsCancelledGoesOn() throws {
        try RealCharon.inNamespace { loop in
            let pair = try IKEPair(on: loop)
            try Self.share(pair)
            pair.nearConnection.remotePort = 9
            try pair.load()
            let idle = try Self.idleWorkers(of: pair)
            let charon = try #require(pair.near.charon)
            let start = loop.now
            let negotiation = charon.negotiate(child: IKEPair.child, of: IKEPair.name, within: .seconds(2)) { _ in }
            _ = try pair.near.association()
            negotiation.cancel()
            try pair.near.wait { loop.now - start > .seconds(1) }
            #expect(try pair.near.ask { $0.statistics($1) }.idleWorkers < idle)
            try pair.near.wait { (try? pair.near.ask { $0.statistics($1) }.idleWorkers) == idle }
            #expect(loop.now - start > .milliseconds(1_900))
        }
    }
}
