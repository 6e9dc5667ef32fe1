// SPDX-License-Identifier: Apache-2.0

import CLinux
import Configuration
import ControlAPI
import HostDNS
import Journal
import Logging
import NetworkTypes
import PathHealth
import ProcessLink
import SystemIO
import Tunnel

/// The agent: evidence in, one decision out, and kernel, names and alerts made to agree with it.
///
///     kernel events ─┐                      ┌─> routes (Reconciler)
///     echo answers  ─┼─> HealthCore ─> decision ─> names (resolver snapshot)
///     timers        ─┘                      └─> status, metrics, alerts
///
/// Everything runs on one thread, the loop's. The extensions of this class are its parts: effects, kernel, processes,
/// what is shown.
final class Agent {
    let log: Logger
    let loop: EventLoop
    let clock: any TimeSource
    let file: String
    /// The file that is in force.
    var inForce: LoadedConfiguration { didSet { fileChanges += 1 } }
    /// How often that changed: what was read before a change may hold a key from before it.
    private(set) var fileChanges: UInt64 = 0
    var site: SiteConfiguration { inForce.configuration }
    /// A file that is in force on trial.
    var trial: Trial?
    /// A private key that is on trial.
    var rotation: Rotation?
    /// Standby paths that are tried out with a network's traffic.
    var drill: Drill?
    /// A path that is taken out, or given back, once its networks' names may move.
    var nameMove: NameMove?
    /// Why drills whose time it is do not begin, as it was said last.
    var drillRefusals: [NetworkName: String] = [:]
    /// The peers that go by their next key.
    var heirs: Set<EndpointBook.Peer> = []
    /// Whether the file was on trial and not confirmed: what is in force is the one before it.
    var isRolledBack: Bool
    var saved: SavedState
    private(set) var core = HealthCore()
    /// What the core is told and says, for later.
    let journal: AgentJournal
    let loader: ConfigurationLoader
    let namesWriter: SideThread<Result<Void, SystemError>>
    var counters = Counters()

    let reconciler: Reconciler
    let tracking: ConnectionTracking
    let manager: ServiceManager
    let isSupervised: Bool
    let listeners: Listeners
    let processes: PrivateSockets
    let programs: ChildPrograms
    var control: ControlServer?
    private(set) var probes: ProbeRunner?
    private(set) var bfd: BFDSessions?
    private(set) var stamp: STAMPSessions?
    private(set) var ike: IKEControl?
    private(set) var mtuProbing: MTUProbing?

    /// Where each network's traffic is led in the kernel, and by which decision its names answer: the two follow the
    /// core's decision in an order that depends on the direction.
    var routed: [NetworkName: Outcome] = [:]
    /// The paths that carry each network's traffic, and since when each does.
    var carrying: [NetworkName: [PathName: Instant]] = [:]
    var named: [NetworkName: Decision] = [:]
    var paths: [PathName: PathState] = [:]
    var failures: [String] = []
    var collisions: [String] = []
    /// Each network's state as it was recorded last.
    var networkStates: [NetworkName: StatusReport.NetworkState] = [:]
    /// What takes networks' traffic away before pnetd's rules are asked.
    var precedences: [String] = []
    /// What could not be written down for the next run, and why.
    var saveProblems: [String: String] = [:]
    /// What stands in the way in the kernel and is not ours to change.
    var hindrances: [String] = []
    /// Settings of the host that stand in the way.
    var hostWarnings: [String] = []
    var ikeWishes = IKEWishes()
    /// Why certificates and lists that came in the place of others are not in force.
    var credentialProblem: String?
    var guardIsOwned = false
    var kernelWork = KernelWork()
    var clockWatch = ClockWatch()
    var xfrm = XFRMWatch()
    var detours = AnswerDetours()
    let connections = TCPConnections()
    var flows = FlowWatch()
    /// Why the TCP connections could not be looked at last.
    var flowsProblem: NetlinkError?
    var endpoints = EndpointWork()
    /// Networks whose stranded flows could not be cut, and why.
    var flowProblems: [NetworkName: String] = [:]
    var names = NamesWork()
    var encryptedNames = EncryptedNamesWork()
    var hostNames: HostNamesWork
    /// Alerts that are with the frontend, and those that rest after a failure.
    var alertsUnderWay: Set<String> = []
    var alertTimers: [String: EventLoop.TimerID] = [:]
    var listenerProblems: [String] = []
    var isListeningAgain = false
    /// Who may have outlived an earlier agent and not said hello yet.
    var awaited = Set(LinkRole.allCases)
    /// The sockets that each process holds.
    var held: [LinkRole: Set<ListenerDescription>] = [:]
    let started: Instant
    private var deadline: EventLoop.TimerID?
    private(set) var isEnding = false

