// SPDX-License-Identifier: Apache-2.0

import Configuration
import ControlAPI
import Logging
import NetworkTypes
import PathHealth
import ProcessLink
import SystemIO

/// What the resolver was told, and who waits for its word.
struct NamesWork {
    /// The number of the last snapshot.
    var serial: UInt64 = 0
    /// Called when the resolver has put a snapshot, or a later one, in force.
    var waiting: [UInt64: [() -> Void]] = [:]
    /// What is told of answers where it grows.
    var counts = LastMinute<AnswerCounts>()
    /// What the resolver is finding out, by the agent's numbers.
    var inquiries: [UInt64: (Result<NamesReport, ControlError>) -> Void] = [:]
    var lastInquiry: UInt64 = 0
    /// What the resolver remembers, until it is written down.
    var unsavedCopy: RememberedNames?
    /// The zone files that the resolver has.
    var zoneFiles = SentZoneFiles()
    /// The ways to each network's servers, as the resolver knows them.
    var ways: [NetworkName: [ResolverSnapshot.Zone.Way]] = [:]
    /// The interfaces of views, by name, as the resolver knows them.
    var interfaces: [InterfaceName: UInt32] = [:]
    /// Where names may not lead, as the resolver knows it.
    var unrouted = Unrouted()
    /// Whether it does not know that yet.
    var isUnroutedNews = false
    /// Why the firewall did not take addresses of name sets when it was last told of some.
    var holdProblem: String?
    /// The zones of reverse names of these networks.
    var reverse: (networks: [NetworkConfiguration], zones: [ReverseZone]) = ([], [])
}

extension Agent {
    /// How long a new agent waits for processes that outlived the one before, so as to take their sockets over.
    static let survivorPatience = Duration.milliseconds(300)
    /// How often it looks, every 100 ms, whether one still holds sockets and comes late, as on a busy machine; after
    /// that it hangs.
    private static let holderLooks = 30

    func connectParts() {
        programs.isConnected = { [unowned self] in processes.isConnected($0) }
        processes.onHello = { [unowned self] role, holding, descriptors in
            awaited.remove(role)
            let taken = listeners.adopt(holding, descriptors, from: role)
            if taken.count < holding.count {
                log.error("\(role) holds sockets that are not what it says; they are not taken over")
            }
            guard !isEnding else { return _ = processes.send(.stop, to: role) }
            if role == .resolver {
                names.zoneFiles.forgetWhatWasSent()
                handBackRememberedNames()
            }
            handOver(to: role, holding: taken)
            joinNames(anew: true)
        }
        processes.onMessage = { [unowned self] in heard($0, $1) }
        processes.onGone = { [unowned self] role in
            if role == .frontend {
                alertsUnderWay = []
                probes?.tls.frontendIsGone()
                observe(.handshakes(false))
                encryptedNames.reports = [:]
            }
            encryptedNames.joined = nil
            if role == .resolver {
                releaseWaiting(upTo: .max)
                endInquiries()
                endpoints.underWay = [:]
            }
            programs.startIfMissing(role)
            publish(nil)
        }
    }

    func startProcesses() {
        loop.schedule(after: Self.survivorPatience) { [weak self] in
            self?.startMissingProcesses(looks: Self.holderLooks)
        }
    }

    /// Starts what nobody has come for, once nobody will.
    private func startMissingProcesses(looks: Int) {
        guard !isEnding else { return }
        awaited.formIntersection(looks > 0 ? listeners.rolesServedElsewhere(listenersWanted) : [])
        serveListeners()
        programs.want(wantedRoles.subtracting(awaited))
        guard !awaited.isEmpty else { return }
        loop.schedule(after: .milliseconds(100)) { [weak self] in self?.startMissingProcesses(looks: looks - 1) }
    }

    var wantedRoles: Set<LinkRole> {
        var roles: Set<LinkRole> = []
        if site.resolver != nil || site.hasNamedEndpoints { roles.insert(.resolver) }
        let hasEncryptedNames =
            site.resolver.map { $0.tls != nil || $0.upstreams.contains { $0.terms != nil } } ?? false
        if !site.metricsListen.isEmpty || !site.alerts.isEmpty || !site.tlsTargets.isEmpty || hasEncryptedNames {
            roles.insert(.frontend)
        }
        return roles
    }

