// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import Testing

@testable import Tunnel

/// What a plan says of traffic, for what an operator may change in the file.
struct TrafficEffectTests {
    private static let both = Outcome.active(Sample.first, standby: Sample.second)

    private static var settled: Observed {
        var world = Sample.bare
        for _ in 0..<3 { for step in plan(Sample.desired(both), world) { world.take(step) } }
        for name in world.tunnels.keys {
            for index in world.tunnels[name]?.peers.indices ?? 0..<0 {
                world.tunnels[name]?.peers[index].lastHandshake = 1
            }
        }
        return world
    }

    private func preview(_ change: (inout Desired) -> Void) -> [Preview.Change] {
        var wish = Sample.desired(Self.both)
        change(&wish)
        return Preview(of: wish, from: Self.settled, failures: []).changes
    }

    private func worst(_ changes: [Preview.Change]) -> TrafficEffect? {
        changes.map(\.effect).max { $0.severity < $1.severity }
    }

    @Test func saysNothingWhereNothingIsToBeDone() {
        #expect(preview { _ in } == [])
    }

    @Test func aSwitchLosesNothing() {
        let changes = preview { $0.networks[0].outcome = .active(Sample.second, standby: Sample.first) }
        #expect(changes.count == 4)
        #expect(worst(changes) == TrafficEffect(.diversion, "azure moves from vpn-a to vpn-b; no packet lost"))
    }

    @Test func aNewPathDisturbsNobody() {
        let changes = preview { wish in
            var path = Sample.path(Sample.name("vpn-c"), slot: 3)
            path.tunnel?.underlay.interface = Sample.interface("eth0")
            wish.paths.append(path)
        }
        #expect(changes.contains { $0.text == "make interface pn-c" })
        #expect(changes.contains { $0.text.hasPrefix("set interface pn-c up") }, "what the first steps make possible")
        #expect(worst(changes)?.severity == TrafficEffect.Severity.none)
    }

