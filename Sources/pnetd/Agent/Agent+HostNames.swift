// SPDX-License-Identifier: Apache-2.0

import Configuration
import ControlAPI
import HostDNS
import Logging
import NetworkTypes
import ProcessLink
import SystemIO
import Tunnel

/// How far this host's own names are led to the resolver.
struct HostNamesWork {
    /// By which of the host's means that is done.
    enum Way: String {
        case resolved
        case resolvConf = "resolv-conf"
    }

    /// /etc/resolv.conf, and what is kept of it.
    let conf: ManagedResolvConf
    /// What systemd-resolved is told.
    let resolved: Resolved
    /// The interface that it is told of.
    let link: NamesLink
    /// By which of the host's means it is done now.
    var way: Way?
    /// Whether /etc/resolv.conf was made ours by this run.
    var hasTakenConf = false
    /// What systemd-resolved was to have last.
    var wish: Resolved.Wish?
    /// The domains that systemd-resolved is told, and what they were made of.
    var domains: (wanted: HostNames.Domains, networks: [NetworkConfiguration], domains: [DomainName])?
    /// Whether the host was given back since it was last to be led here.
    var hasLetGo = false
    /// Whether all but what systemd-resolved sends here for the zones was given back, for there was no resolver.
    var hasLetGoOfOthers = false
    /// When /etc/resolv.conf was written over somebody else's, in the last minute.
    var putBack: [Instant] = []
    /// Since when there is no resolver to ask.
    var unansweredSince: Instant?
    /// What stands in the way, in words.
    var problem: String?

    init(stateDirectory: String, resolved: Resolved, _ link: NamesLink) {
        conf = ManagedResolvConf(stateDirectory: stateDirectory)
        self.resolved = resolved
        self.link = link
    }
}

extension Agent {
    /// How long there may be no resolver before the host asks again whom it asked before.
    private static let unansweredLimit = Duration.seconds(10)

    /// How long systemd-resolved may be away before the host is led here otherwise.
    private static let absenceLimit = Duration.seconds(30)

    /// Brings the host's means of looking up names in step with the file and with what is there; cheap where they are.
    func followHostNames() {
        guard !isEnding, !kernelWork.isOver else { return }
        guard let resolver = site.resolver, resolver.host.manage != .off else { return letGo(saying: nil) }
        guard isAnswering, let way = way(resolver.host) else { return }
        if way != hostNames.way {
            // What this run, or one before it, did by the other means.
            say(way == .resolved ? restoreConf() : restoreResolved())
            hostNames.way = way
        }
        hostNames.hasLetGo = false
        hostNames.hasLetGoOfOthers = false
        switch way {
        case .resolved: followResolved(resolver)
        case .resolvConf: followConf(resolver)
        }
    }

    /// By which means; nil where that is not known yet.
    private func way(_ host: HostNames) -> HostNamesWork.Way? {
        switch host.manage {
        case .off: return nil
        case .resolvConf: return .resolvConf
        case .resolved: return .resolved
        case .auto: break
        }
        if let file = try? ResolvConfFile(at: Self.resolvConf), !file.isOurs, file.contents.asksStub {
            return .resolved
        }
        let services = (try? Files.read("/etc/nsswitch.conf", limit: 64 << 10)) ?? []
        guard NameServiceSwitch(String(decoding: services, as: UTF8.self)).asksResolved else { return .resolvConf }
        hostNames.resolved.connect()
        switch hostNames.resolved.state {
        case .unknown: return nil
        case .running: return .resolved
        case .absent:
            // It may only start anew.
            let isLeaving = hostNames.way == .resolved && loop.now - hostNames.resolved.stateSince < Self.absenceLimit
            return isLeaving ? .resolved : .resolvConf
        }
    }

    /// Whether the resolver is there to be asked; where it stays away, the host is given back.
    private var isAnswering: Bool {
        guard processes.isConnected(.resolver), names.serial > 0 else {
            let since = hostNames.unansweredSince ?? loop.now
            hostNames.unansweredSince = since
            if loop.now - since > Self.unansweredLimit { letGoOfWhatIsNotOurs() }
            return false
        }
        hostNames.unansweredSince = nil
        return true
    }

    /// Where this host can ask: of its own addresses, those that are really listened on.
    func hostServers(_ resolver: ResolverConfiguration) -> [SocketEndpoint] {
        resolver.hostServers.filter { server in
            listeners[ListenerDescription(kind: .dnsUDP, endpoint: server.listener, index: 0)] != nil
        }
        .map(\.endpoint)
    }

    private func letGo(saying why: String?) {
        guard !hostNames.hasLetGo else { return }
        let problem = restoreHostNames()
        hostNames.hasLetGo = problem == nil
        say(problem ?? why)
    }

    /// Where there is no resolver, all other names go where they went before. Those of the zones that systemd-resolved sends
    /// here stay: they are private, and nobody else is to be asked.
    private func letGoOfWhatIsNotOurs() {
        guard !hostNames.hasLetGo, !hostNames.hasLetGoOfOthers else { return }
        let isForAll = site.resolver?.host.domains == .all
        let problems = [restoreConf(), isForAll ? restoreResolved() : nil].compactMap(\.self)
        hostNames.hasLetGoOfOthers = problems.isEmpty
        say((problems + ["the resolver is gone: this host looks up names where it did before"]).joined(separator: "; "))
    }

    /// Gives the host back to whom it asked before; what went wrong, in words.
    func restoreHostNames() -> String? {
        let problems = [restoreConf(), restoreResolved()].compactMap(\.self)
        hostNames.way = nil
        return problems.isEmpty ? nil : problems.joined(separator: "; ")
    }

    /// Keeps what stands in the way, and says it once.
    func say(_ problem: String?) {
        if let problem, problem != hostNames.problem { log.warning("\(problem)") }
        hostNames.problem = problem
    }

    var hostNamesWarnings: [String] { hostNames.problem.map { [$0] } ?? [] }

    /// Tells that something of ours outside of the kernel was changed by others, and put right.
    func tellOfForeignChange(_ object: String, by who: String) {
        counters.foreignChanges += 1
        let time = Timestamp.text(wallNanoseconds: clock.wallNanoseconds)
        kernelWork.foreign.note(StatusReport.ForeignChange(time: time, object: object, by: who))
        log.warning("put right: \(object), changed by \(who)")
    }

    /// The resolver as `pnetctl doctor` needs it.
    func hostNamesReport() -> HostNamesReport {
        guard let resolver = site.resolver else {
            return HostNamesReport(listen: [], isAnswering: false, upstreams: [], zones: [], host: nil)
        }
        let zones = site.networks.flatMap { network in
            network.zones.map { zone in
                let servers = if case .forward(let servers) = zone.source { servers } else { [SocketEndpoint]() }
                return HostNamesReport.Zone(name: zone.name, network: network.name, servers: servers)
            }
        }
        let isDone =
            hostNames.way == .resolved ? hostNames.wish.map(hostNames.resolved.has) ?? false : hostNames.hasTakenConf
        return HostNamesReport(
            listen: resolver.listen,
            isAnswering: processes.isConnected(.resolver) && names.serial > 0,
            upstreams: resolver.upstreams.map(\.upstream.endpoint),
            zones: zones,
            host: HostNamesReport.Host(
                manage: resolver.host.manage.rawValue,
                domains: resolver.host.domains.rawValue,
                way: isDone ? hostNames.way?.rawValue : nil,
                servers: hostServers(resolver),
                problems: hostNamesWarnings
            )
        )
    }
}
