// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import Testing

@testable import Tunnel

/// Wishes and kernels by the dice: whatever they are, the plan leads from one to the other, guarded at every step.
struct RandomPlanTests {
    /// Seeded: a case that fails can be run again.
    private struct Dice: RandomNumberGenerator {
        private var state: UInt64

        init(_ seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 | 1 }

        /// SplitMix64.
        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
            return mixed ^ (mixed >> 31)
        }
    }

    private static func path(_ slot: Int, _ dice: inout Dice) -> Desired.Path {
        var path = Sample.path(Sample.name("vpn-\(slot)"), slot: slot)
        path.interface = Sample.interface("pn-\(slot)")
        path.tunnel?.underlay.interface = Sample.interface("eth\(Int.random(in: 0...2, using: &dice))")
        path.mtu = Bool.random(using: &dice) ? 1380 : nil
        path.tunnel?.underlay.gateways = Bool.random(using: &dice) ? [IPAddress("192.0.2.9")].compactMap { $0 } : nil
        if Bool.random(using: &dice) { path.addresses = [Sample.address("10.90.\(slot).2/30")] }
        path.wireGuard?.listenPort = Bool.random(using: &dice) ? UInt16(51_820 + slot) : nil
        path.wireGuard?.peers = (0..<Int.random(in: 1...4, using: &dice)).map { number in
            var peer = Sample.peer(slot)
            peer.publicKey = Sample.publicKey(UInt8(10 * slot + number))
            peer.keepalive = Bool.random(using: &dice) ? 15 : 0
            peer.allowedIPs = [Sample.prefix("10.\(20 + number).0.0/16")]
            return peer
        }
        return path
    }

    private static func desired(_ dice: inout Dice) -> Desired {
        let slots = (1...5).shuffled(using: &dice).prefix(Int.random(in: 1...4, using: &dice))
        let paths = slots.map { path($0, &dice) }
        let networks = (1...3).shuffled(using: &dice).prefix(Int.random(in: 0...3, using: &dice)).map { slot in
            let own = paths.map(\.name).shuffled(using: &dice).prefix(Int.random(in: 1...paths.count, using: &dice))
            let outcome: Outcome =
                switch Int.random(in: 0...5, using: &dice) {
                case 0: .blocked
                case 2: .public
                case 1 where own.count > 1: .active(own[0], beside: [own[1]], standby: own.count > 2 ? own[2] : nil)
                default: .active(own[0], standby: own.count > 1 ? own[1] : nil)
                }
            let isShared = outcome.carriers.count > 1 || Bool.random(using: &dice)
            let weights = own.map { ($0, Int.random(in: 1...3, using: &dice)) }
            return Desired.Network(
                name: Sample.name("net-\(slot)"),
                slot: slot,
                prefixes: [
                    Sample.prefix("10.\(100 + slot).0.0/16"), Sample.prefix("fd00:\(slot)::/48"),
                    Sample.prefix("10.\(110 + slot).\(Int.random(in: 0...3, using: &dice)).0/24"),
                ],
                paths: Array(own),
                weights: isShared ? Dictionary(uniqueKeysWithValues: weights) : [:],
                outcome: outcome,
                mtu: [nil, 1300, 1400].randomElement(using: &dice) ?? nil
            )
        }
        return Desired(reserved: Sample.reserved, paths: paths, networks: Array(networks))
    }

    private static func world(_ dice: inout Dice) -> Observed {
        var world = Sample.bare
        for name in ["pn-a", "pn-b"] {
            world.links[Sample.interface(name)] = nil
            world.tunnels[Sample.interface(name)] = nil
        }
        if Bool.random(using: &dice) { world.links[Sample.interface("eth1")]?.hasCarrier = false }
        return world
    }

    /// What happens to a kernel between two wishes.
    private static func disturb(_ world: inout Observed, _ dice: inout Dice) {
        for _ in 0..<Int.random(in: 0...6, using: &dice) {
            switch Int.random(in: 0...8, using: &dice) {
            case 0: world.routes.keys.sorted().randomElement(using: &dice).map { world.routes[$0] = nil }
            case 1: world.nexthops.keys.sorted().randomElement(using: &dice).map { world.loseNexthop($0) }
            case 2: world.rules.sorted().randomElement(using: &dice).map { _ = world.rules.remove($0) }
            case 3:
                let own = world.links.values.filter(\.hasOurAlias).sorted { $0.name < $1.name }
                if let link = own.randomElement(using: &dice) { world.loseLink(link) }
            case 4: world.guard = nil
            case 5: world.guard?.isOrphan = true
            case 6:
                let underlay = Sample.interface("eth\(Int.random(in: 0...1, using: &dice))")
                world.links[underlay]?.mtu = Int.random(in: 1200...1500, using: &dice)
            case 7:
                let name = world.links.values.filter(\.hasOurAlias).map(\.name).sorted().randomElement(using: &dice)
                if let name { world.outerMTUs[name] = Bool.random(using: &dice) ? 1380 : nil }
            default:
                let name = world.tunnels.keys.sorted().randomElement(using: &dice)
                if let name { world.tunnels[name]?.peers.removeAll() }
            }
        }
    }

    @Test(arguments: 0..<80)
    func reachesAnyWishFromAnyKernel(seed: Int) {
        var dice = Dice(UInt64(seed))
        var world = Self.world(&dice)
        for turn in 0..<4 {
            let wish = Self.desired(&dice)
            Self.disturb(&world, &dice)
            let wasGuarded = world.protects(Self.protected(wish))
            var rounds = 0
            while case let steps = plan(wish, world), !steps.isEmpty, rounds < 5 {
                for step in steps {
                    world.take(step)
                    // Once guarded, a prefix that stays protected is guarded at every moment.
                    let holds = !wasGuarded || world.protects(Self.protected(wish))
                    #expect(holds, "seed \(seed), turn \(turn), after: \(step)")
                }
                rounds += 1
            }
            #expect(plan(wish, world) == [], "seed \(seed), turn \(turn)")
            #expect(world.protects(Self.protected(wish)))
            let said = Preview(of: wish, from: world, failures: [])
            #expect(said.changes == [], "what is done is not announced")
        }
    }

    private static func protected(_ wish: Desired) -> [IPPrefix] { wish.networks.flatMap(\.prefixes) }
}

extension Observed {
    fileprivate func protects(_ prefixes: [IPPrefix]) -> Bool {
        !prefixes.contains { leaks($0, Sample.reserved) }
    }
}
