// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import PathHealth
import SystemIO

/// The paths' interfaces: makes them, and speaks to whoever encrypts on them.
final class Tunnels {
    private let routing: NetlinkConversation
    private let kernelWireGuard: KernelWireGuard?
    private var daemon: UserspaceDaemon

    /// Interfaces whose userspace process did not answer, until when it is not asked again, and what was wrong.
    private var resting: [InterfaceName: (until: Instant, error: WireGuardError)] = [:]
    /// How long a process that did not answer is left alone: asking it holds everything else up.
    private static let rest = Duration.seconds(5)

    /// - Parameter kernelWireGuard: nil where the kernel has none.
    init(routing: NetlinkConversation, kernelWireGuard: KernelWireGuard?, daemon: UserspaceDaemon) {
        self.routing = routing
        self.kernelWireGuard = kernelWireGuard
        self.daemon = daemon
    }

    /// Whether interfaces are made by the kernel's WireGuard.
    var isKernels: Bool { kernelWireGuard != nil }

    /// Reads the WireGuard side of an interface; nil where it has none.
    func read(_ link: Link, now: Instant) throws(WireGuardError) -> WireGuardDevice? {
        guard let implementation = link.implementation else { return nil }
        if let resting = resting[link.name], now < resting.until { throw resting.error }
        do {
            let device = try control(implementation).read(link.name)
            resting[link.name] = nil
            return device
        } catch {
            if case .unresponsive = error { resting[link.name] = (now + Self.rest, error) }
            throw error
        }
    }

    func apply(_ change: WireGuardChange, to link: Link) throws(WireGuardError) {
        guard let implementation = link.implementation else { return }
        try control(implementation).apply(change, to: link.name)
    }

    /// Makes an interface; a userspace one comes a moment later.
    func make(_ interface: InterfaceName, now: Instant) throws(WireGuardError) {
        guard kernelWireGuard != nil else { return try daemon.start(interface, now: now) }
        do {
            try routing.change(LinkMessages.create(interface, kind: "wireguard"), "make interface \(interface)")
        } catch {
            throw .netlink(error)
        }
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
}

extension Observed {
    /// Whether a path's interface and underlay can carry anything.
    func linkCondition(_ path: Desired.Path) -> PathCondition {
        guard let link = links[path.interface] else { return .unusable(.interfaceMissing(path.interface)) }
        guard link.isUp else { return .unusable(.interfaceDown(path.interface)) }
        return underlayCondition(path)
    }

    /// Whether a path's underlay can carry its outer packets.
    func underlayCondition(_ path: Desired.Path) -> PathCondition {
        guard let underlay = links[path.underlay] else { return .unusable(.underlayMissing(path.underlay)) }
        guard underlay.isUp, underlay.hasCarrier else { return .unusable(.underlayDown(path.underlay)) }
        for endpoint in path.wireGuard.peers.compactMap(\.endpoint?.address) {
            let onLink = usableAddresses(of: underlay).contains { $0.address.prefix.contains(endpoint) }
            if onLink { continue }
            guard hasSource(on: underlay, endpoint.family) else {
                return .unusable(.underlayUnaddressed(path.underlay))
            }
            guard path.hop(endpoint.family, self) != nil else {
                return .unusable(.underlayUnrouted(path.underlay))
            }
        }
        return awaitedHost(path).map { .unusable(.endpointUnknown($0)) } ?? .ready
    }

    /// The name of a path's only peer, as long as neither its address was found nor has it called us.
    private func awaitedHost(_ path: Desired.Path) -> DomainName? {
        guard path.wireGuard.peers.count == 1, let peer = path.wireGuard.peers.first, let host = peer.awaitedHost,
            tunnels[path.interface]?.peers.first(where: { $0.publicKey == peer.publicKey })?.endpoint == nil
        else { return nil }
        return host
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
