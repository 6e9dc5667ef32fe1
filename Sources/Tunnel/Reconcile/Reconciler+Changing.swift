// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import SystemIO

extension Reconciler {
    /// How many messages go into one datagram.
    private static let batchSize = 128

    /// Takes the steps, and returns those that were taken.
    func carryOut(
        _ steps: [Step],
        _ desired: Desired,
        after touches: [KernelObject: UInt32] = [:],
        isPatient: Bool = false,
        _ result: inout ReconcileResult
    ) -> [Step] {
        let now = clock.now
        var waiting: Set<KernelObject> = []
        var taken: [Step] = []
        var batch: [(step: Step, message: NetlinkMessage)] = []
        do {
            for step in steps {
                if isPatient, waits(step, &waiting, now, &result) { continue }
                if let willCarryOut {
                    // Whoever wants to stop between two steps gets them one by one.
                    send(&batch, &taken, &result)
                    try willCarryOut(step)
                }
                if let port = touches[step.object] ?? (isRepairOfTunnel(step, desired) ? 0 : nil),
                    port != 0 || isUnsigned(step, touches)
                {
                    disputes.repaired(step.object, from: port, at: now)
                    result.repairs.append(Repair(object: step.object.description, port: port))
                }
                if let message = step.message(reserved) {
                    batch.append((step, message))
                    if batch.count == Self.batchSize { send(&batch, &taken, &result) }
                } else {
                    send(&batch, &taken, &result)
                    if takeAlone(step, desired, now, &result) { taken.append(step) }
                }
            }
            send(&batch, &taken, &result)
        } catch {
            result.failures.append("\(error)")
        }
        result.changes += StepSummary.lines(taken)
        result.changeCount += taken.count
        return taken
    }

    /// Whether a step, once taken, makes others possible that could not be said before.
    func opensTheWay(_ step: Step) -> Bool {
        switch step {
        case .makeLink(let name, _): model.observed.links[name] != nil
        case .setUp(let link, _, _, _): !(model.observed.isOurs(link) && link.isUp)
        default: false
        }
    }

    /// Whether somebody's change that a step undoes is one that the kernel does not sign: to an interface that was set up
    /// once, to its WireGuard side or its IPv6 addresses, or its end. A userspace tunnel ends with its process as well.
    private func isUnsigned(_ step: Step, _ touches: [KernelObject: UInt32]) -> Bool {
        switch step {
        case .setUp(let link, _, _, _): model.observed.isOurs(link)
        case .addAddress(let address), .deleteAddress(let address):
            // With an interface that somebody set down go its IPv6 addresses.
            model.observed.links.values.contains { link in
                link.index == address.link && model.observed.claimed.contains(link.index)
                    && touches[.link(link.name)] == nil
            }
        case .makeLink(_, let kind): kind != .wireGuard || tunnels.isKernels
        case .configure: true
        default: false
        }
    }

    /// Whether a tunnel that was as the same file wants it is so no more.
    private func isRepairOfTunnel(_ step: Step, _ desired: Desired) -> Bool {
        guard case .configure(let name, _) = step, let known = configured[name] else { return false }
        return desired.paths.first { $0.interface == name }?.kind.hashValue == known
    }

    /// Whether a step is left for later: what is in dispute, and with it what hangs on it.
    private func waits(
        _ step: Step,
        _ waiting: inout Set<KernelObject>,
        _ now: Instant,
        _ result: inout ReconcileResult
    ) -> Bool {
        let pause = disputes.pause(before: step.object, isGuard: step.isGuard, at: now)
        if pause > .zero { result.pause = min(pause, result.pause ?? pause) }
        guard pause > .zero || !waiting.isDisjoint(with: step.needs) else { return false }
        waiting.insert(step.object)
        return true
    }

    /// Sends what goes into one datagram, and takes in what the kernel tells of it before its buffer is full.
    private func send(
        _ batch: inout [(step: Step, message: NetlinkMessage)],
        _ taken: inout [Step],
        _ result: inout ReconcileResult
    ) {
        guard !batch.isEmpty else { return }
        let sent = batch
        batch = []
        do {
            let errors = try routing.change(sent.map(\.message)) { "\(sent[$0].step)" }
            model.drain()
            for (place, item) in sent.enumerated() {
                guard let error = errors[place] else {
                    taken.append(item.step)
                    if case .setUp(let link, let path, let mtu, _) = item.step {
                        model.disown(link, of: path, mtu: mtu)
                    }
                    continue
                }
                if !item.step.isFulfilled(by: error.code) { result.failures.append("\(error)") }
            }
        } catch {
            result.failures.append("\(error)")
            model.drain()
        }
    }

    private func takeAlone(_ step: Step, _ desired: Desired, _ now: Instant, _ result: inout ReconcileResult) -> Bool {
        do {
            switch step {
            case .putGuard(let table):
                model.forgetGuard()
                try firewall.replace(table)
            case .adoptGuard(let table):
                model.forgetGuard()
                return try firewall.own(table)
            case .putBlocks(let difference):
                try security?.apply(difference)
                if let security { try model.refresh(security, always: true) }
            case .makeLink(let name, let kind): try tunnels.make(name, kind, now: now)
            case .configure(let name, let change):
                if let link = model.observed.links[name] {
                    model.note(change, for: name)
                    try tunnels.apply(change, to: link)
                }
            default: preconditionFailure("a step of one message goes with others: \(step)")
            }
            model.drain()
            return true
        } catch {
            noteFailure(of: step, error, desired, &result)
            return false
        }
    }

    private func noteFailure(
        of step: Step,
        _ error: any Error,
        _ desired: Desired,
        _ result: inout ReconcileResult
    ) {
        switch step {
        case .makeLink(let name, _), .configure(let name, _):
            guard let path = desired.paths.first(where: { $0.interface == name }) else { break }
            let text = Self.lack(step, error).map { "\($0)" } ?? "\(error)"
            result.failures.append("\(path.name): \(text)")
            if case .makeLink = step { pathStates[path.name]?.condition = .unusable(.refused(text)) }
            return
        case .putBlocks:
            result.failures.append("IPsec: \(error)")
            return
        default: break
        }
        result.failures.append("guard: \(error)")
    }

    private static func lack(_ step: Step, _ error: any Error) -> IPsecLack? {
        guard case .makeLink(_, .xfrm) = step, case WireGuardError.netlink(let refusal) = error else { return nil }
        return IPsecLack(makingInterface: refusal)
    }

    /// Keeps what the peers were told, for telling later a peer that roamed from a line of the file that changed.
    func remember(_ desired: Desired, _ result: ReconcileResult) {
        let interfaces = Set(desired.paths.map(\.interface))
        told = told.filter { interfaces.contains($0.key) }
        configured = configured.filter { interfaces.contains($0.key) }
        for path in desired.paths where path.ownsInterface && pathStates[path.name]?.isOurs == true {
            guard !result.failures.contains(where: { $0.hasPrefix("\(path.name): ") }) else { continue }
            if let link = model.observed.links[path.interface] { model.claim(link) }
            configured[path.interface] = path.kind.hashValue
            guard let peers = path.wireGuard?.peers else { continue }
            told[path.interface] = Dictionary(
                peers.compactMap { peer in peer.endpoint.map { (peer.publicKey, $0) } },
                uniquingKeysWith: { first, _ in first }
            )
        }
    }
}
