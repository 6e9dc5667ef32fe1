// SPDX-License-Identifier: Apache-2.0

import Configuration
import Logging
import NetworkTypes
import PathHealth
import SystemIO
import Tunnel

/// What is planned and known of the work on the kernel.
struct KernelWork {
    /// A pass is on the timer.
    var isScheduled = false
    /// Passes in a row that had something to do or failed.
    var restless = 0
    /// Somebody else changed something; whether it was ours shows in what the next pass has to do.
    var isTold = false
    /// Underlays that carried nothing when last asked.
    var deadUnderlays: Set<InterfaceName> = []
    /// Everything was taken down; nothing is to be put back.
    var isOver = false
    /// The guard as it was last written down for the next boot.
    var guardCopy: GuardCopy?
    /// An earlier run had a guard, and nobody had put it in place before this one began.
    var guardWasMissing = false
}

extension Agent {
    /// A pass reads and compares everything; with nothing else to cause one it comes as often as this.
    private static let auditInterval = Duration.seconds(5)

    /// Something in the kernel changed, and it was not our doing.
    func noticed(_ notice: KernelEvents.Notice) {
        switch notice {
        case .link(let name):
            // A carrier that goes is evidence: it decides at once, without waiting for a full pass.
            let known = site.paths.contains { $0.interface == name || $0.underlay.interface == name }
            guard known || name == nil else { return }
            look()
        case .routing, .firewall:
            kernelWork.isTold = true
        case .overrun:
            counters.overruns += 1
            log.warning("netlink events were lost; reading everything again")
        }
        scheduleReconcile(after: .milliseconds(1))
    }

    /// The kernel tells of a lost carrier late, up to a second after the last link event of the whole machine
    /// (linkwatch, net/core/link_watch.c). Asked, it knows at once.
    private static let carrierInterval = Duration.milliseconds(50)

    /// Watches the underlays' carriers for as long as the agent runs.
    func watchCarriers() {
        loop.schedule(after: Self.carrierInterval) { [weak self] in
            guard let self else { return }
            let dead = reconciler.dead(among: Set(site.paths.map(\.underlay.interface)))
            if dead != kernelWork.deadUnderlays {
                kernelWork.deadUnderlays = dead
                look()
                scheduleReconcile(after: .milliseconds(1))
            }
            watchCarriers()
        }
    }

    /// Reads the links only, and tells the core what it means for the paths.
    private func look() {
        do {
            let conditions = try reconciler.conditions(desired)
            for (path, condition) in conditions.sorted(by: { $0.key < $1.key }) { observe(.condition(path, condition)) }
        } catch {
            log.error("\(error)")
        }
    }

    func scheduleReconcile(after delay: Duration) {
        guard !kernelWork.isScheduled else { return }
        kernelWork.isScheduled = true
        loop.schedule(after: delay) { [weak self] in
            self?.kernelWork.isScheduled = false
            self?.reconcile()
        }
    }

    /// Makes everything in the kernel what it should be, and takes what is seen there as evidence.
    func reconcile() {
        guard !kernelWork.isOver else { return }
        let started = loop.now
        let result = reconciler.reconcile(desired)
        counters.reconciles += 1
        counters.took(.reconcile, loop.now - started)
        if kernelWork.isTold, !result.changes.isEmpty { counters.foreignChanges += 1 }
        kernelWork.isTold = false
        let problems = probes?.follow(result.paths) ?? []
        note(result, problems + writeGuardDown())
        lookAtHost()
        for network in flowProblems.keys.sorted() { cutStranded(network, since: started) }
        for path in site.paths {
            if let condition = result.paths[path.name]?.condition { observe(.condition(path.name, condition)) }
        }
        let isSettled = result.changes.isEmpty && failures.isEmpty
        kernelWork.restless = isSettled ? 0 : kernelWork.restless + 1
        // Quick while things move, patient where they do not come right.
        let next: Duration =
            isSettled ? Self.auditInterval : kernelWork.restless < 30 ? .milliseconds(50) : .seconds(1)
        loop.schedule(after: next) { [weak self, passes = counters.reconciles] in
            guard let self, counters.reconciles == passes else { return }
            reconcile()
        }
    }

    /// Looks at what the boot left, before anything is changed.
    func recallGuard() {
        do {
            kernelWork.guardCopy = try GuardFile(in: site.state.directory).load()
        } catch {
            log.error("\(error); it is written anew")
        }
        kernelWork.guardWasMissing = kernelWork.guardCopy != nil && !reconciler.hasGuard
        if kernelWork.guardWasMissing { log.warning("\(Self.guardWasMissing)") }
    }

    static let guardWasMissing =
        "the guard was not in place when pnetd started (is pnetd-guard.service enabled? who flushes nf_tables?)"

    /// Keeps what the next boot guards by in step with what is applied; says what went wrong.
    private func writeGuardDown() -> [String] {
        let copy = GuardCopy(of: desired)
        guard copy != kernelWork.guardCopy else { return [] }
        do {
            try GuardFile(in: site.state.directory).save(copy)
            kernelWork.guardCopy = copy
            return []
        } catch {
            return ["the next boot will not be guarded as it should be: \(error)"]
        }
    }

    /// Moves routes as the decision says; the rest of the kernel waits for its next pass.
    func moveRoutes() {
        guard !kernelWork.isOver else { return }
        let result = reconciler.move(desired)
        note(result)
        if !result.failures.isEmpty { scheduleReconcile(after: .milliseconds(10)) }
    }

    private func note(_ result: ReconcileResult, _ problems: [String] = []) {
        counters.changes += UInt64(result.changes.count)
        counters.failures += UInt64(result.failures.count)
        for change in result.changes { log.info("kernel: \(change)") }
        for failure in result.failures + problems where !failures.contains(failure) { log.error("kernel: \(failure)") }
        for path in site.paths {
            let implementation = result.paths[path.name]?.implementation
            if implementation == .userspace, paths[path.name]?.implementation != .userspace {
                log.warning("\(path.name): this kernel has no WireGuard; wireguard-go carries the path in userspace")
            }
        }
        for collision in result.collisions where !collisions.contains(collision) { log.warning("\(collision)") }
        collisions = result.collisions
        for warning in result.swallowed where !swallowed.contains(warning) { log.warning("\(warning)") }
        swallowed = result.swallowed
        failures = result.failures + problems
        paths = result.paths
        guardIsOwned = result.guardIsOwned
    }
}
