// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import PathHealth
import SystemIO

/// Keeps the paths' interfaces: makes them, configures WireGuard on them, and touches what differs only.
final class TunnelKeeper {
    private let routing: NetlinkConversation
    private let kernelWireGuard: KernelWireGuard?
    private var daemon: UserspaceDaemon
    /// The endpoints of the file as each peer was last told them.
    private(set) var told: [InterfaceName: [WireGuardPublicKey: SocketEndpoint]]

    /// Since when an interface that should be there is not.
    private var missingSince: [InterfaceName: Instant] = [:]
    /// Interfaces whose userspace process did not answer, until when it is not asked again, and what was wrong.
    private var resting: [InterfaceName: (until: Instant, error: WireGuardError)] = [:]
    /// How long a process that did not answer is left alone: asking it holds everything else up.
    private static let rest = Duration.seconds(5)
    /// How long an interface may take to come before its path counts as down.
    private static let makingPatience = Duration.seconds(2)

    /// - Parameter kernelWireGuard: nil where the kernel has none.
    init(
        routing: NetlinkConversation,
        kernelWireGuard: KernelWireGuard?,
        daemon: UserspaceDaemon,
        told: [InterfaceName: [WireGuardPublicKey: SocketEndpoint]]
    ) {
        self.routing = routing
        self.kernelWireGuard = kernelWireGuard
        self.daemon = daemon
        self.told = told
    }

    /// Brings one path's interface to what it should be; says what it did and what became of it.
    func keep(
        _ path: Desired.Path,
        _ observed: Observed,
        mark: UInt32,
        now: Instant,
        _ result: inout ReconcileResult
    ) -> PathState {
        var state = PathState()
        do throws(WireGuardError) {
            if let link = observed.links[path.interface] {
                state = PathState(
                    condition: underlayCondition(path, observed),
                    implementation: link.implementation,
                    link: link
                )
                missingSince[path.interface] = nil
                if let resting = resting[path.interface], now < resting.until { throw resting.error }
                try keep(path, link, observed, mark, &state, &result)
                resting[path.interface] = nil
            } else {
                result.changes.append("make interface \(path.interface)")
                let since = missingSince[path.interface] ?? now
                missingSince[path.interface] = since
                if now - since > Self.makingPatience { state.condition = .unusable(.interfaceMissing(path.interface)) }
                try create(path.interface, now)
            }
        } catch {
            if case .unresponsive = error, now >= resting[path.interface]?.until ?? now {
                resting[path.interface] = (now + Self.rest, error)
            }
            result.failures.append("\(path.name): \(error)")
            // A tunnel that stands and cannot be read may well carry traffic: that is for the probes to say.
            if state.link == nil { state.condition = .unusable(.refused("\(error)")) }
        }
        return state
    }

    private func keep(
        _ path: Desired.Path,
        _ link: Link,
        _ observed: Observed,
        _ mark: UInt32,
        _ state: inout PathState,
        _ result: inout ReconcileResult
    ) throws(WireGuardError) {
        guard let implementation = link.implementation else {
            state.condition = .unusable(.interfaceForeign(path.interface))
            return
        }
        let control = try control(implementation)
        var device = try control.read(path.interface)
        // One that nobody configured yet is what an earlier run, or this one, has just made.
        guard link.isOurs || device.privateKey == nil else {
            state.condition = .unusable(.interfaceForeign(path.interface))
            return
        }
        var settings = path.wireGuard
        settings.mark = mark
        let change = WireGuardChange(from: device, to: settings, toldBefore: told[path.interface] ?? [:])
        if !change.isEmpty {
            result.changes.append("configure WireGuard on \(path.interface)")
            try control.apply(change, to: path.interface)
            device = try control.read(path.interface)
        }
        told[path.interface] = Dictionary(
            settings.peers.compactMap { peer in peer.endpoint.map { (peer.publicKey, $0) } },
            uniquingKeysWith: { first, _ in first }
        )
        state.device = device
        try setUp(path, link, observed, &result)
    }

    private func control(_ implementation: PathState.Implementation) throws(WireGuardError) -> any WireGuardControl {
        switch implementation {
        case .userspace: return UserspaceWireGuard()
        case .kernel:
            guard let kernelWireGuard else {
                throw .netlink(.refused(operation: "use the kernel's WireGuard", code: EOPNOTSUPP, text: nil))
            }
            return kernelWireGuard
        }
    }

    private func create(_ interface: InterfaceName, _ now: Instant) throws(WireGuardError) {
        guard kernelWireGuard != nil else { return try daemon.start(interface, now: now) }
        do {
            try routing.change(LinkMessages.create(interface, kind: "wireguard"), "make interface \(interface)")
        } catch {
            throw .netlink(error)
        }
    }

    private func setUp(
        _ path: Desired.Path,
        _ link: Link,
        _ observed: Observed,
        _ result: inout ReconcileResult
    ) throws(WireGuardError) {
        let alias = Link.aliasPrefix + path.name.text
        let mtu = path.mtu ?? Self.mtu(over: observed.links[path.underlay])
        guard !link.isUp || link.alias != alias || link.mtu != mtu else { return }
        result.changes.append("set interface \(path.interface) up, MTU \(mtu)")
        do {
            try routing.change(
                LinkMessages.setUp(
                    link.index,
                    alias: alias,
                    mtu: mtu,
                    hasIPv6: observed.families.contains(.ipv6)
                ),
                "set interface \(path.interface) up"
            )
        } catch {
            throw .netlink(error)
        }
    }

    /// What WireGuard adds over IPv6: 40 IPv6, 8 UDP, 32 of its own. Never below what IPv6 asks for (RFC 8200 section 5).
    private static func mtu(over underlay: Link?) -> Int {
        max((underlay?.mtu ?? 1500) - 80, 1280)
    }

    /// Whether interface and underlay can carry anything.
    func linkCondition(_ path: Desired.Path, _ observed: Observed) -> PathCondition {
        guard let link = observed.links[path.interface] else { return .unusable(.interfaceMissing(path.interface)) }
        guard link.isUp else { return .unusable(.interfaceDown(path.interface)) }
        return underlayCondition(path, observed)
    }

    private func underlayCondition(_ path: Desired.Path, _ observed: Observed) -> PathCondition {
        guard let underlay = observed.links[path.underlay] else {
            return .unusable(.underlayMissing(path.underlay))
        }
        guard underlay.isUp, underlay.hasCarrier else { return .unusable(.underlayDown(path.underlay)) }
        for endpoint in path.wireGuard.peers.compactMap(\.endpoint?.address) {
            let onLink = observed.addresses.contains {
                $0.link == underlay.index && $0.address.prefix.contains(endpoint)
            }
            guard onLink || path.hop(endpoint.family, observed) != nil else {
                return .unusable(.underlayUnrouted(path.underlay))
            }
        }
        return .ready
    }
}

extension Link {
    /// Who encrypts on it; nil where it is no tunnel that could be ours.
    var implementation: PathState.Implementation? {
        switch kind {
        case "wireguard": .kernel
        case "tun": .userspace
        default: nil
        }
    }
}