    private func listenersWanted(_ role: LinkRole) -> [ListenerDescription] {
        switch role {
        case .frontend:
            return site.metricsListen.map { ListenerDescription(kind: .http, endpoint: $0, index: 0) }
                + (site.resolver?.tls?.listen ?? []).map { ListenerDescription(kind: .dnsTLS, endpoint: $0, index: 0) }
        case .resolver:
            guard let resolver = site.resolver else { return [] }
            return resolver.listen.flatMap { endpoint in
                (0..<resolver.workers).flatMap { index in
                    [ListenerDescription.Kind.dnsUDP, .dnsTCP].map {
                        ListenerDescription(kind: $0, endpoint: endpoint, index: index)
                    }
                }
            }
        }
    }

    private var listenersWanted: [ListenerDescription] { LinkRole.allCases.flatMap(listenersWanted) }

    /// Opens what the file asks for; what cannot be opened is said and tried again.
    func serveListeners() {
        let outcome = listeners.serve(listenersWanted, awaiting: awaited)
        for listener in outcome.renewed {
            log.error("the \(listener.kind.role) had spoiled its socket for \(listener.endpoint); it is opened anew")
            held[listener.kind.role]?.remove(listener)
        }
        // Before any question comes: one whose interface is not known is nobody's in particular.
        if site.views.contains(where: { $0.interfaces != nil }) {
            for listener in listenersWanted where listener.kind != .http {
                if let socket = listeners[listener] { try? NetworkSocket.tellInterface(socket) }
            }
        }
        let problems = outcome.failures
        for problem in problems where !listenerProblems.contains(problem) { log.error("cannot listen: \(problem)") }
        listenerProblems = problems
        guard !problems.isEmpty, !isListeningAgain else { return }
        isListeningAgain = true
        loop.schedule(after: .seconds(2)) { [weak self] in
            guard let self else { return }
            isListeningAgain = false
            guard !listenerProblems.isEmpty else { return }
            let before = listeners.descriptions
            serveListeners()
            if listeners.descriptions != before { handOverAgain() }
        }
    }

    /// Hands the sockets and what goes with them to a process; `holding` are those that it has already.
    private func handOver(to role: LinkRole, holding: Set<ListenerDescription>) {
        held[role] = holding
        serveListeners()
        let mine = listenersWanted(role).filter { listeners[$0] != nil }
        let attached = mine.map { held[role]?.contains($0) != true }
        let descriptors = zip(mine, attached).compactMap { $1 ? listeners[$0] : nil }
        // Before the sockets by which clients come that are shown a certificate.
        if role == .frontend { sendNamesOverTLS() }
        processes.send(.listeners(mine, attached: attached), to: role, with: descriptors)
        held[role] = Set(mine)
        switch role {
        case .resolver:
            _ = sendSnapshot()
            lookForEndpoints()
        case .frontend:
            offerAlerts()
            observe(.handshakes(true))
        }
        publish(nil)
    }

    /// After a reload: the same for processes that are connected.
    func handOverAgain() {
        // The frontend first: what the resolver asks by it is known there.
        for role in [LinkRole.frontend, .resolver] where processes.isConnected(role) {
            handOver(to: role, holding: held[role] ?? [])
        }
        joinNames(anew: false)
        programs.want(wantedRoles.subtracting(awaited))
        // A unit of its own idles without sockets until the file wants it again.
        guard !isSupervised else { return }
        for role in LinkRole.allCases where !wantedRoles.contains(role) { processes.send(.stop, to: role) }
    }

    private func heard(_ role: LinkRole, _ message: MessageToAgent) {
        switch (role, message) {
        case (.resolver, .inForce(let serial)) where serial <= names.serial: releaseWaiting(upTo: serial)
        case (.resolver, .metrics(let samples)): counters.resolver = AcceptedMetrics.accept(samples)
        case (.resolver, .found(let request, let addresses, let lifetime, let problem)):
            found(request, addresses, lifetime: lifetime, problem)
        case (.resolver, .names(let request, let report)): foundOut(request, report)
        case (.resolver, .rememberedNames(let copy)): keep(copy)
        case (.resolver, .learned(let request, let addresses)): hold(request, addresses)
        case (.frontend, .scrape(let request)):
            processes.send(.page(request: request, metrics: metricsPage(), health: health()), to: .frontend)
        case (.frontend, .delivered(let id)): alertDelivered(id)
        case (.frontend, .undelivered(let id, let reason)): alertFailed(id, reason)
        case (.frontend, .shookHands(let request, let report)): probes?.shookHands(request, report)
        case (.frontend, .upstreams(let reports)): took(reports)
        default: log.warning("\(role) says what is not its to say")
        }
    }

    private func releaseWaiting(upTo serial: UInt64) {
        for waiting in names.waiting.keys.sorted() where waiting <= serial {
            for done in names.waiting.removeValue(forKey: waiting) ?? [] { done() }
        }
    }
}