    /// - Parameter isSupervised: resolver, frontend and userspace WireGuard are units of the service manager's.
    init(
        _ loaded: LoadedConfiguration,
        file: String,
        log: Logger,
        manager: ServiceManager,
        isSupervised: Bool,
        isRolledBack: Bool = false,
        clock: any TimeSource = SystemClock()
    ) throws {
        self.log = log
        self.manager = manager
        self.isSupervised = isSupervised
        self.file = file
        self.clock = clock
        inForce = loaded
        self.isRolledBack = isRolledBack
        let site = loaded.configuration
        loop = try EventLoop(clock: clock)
        namesWriter = try SideThread("names", on: loop)
        loader = try ConfigurationLoader(on: loop) {
            Result { () throws(ConfigurationErrors) in try Configuration.load(path: file) }
        }
        started = clock.now
        try Files.makeDirectory(site.state.directory, mode: 0o700)
        let (saved, problem) = SavedState.load(from: site.state.directory)
        self.saved = saved
        if let problem { log.error("\(problem)") }
        clockWatch = ClockWatch(
            Dictionary(
                (saved.handshakes ?? [:]).compactMap { entry in PathName(entry.key).map { ($0, entry.value) } },
                uniquingKeysWith: { first, _ in first }
            )
        )
        self.saved.assignSlots(site)
        reconciler = try Reconciler(
            reserved: ReservedNumbers(site.reserve),
            userspace: isSupervised
                ? .unit
                : .child(
                    through: [try Files.linkTarget("/proc/self/exe"), "wireguard"],
                    logDirectory: site.state.runtimeDirectory
                ),
            told: self.saved.toldEndpoints,
            clock: clock
        )
        try Self.expectNoOther(reconciler)
        tracking = try ConnectionTracking()
        let runtime = site.state.runtimeDirectory
        listeners = Listeners(keptBy: manager)
        hostNames = HostNamesWork(stateDirectory: site.state.directory, resolved: Resolved(on: loop), try NamesLink())
        processes = try PrivateSockets(in: runtime, on: loop, log: log, isSupervised: isSupervised)
        programs = ChildPrograms(on: loop, log: log, socketsIn: runtime, isSupervised: isSupervised)
        journal = AgentJournal(
            in: JournalDirectory(inStateDirectory: site.state.directory),
            on: loop,
            clock: clock
        )
        probes = ProbeRunner(on: loop, clock: clock) { [weak self] evidence in self?.observe(evidence) }
        probes?.onDetour = { [weak self] path, other in self?.answeredElsewhere(path, by: other) }
        probes?.tls.servers = site.tlsTargets
        probes?.tls.ask = { [weak self] request, connection in
            self?.processes.send(.shakeHands(request), to: .frontend, with: [connection]) ?? false
        }
        mtuProbing = MTUProbing(
            on: loop,
            targets: { [weak self] path in self?.core.answeringEchoes(through: path) ?? [] },
            send: { [weak self] path, target, octets in self?.probes?.measure(path, to: target, octets: octets) },
            onChange: { [weak self] path in self?.carriedMTUChanged(path) }
        )
        probes?.onCarried = { [weak self] path, octets in self?.mtuProbing?.answered(path, octets: octets) }
        bfd = BFDSessions(on: loop) { [weak self] path, status in self?.observe(.session(path, status)) }
        stamp = STAMPSessions(on: loop, clock: clock) { [weak self] path, status in
            self?.observe(.reflector(path, status))
        }
        ike = IKEControl(
            on: loop,
            log: log,
            loaded: self.saved.ikeTerms ?? [:],
            onConnect: { [weak self] in if self?.isEnding == false { self?.followIKE() } },
            onChange: { [weak self] in self?.ikeChanged() }
        )
        journal.report = { [weak self] failure in
            self?.keepInMind("the journal has a gap") { if let failure { throw failure } }
        }
    }