    @Test func aPathThatGoesHandsOverFirst() {
        let changes = preview { wish in
            wish.paths.removeFirst()
            wish.networks[0].paths = [Sample.second]
            wish.networks[0].outcome = .active(Sample.second, standby: nil)
        }
        #expect(
            changes.first { $0.effect.severity == .diversion }?.effect.text.hasPrefix("azure moves from vpn-a") == true
        )
        #expect(changes.last?.text == "remove interface pn-a")
        #expect(changes.last?.effect.text == "its tunnel ends; its peer reaches the site by other paths")
        #expect(worst(changes)?.severity == .diversion)
    }

    @Test func aNetworkThatGoesIsCut() {
        let changes = preview { $0.networks = [] }
        let texts = changes.filter { $0.effect.severity == .interruption }.map(\.effect.text)
        #expect(texts.contains("traffic to 10.20.0.0/16 is cut"))
        #expect(texts.contains("10.20.0.0/16 is protected no longer: packets may leave in the open"))
    }

    @Test func aPrefixMoreIsSaidToBeDiverted() {
        let changes = preview { $0.networks[0].prefixes.append(Sample.prefix("10.30.0.0/16")) }
        #expect(worst(changes) == TrafficEffect(.diversion, "packets to it go by the paths of azure, or nowhere"))
    }

    /// A network of its own within another's prefix, whose paths have not shown themselves yet.
    @Test func aPrefixOutOfAnothersIsCutUntilItsPathsAnswer() {
        let changes = preview { wish in
            var inner = wish.networks[0]
            inner.name = Sample.name("inner")
            inner.slot = 9
            inner.prefixes = [Sample.prefix("10.20.9.0/24")]
            inner.outcome = .blocked
            wish.networks.append(inner)
        }
        #expect(
            worst(changes)
                == TrafficEffect(.interruption, "packets to it go nowhere until a path of inner is up")
        )
    }

    @Test func keysAndPeers() throws {
        func effect(_ change: (inout WireGuardSettings) -> Void) -> TrafficEffect? {
            worst(
                preview { wish in
                    guard var settings = wish.paths[0].wireGuard else { return }
                    change(&settings)
                    wish.paths[0].wireGuard = settings
                }
            )
        }
        let rekeyed = try #require(effect { $0.privateKey = Sample.secret(9).clamped })
        #expect(rekeyed.severity == .interruption && rekeyed.text.contains("until then the tunnel is cut"))
        let preshared = try #require(effect { $0.peers[0].presharedKey = Sample.secret(9) })
        #expect(preshared.severity == .none && preshared.text.contains("the next handshake uses the new preshared key"))
        let called = try #require(effect { $0.peers[0].endpoint = Sample.endpoint("198.51.100.9:51820") })
        #expect(called.severity == .diversion && called.text.contains("whether the peer is there shows then only"))
        #expect(effect { $0.listenPort = 51_999 }?.severity == .diversion)
        let lost = try #require(effect { $0.peers[0].allowedIPs = [Sample.prefixes[0]] })
        #expect(lost.severity == .interruption && lost.text.contains("carries fd00:20::/48 no longer"))
        #expect(lost.text.hasSuffix("what it keeps is put anew, which takes a moment"))
        #expect(effect { $0.peers[0].allowedIPs.insert(Sample.prefix("10.40.0.0/16")) } == .harmless)
        let gone = try #require(effect { $0.peers = [] })
        #expect(gone.severity == .interruption && gone.text.contains("is cut off"))
        // What goes over to another peer is not lost.
        let moved = effect { settings in
            var other = settings.peers[0]
            other.publicKey = Sample.publicKey(200)
            settings.peers[0].allowedIPs = [Sample.prefixes[0]]
            other.allowedIPs = [Sample.prefixes[1]]
            settings.peers.append(other)
        }
        #expect(moved == .harmless)
    }

    @Test func anAddressThatGoesAndASmallerMTU() {
        let address = worst(preview { $0.paths[0].addresses.removeLast() })
        #expect(address == TrafficEffect(.interruption, "connections of this host from fd00:99:1::2 are cut"))
        let mtu = worst(preview { $0.paths[0].mtu = 1300 })
        #expect(mtu == TrafficEffect(.diversion, "packets above 1300 octets are cut into pieces or refused"))
    }

    @Test func anotherGatewayIsAnotherWay() {
        let effect = worst(
            preview { $0.paths[0].tunnel?.underlay.gateways = [IPAddress("192.0.2.77")].compactMap { $0 } }
        )
        #expect(effect == TrafficEffect(.diversion, "the outer packets of vpn-a take another way"))
    }

    @Test func anUnderlayThatLeadsNowhereCutsThePath() {
        // Each peer is reached by its own underlay only.
        let changes = preview { wish in
            wish.paths[0].tunnel?.underlay = Desired.Path.Underlay(Sample.interface("eth1"), gateways: [])
            wish.paths[1].tunnel?.underlay = Desired.Path.Underlay(Sample.interface("eth0"), gateways: nil)
        }
        #expect(worst(changes) == TrafficEffect(.interruption, "the outer packets of vpn-a find no way out"))
        // Nothing goes by the other one now.
        let spare = preview { wish in wish.paths[1].tunnel?.underlay.gateways = [] }
        #expect(
            worst(spare)
                == TrafficEffect(.diversion, "the outer packets of vpn-b find no way out; it carries nothing now")
        )
    }

    @Test func whatLeavesAPathMovesFirst() {
        let changes = preview { wish in
            wish.networks[0].paths = [Sample.second]
            wish.networks[0].outcome = .active(Sample.second, standby: nil)
            for index in wish.paths[0].wireGuard?.peers.indices ?? 0..<0 {
                wish.paths[0].wireGuard?.peers[index].allowedIPs.subtract(wish.networks[0].prefixes)
            }
        }
        #expect(worst(changes)?.severity == .diversion, "\(changes)")
        let move = changes.firstIndex { $0.effect.text.hasPrefix("azure moves from vpn-a to vpn-b") }
        let configure = changes.firstIndex { $0.effect.text.hasSuffix("nothing is sent there by it") }
        #expect(move != nil && configure != nil && move ?? 9 < configure ?? 0, "\(changes)")
    }

    @Test func manyAlikeAreOneLine() {
        let changes = preview { wish in
            wish.networks[0].prefixes += (0..<100).map { Sample.prefix("10.60.\($0).0/24") }
        }
        #expect(changes.count < 20)
        #expect(changes.contains { $0.count == 100 })
    }
}
