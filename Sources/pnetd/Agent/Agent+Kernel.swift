// SPDX-License-Identifier: Apache-2.0

import Configuration
import ControlAPI
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
    /// What others changed of ours, the last few, and who changes what again and again.
    var foreign = ForeignChanges()
    /// Underlays that carried nothing when last asked.
    var deadUnderlays: Set<InterfaceName> = []
    /// When the kernel told last that something about a link is another.
    var linksMoved: Instant?
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
    func noticed(_ notice: KernelNotice) {
        switch notice {
        case .touched(let links, let ports):
            // While whoever it was may still be there to be named.
            kernelWork.foreign.name(ports)
            // A carrier that goes is evidence: it decides at once, without waiting for a full pass.
            if !links.isEmpty { kernelWork.linksMoved = loop.now }
            let own = Set(site.paths.flatMap { [$0.interface, $0.carrier] })
            if !own.isDisjoint(with: links) { look() }
            scheduleReconcile(after: .milliseconds(1))
        case .overrun:
            kernelWork.linksMoved = loop.now
            log.warning("netlink events were lost; reading everything again")
            // While they pour in, everything is read a few times a second and once when it is over.
            scheduleReconcile(after: Self.overrunPause)
        }
    }

    private static let overrunPause = Duration.milliseconds(200)

    /// The kernel tells of a lost carrier late, up to a second after the last link event of the whole machine
    /// (linkwatch, net/core/link_watch.c). Asked, it knows at once. Of links in other namespaces nobody tells us.
    private static let carrierInterval = (calm: Duration.milliseconds(200), late: Duration.milliseconds(25))
    private static let lateness = Duration.milliseconds(1_500)

    /// Watches the underlays' carriers for as long as the agent runs.
    func watchCarriers() {
        let isTellingLate = kernelWork.linksMoved.map { loop.now - $0 < Self.lateness } ?? false
        loop.schedule(inStepEvery: isTellingLate ? Self.carrierInterval.late : Self.carrierInterval.calm) {
            [weak self] in
            guard let self else { return }
            let dead = reconciler.dead(among: Set(site.paths.map(\.carrier)))
            if dead != kernelWork.deadUnderlays {
                kernelWork.deadUnderlays = dead
                look()
                scheduleReconcile(after: .milliseconds(1))
            }
            watchCarriers()
        }
    }

    /// How often WireGuard is asked whether it is as it should be; with ten thousand peers, every other second.
    private static let tunnelInterval = Duration.seconds(1)

    /// Looks at the tunnels for as long as the agent runs.
    func watchTunnels() {
        let peers = site.paths.reduce(0) { $0 + $1.peers.count }
        loop.schedule(inStepEvery: Self.tunnelInterval * max(1, peers / 5_000)) { [weak self] in
            guard let self else { return }
            if reconciler.hasTunnelToRepair(desired) { scheduleReconcile(after: .zero) }
            noteHandshakes()
            watchPeers()
            watchDetours()
            watchAnswers()
            watchViewInterfaces()
            watchFailbackWindows()
            watchDrills()
            watchEndpoints()
            followHostNames()
            watchTunnels()
        }
    }

    /// Reads the links only, and tells the core what it means for the paths.
    private func look() {
        let conditions = reconciler.conditions(desired)
        for (path, condition) in conditions.sorted(by: { $0.key < $1.key }) {
            observe(.condition(path, refined(condition, of: path)))
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
        bfd?.end(besides: site.paths)
        let result = reconciler.reconcile(desired)
        counters.reconciles += 1
        counters.took(.reconcile, loop.now - started)
        let problems = (probes?.follow(result.paths) ?? []) + (bfd?.follow(site.paths, result.paths) ?? [])
        let stampProblems = stamp?.follow(site.paths, result.paths) ?? []
        note(result, problems + stampProblems + writeGuardDown())
        tellUnrouted()
        measureMTUs()
        lookAtHost()
        for network in flowProblems.keys.sorted() { cutStranded(network, since: started) }
        for path in site.paths {
            clockWatch.note(result.paths[path.name]?.device?.peers ?? [], of: path.name)
            if let condition = result.paths[path.name]?.condition {
                observe(.condition(path.name, refined(condition, of: path.name)))
            }
        }
        for (path, status) in bfd?.statuses ?? [] { observe(.session(path, status)) }
        observeReflectors()
        let isMaking = result.paths.values.contains { $0.condition == nil }
        let isSettled = result.changes.isEmpty && failures.isEmpty && !isMaking
        kernelWork.restless = isSettled ? 0 : kernelWork.restless + 1
        // Quick while things move, patient where they do not come right.
        let next: Duration =
            isSettled ? Self.auditInterval : kernelWork.restless < 30 ? .milliseconds(50) : .seconds(1)
        loop.schedule(after: min(next, result.pause ?? next)) { [weak self, passes = counters.reconciles] in
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
        // The rest of what the decision means to the kernel; most often nothing.
        scheduleReconcile(after: result.failures.isEmpty ? .milliseconds(1) : .milliseconds(10))
    }

    private func noteForeignChanges(_ result: ReconcileResult) {
        counters.foreignChanges += UInt64(result.repairs.count)
        counters.untold += UInt64(result.untold.count)
        if !result.untold.isEmpty {
            log.warning(
                "the kernel was not as its events had told",
                metadata: ["differences": "\(result.untold.count)", "first": "\(result.untold[0])"]
            )
        }
        let time = Timestamp.text(wallNanoseconds: clock.wallNanoseconds)
        for news in kernelWork.foreign.take(result, at: time) { log.warning("\(news)") }
    }

    private func note(_ result: ReconcileResult, _ problems: [String] = []) {
        counters.changes += UInt64(result.changeCount)
        counters.failures += UInt64(result.failures.count)
        for change in result.changes { log.info("kernel: \(change)") }
        for failure in result.failures + problems where !failures.contains(failure) { log.error("kernel: \(failure)") }
        for path in site.paths {
            let implementation = result.paths[path.name]?.implementation
            if implementation == .userspace, paths[path.name]?.implementation != .userspace {
                log.warning("\(path.name): this kernel has no WireGuard; wireguard-go carries the path in userspace")
            }
        }
        noteForeignChanges(result)
        for precedence in result.precedences where !precedences.contains(precedence) { log.error("\(precedence)") }
        precedences = result.precedences
        for collision in result.collisions where !collisions.contains(collision) { log.warning("\(collision)") }
        collisions = result.collisions
        for hindrance in result.hindrances where !hindrances.contains(hindrance) { log.warning("\(hindrance)") }
        hindrances = result.hindrances
        noteUnrouted(result.unrouted)
        failures = result.failures + problems
        paths = result.paths
        guardIsOwned = result.guardIsOwned
    }
}