    /// Another agent would take this one's interfaces for leftovers, and this one the other's.
    private static func expectNoOther(_ reconciler: Reconciler) throws(Occupied) {
        // The end of an earlier agent may not have come to all of its sockets yet.
        for _ in 0..<20 {
            guard reconciler.guardOwner != nil else { return }
            usleep(100_000)
        }
        if let owner = reconciler.guardOwner { throw Occupied(owner: Opponent.name(ofPort: owner)) }
    }

    /// Runs until SIGTERM, or until `down` was carried out.
    func run(_ signals: borrowing SignalSource) throws {
        try signals.attach(to: loop) { [weak self] in self?.signalled($0) }
        connectParts()
        let group = site.control.group.map { Account.group(named: $0) }
        if case .some(.none) = group {
            log.error("there is no group '\(site.control.group ?? "")': only root can use the control socket")
        }
        control = try ControlServer(
            path: site.control.socket,
            group: group ?? nil,
            on: loop,
            log: log,
            handlers: ControlServer.Handlers(
                status: { [unowned self] in statusReport() },
                explain: { [unowned self] in explain($0) },
                plan: { [unowned self] in planReport($0) },
                apply: { [unowned self] in apply($0, for: $1, $2) },
                confirm: { [unowned self] in confirm() },
                rotate: { [unowned self] in rotate($0, $1) },
                keep: { [unowned self] in keep($0) },
                applicantLeft: { [unowned self] in
                    rollBack("whoever applied it left")
                    endRotation("whoever asked for it left")
                    if drill?.isByHand == true { endDrill("whoever asked for it left") }
                },
                drain: { [unowned self] in drain($0, $1, $2) },
                undrain: { [unowned self] in undrain($0, $1, $2) },
                switch: { [unowned self] in switchPath(of: $0, to: $1, $2) },
                drill: { [unowned self] in drill($0, $1) },
                names: { [unowned self] in
                    if $0.action == .audit { audit($0, $1) } else { inquire($0, $1) }
                },
                hostNames: { [unowned self] in hostNamesReport() },
                reload: { [unowned self] in reload($0) },
                down: { [unowned self] in takeDown() }
            )
        )
        // The sockets' files are there, and with their groups.
        try Privileges.giveUp([.changeOwner])
        try reconciler.watch(on: loop) { [weak self] in self?.noticed($0) }
        recallGuard()
        followPlaces()
        adoptDecisions()
        findHeirs()
        reconcile()
        // An earlier run may have ended between the two.
        for network in site.networks { cutStranded(network.name, since: loop.now) }
        startProcesses()
        watchCarriers()
        watchTunnels()
        watchConnections()
        watchHeirs()
        watchIKE()
        watchCredentialFiles()
        watchResolved()
        manager.startWatchdog(on: loop)
        manager.tell("READY=1")
        tellManager()
        log.notice("pnetd \(Version.text) runs", metadata: ["site": "\(site.site)", "file": "\(file)"])
        try loop.run()
    }

    /// Takes over what an earlier run decided and left in the kernel: traffic stays where it is until there are
    /// verdicts.
    private func adoptDecisions() {
        var adopted: [NetworkName: Decision] = [:]
        let inKernel = (try? reconciler.adoptable(desired)) ?? [:]
        let now = loop.now
        for network in site.networks {
            let realm = saved.realms[network.name.text]
            let outcome = inKernel[network.name] ?? (realm?.isPublic == true ? .public : .blocked)
            let since = realm.map { now + .nanoseconds($0.since - clock.wallNanoseconds) } ?? now
            counters.switches[network.name] = realm?.switches ?? 0
            adopted[network.name] = Decision(
                network: network.name,
                generation: realm?.generation ?? 1,
                outcome: outcome,
                reasons: [.notYetProbed],
                since: since,
                provisional: true
            )
            routed[network.name] = outcome
            carrying[network.name] = Dictionary(outcome.carriers.map { ($0, since) }) { first, _ in first }
            // An earlier run said so; that it is well again is news.
            if saved.alerts.wasDegraded(network.name) { networkStates[network.name] = .degraded }
            if let path = outcome.path {
                log.notice("adopted", metadata: ["network": "\(network.name)", "path": "\(path)"])
            }
        }
        named = adopted
        tellCore(.policies(site.policies, adopting: adopted))
        watchFailbackWindows()
        recallDrained()
        recallPreferences()
        recallDrill()
    }

