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
    func make(_ interface: InterfaceName, _ kind: LinkKind, now: Instant) throws(WireGuardError) {
        if kind == .wireGuard, kernelWireGuard == nil { return try daemon.start(interface, now: now) }
        do {
            try routing.change(LinkMessages.create(interface, kind), "make interface \(interface)")
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
