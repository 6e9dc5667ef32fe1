// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import SystemIO
import Testing

@testable import Tunnel

/// Two tunnels between the same two identities, by two of Debian's charons: a site that says the same name to both endpoints
/// of its gateway.
@Suite(
    .enabled(if: getuid() == 0, "network namespaces need root"),
    .enabled(if: RealCharon.isInstalled, "charon-systemd is not installed"),
    .serialized
)
struct IKESharedIdentityCharonTests {
    /// The tunnel of a pair, and one more to another address of the far charon.
    private struct Scene {
        static let names = [IKEPair.name, "pnetd-b"]
        private static let children = [IKEPair.child, "pnetd-other"]
        let pair: IKEPair
        private let other: IPsecConnection

        init(on loop: EventLoop, _ uniqueness: IPsecConnection.Uniqueness) throws {
            for address in ["10.3.0.1/32", "10.4.0.1/32"] {
                try run("/sbin/ip", "address", "add", address, "dev", "lo")
            }
            pair = try IKEPair(on: loop)
            try pair.share("of-both", with: pair.far)
            pair.nearConnection.uniqueness = uniqueness
            // An interface each: the far end does not take one for the other come again.
            pair.farConnection.interfaceIDs = IPsecInterfaceIDs(97)
            let ends = (near: ("127.0.0.1", UInt16(4500)), far: ("127.0.0.3", UInt16(1450)))
            func made(
                _ from: (String, UInt16),
                _ to: (String, UInt16),
                _ own: String,
                _ far: String,
                _ networks: (Int, Int)
            )
                throws -> IPsecConnection
            {
                var connection = try IKEPair.connection(from, to, (own, far), networks)
                connection.name = Self.names[1]
                connection.children[0].name = Self.children[1]
                return connection
            }
            var near = try made(ends.near, ends.far, "a.example", "b.example", (3, 4))
            near.uniqueness = uniqueness
            var far = try made(ends.far, ends.near, "b.example", "a.example", (4, 3))
            far.interfaceIDs = IPsecInterfaceIDs(98)
            other = near
            try pair.far.ask { $0.load(pair.farConnection, $1) } as Void
            try pair.far.ask { $0.load(far, $1) } as Void
            try loadNear()
        }

        /// Tells the near charon of both, as after its restart.
        func loadNear() throws {
            try pair.share("of-both", with: pair.near)
            try pair.near.ask { $0.load(pair.nearConnection, $1) } as Void
            try pair.near.ask { $0.load(other, $1) } as Void
        }

        /// Asks for tunnels, all at once.
        func begin(_ which: [Int]) throws {
            for place in which {
                try pair.near.ask { $0.initiate(child: Self.children[place], of: Self.names[place], $1) } as Void
            }
        }

        /// The connections of an end of which it has tunnels that carry.
        func standing(at end: RealCharon) throws -> [String] {
            try end.ask { $0.associations($1) }.filter { $0.children.contains { $0.state == .installed } }
                .map(\.name).sorted()
        }

        func waitForBoth() throws {
            for end in [pair.near, pair.far] { try end.wait { (try? standing(at: end)) == Self.names } }
        }
    }

    @Test func bothStandThoughTheyAreBegunAtOnce() throws {
        try RealCharon.inNamespace { loop in
            let scene = try Scene(on: loop, .never)
            try scene.begin([0, 1])
            try scene.waitForBoth()
            let end = loop.now + .seconds(1)
            try scene.pair.near.wait { loop.now >= end }
            #expect(try scene.standing(at: scene.pair.near) == Scene.names)
            #expect(try scene.standing(at: scene.pair.far) == Scene.names)
        }
    }

    /// One of them at its first contact says of both that there is no other, unless it is told to say nothing.
    @Test(arguments: [IPsecConnection.Uniqueness.replace, .never])
    func theFirstContactOfOneLeavesTheOther(_ uniqueness: IPsecConnection.Uniqueness) throws {
        try RealCharon.inNamespace { loop in
            let scene = try Scene(on: loop, uniqueness)
            try scene.begin([0])
            try scene.pair.far.wait { (try? scene.standing(at: scene.pair.far)) == [Scene.names[0]] }
            try scene.begin([1])
            try scene.waitForBoth()
            scene.pair.near.kill()
            try scene.pair.near.start()
            try scene.loadNear()
            try scene.begin([1])
            let left = uniqueness == .never ? [Scene.names[0], Scene.names[1], Scene.names[1]] : [Scene.names[1]]
            try scene.pair.far.wait { (try? scene.standing(at: scene.pair.far)) == left }
        }
    }
}