    /// Gives the core evidence. What changes nothing is kept from it: a storm of kernel events would fill the journal.
    func observe(_ evidence: Evidence) {
        if case .condition(let path, let condition) = evidence, core.condition(of: path) == condition { return }
        if case .failback(let network, let isOpen) = evidence, core.isFailbackOpen(for: network) == isOpen { return }
        if case .peer(let path, let status) = evidence, core.peer(of: path) == status { return }
        if case .refusals(let path, let refusals) = evidence, core.refusals(of: path) == refusals { return }
        if case .detour(let path, let other) = evidence, core.detour(of: path) == other { return }
        if case .flows(let network, let path, let status) = evidence, core.flows(to: network, through: path) == status {
            return
        }
        if case .reflector(let path, let status) = evidence, core.reflector(of: path) == status { return }
        if case .handshakes(let areThere) = evidence, core.hasHandshakes == areThere { return }
        if case .session(let path, let status) = evidence {
            // How our own sessions end with us says nothing of the paths.
            guard !isEnding, !kernelWork.isOver, core.session(of: path) != status else { return }
        }
        tellCore(.evidence(evidence))
    }

    /// Feeds the core and carries out what it wants.
    func tellCore(_ input: CoreInput) {
        carryOut(journal.tell(input, to: &core, at: loop.now))
    }

    private func carryOut(_ actions: [Action]) {
        for action in actions {
            switch action {
            case .send(let probe): probes?.send(probe)
            case .judged(let network, let path, let before, let verdict, let reasons):
                judged(network, path, before, verdict, reasons)
            case .decided(let decision, let before): decided(decision, before)
            }
        }
        setDeadline()
    }

    private func setDeadline() {
        if let deadline { loop.cancel(deadline) }
        deadline = core.nextDeadline.map { next in
            loop.schedule(at: next) { [weak self] in self?.tellCore(.time) }
        }
    }

    private func signalled(_ signal: Int32) {
        switch signal {
        case SIGCHLD:
            while let (pid, exit) = ChildProcess.reap() {
                guard !programs.ended(pid, exit) else { continue }
                log.log(level: exit == .status(0) ? .debug : .warning, "process \(pid) ended: \(exit)")
            }
        case SIGHUP:
            reload { _ in }
        case SIGPIPE:
            // Nobody reads our log any more; that is no reason to let go of the paths.
            break
        default:
            log.notice("stopping; tunnels, routes and guard stay in place")
            end()
        }
    }

    /// Ends the run; what is in the kernel stays.
    func end() {
        guard !isEnding else { return }
        endRotation("pnetd stops")
        endDrill("pnetd stops")
        isEnding = true
        if !isSupervised || kernelWork.isOver { _ = restoreHostNames() }
        bfd?.setAllAdminDown(true)
        manager.tell("STOPPING=1")
        save()
        endRememberedNames()
        journal.end(core, at: loop.now)
        // What has units of its own stays, unless everything was taken down.
        guard !isSupervised || kernelWork.isOver else { return loop.stop() }
        programs.want([])
        for role in LinkRole.allCases { processes.send(.stop, to: role) }
        // A turn or two for the last words to leave; and who outlived an earlier agent has to be there to hear them.
        let patience = Self.survivorPatience - (loop.now - started)
        loop.schedule(after: max(patience, .milliseconds(20))) { [loop] in loop.stop() }
    }

    func save() {
        saved.remember(reconciler.told)
        saved.handshakes = Dictionary(
            clockWatch.handshakes.map { ($0.key.text, $0.value) },
            uniquingKeysWith: { first, _ in first }
        )
        keepInMind("cannot save state") { try saved.save(to: site.state.directory) }
    }

    /// Writes something down for the next run; a failure is shown until it works.
    func keepInMind(_ failure: String, _ write: () throws -> Void) {
        do {
            try write()
            saveProblems[failure] = nil
        } catch {
            saveProblems[failure] = "\(failure): \(error)"
            log.error("\(failure): \(error)")
        }
    }

    /// What the kernel should have now.
    var desired: Desired {
        drilled(
            narrowed(rotated(Desired(site, slots: saved, outcomes: routed, endpoints: endpoints.book, heirs: heirs)))
        )
    }
}
