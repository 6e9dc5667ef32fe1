// SPDX-License-Identifier: Apache-2.0

import Configuration
import NetworkTypes
import PathHealth
import ProcessLink
import SystemIO
import Tunnel

/// What the resolver answers by: the file's part, and the decisions in force.
extension Agent {
    /// Tells the resolver what to answer by; nil where there is none to tell.
    func sendSnapshot() -> UInt64? {
        guard let resolver = site.resolver, processes.isConnected(.resolver) else { return nil }
        names.serial += 1
        names.ways = forwardedNetworks.reduce(into: [:]) { $0[$1] = ways(to: $1) }
        let zones = site.networks.flatMap { network in network.zones.map { snapshot(of: $0, in: network.name) } }
        let files = (site.networks.flatMap(\.zones) + site.views.flatMap { $0.zones.map(\.zone) })
        names.zoneFiles.keep(files.compactMap(\.source.fileText))
        names.interfaces = interfacesOfViews
        for (number, text) in names.zoneFiles.takeUnsent() {
            processes.send(.zoneFile(number: number, text: text), to: .resolver)
        }
        processes.send(
            .resolver(
                ResolverSnapshot(
                    serial: names.serial,
                    workers: resolver.workers,
                    allow: resolver.allow,
                    whenBlocked: ResolverSnapshot.BlockedAnswer(resolver.whenBlocked),
                    limits: ResolverSnapshot.Limits(
                        queriesPerSecond: resolver.limits.queriesPerSecond,
                        inFlight: resolver.limits.inFlight,
                        responsesPerSecond: resolver.limits.responsesPerSecond,
                        exempt: resolver.limits.exempt
                    ),
                    upstreams: resolver.upstreams.map(\.upstream),
                    designation: designation,
                    trustedUpstreams: Set(resolver.upstreams.filter(\.trustsAD).map(\.upstream.endpoint)),
                    validation: resolver.validation.map { validation in
                        ResolverSnapshot.Validation(
                            anchors: validation.anchors,
                            negative: validation.negative.map { .init(name: $0.name, until: $0.end) }
                        )
                    },
                    specialUseUpstream: resolver.specialUseUpstream,
                    networks: site.networks.map { ResolverSnapshot.Network(name: $0.name, prefixes: $0.prefixes) },
                    trusted: resolver.trusted + resolver.specialUseUpstream,
                    nameSets: site.nameSets.map { ResolverSnapshot.NameSet(name: $0.name, domains: $0.domains) },
                    zones: zones + reverseZones.map(snapshot),
                    views: site.views.map(snapshot),
                    pathBoundTTL: pathBoundTTL,
                    unrouted: names.unrouted.prefixes
                )
            ),
            to: .resolver
        )
        return names.serial
    }

    /// Tells the resolver where interfaces of views have come, gone, or been made anew.
    func watchViewInterfaces() {
        if names.interfaces != interfacesOfViews { _ = sendSnapshot() }
    }

    private var interfacesOfViews: [InterfaceName: UInt32] {
        site.views.flatMap { $0.interfaces ?? [] }.reduce(into: [:]) { $0[$1] = NetworkSocket.index(of: $1) }
    }

    private func snapshot(of view: ViewConfiguration) -> ResolverSnapshot.View {
        ResolverSnapshot.View(
            name: view.name,
            clients: view.clients,
            // One that is not there has no client.
            interfaces: view.interfaces.map { Set($0.compactMap { names.interfaces[$0] }) },
            zones: view.zones.map { snapshot(of: $0.zone, in: $0.network) },
            hasUpstreams: view.hasUpstreams
        )
    }

    /// Tells the resolver where the paths that it could ask by are others than it knows, or carry other sizes.
    func tellLivingWays() {
        guard forwardedNetworks.contains(where: { names.ways[$0] != ways(to: $0) }) else { return }
        _ = sendSnapshot()
    }

    private var forwardedNetworks: [NetworkName] {
        let ofViews = site.views.flatMap(\.zones).filter { $0.zone.source.isForwarded }.map(\.network)
        return site.networks.filter { network in
            network.zones.contains(where: \.source.isForwarded) || ofViews.contains(network.name)
        }.map(\.name)
    }

    /// The active path, then the others that live; none where the network has no active path.
    private func ways(to network: NetworkName) -> [ResolverSnapshot.Zone.Way] {
        guard let active = named[network]?.outcome.path else { return [] }
        let living = [active] + core.livingPaths(of: network).filter { $0 != active }
        return living.compactMap { name in
            site.paths.first { $0.name == name }.map {
                ResolverSnapshot.Zone.Way(
                    path: name,
                    interface: $0.interface,
                    mtu: saved.carriedMTUs?[name.text] ?? paths[name]?.link?.mtu
                )
            }
        }
    }

    private func snapshot(of zone: ZoneConfiguration, in network: NetworkName) -> ResolverSnapshot.Zone {
        let source: ResolverSnapshot.Zone.Source
        switch zone.source {
        case .records(let records): source = .records(records)
        case .file(let text): source = .file(names.zoneFiles.number(of: text))
        case .unready(let why): source = .unready(why)
        case .forward(let servers): source = .forward(servers)
        }
        return ResolverSnapshot.Zone(
            name: zone.name,
            network: network,
            source: source,
            realm: realm(network),
            generation: named[network]?.generation ?? 0,
            hasPointers: zone.hasPointers,
            prefixes: zone.terms.prefixes,
            types: zone.terms.types,
            lastKnownGood: zone.terms.lastKnownGood.map {
                ResolverSnapshot.Zone.LastKnownGood(port: $0.port, age: UInt32($0.age.inSeconds))
            },
            publicAfter: Set(zone.terms.publicAfter.map(ResolverSnapshot.Zone.PublicReason.init)),
            trustsAD: zone.terms.trustsAD
        )
    }

    private func snapshot(of zone: ReverseZone) -> ResolverSnapshot.Zone {
        let source: ResolverSnapshot.Zone.Source
        switch zone.source {
        case .pointers: source = .pointers
        case .forward(let servers): source = .forward(servers)
        }
        return ResolverSnapshot.Zone(
            name: zone.name,
            network: zone.network,
            source: source,
            realm: realm(zone.network),
            generation: named[zone.network]?.generation ?? 0,
            // A thousand of them would be a thousand time series.
            label: "addresses of \(zone.network)"
        )
    }

    /// Made once for each file: a decision that waits for names waits for nothing else.
    var reverseZones: [ReverseZone] {
        if names.reverse.networks != site.networks { names.reverse = (site.networks, site.networks.reverseZones) }
        return names.reverse.zones
    }

    private func realm(_ network: NetworkName) -> ResolverSnapshot.Zone.Realm {
        guard let decision = named[network] else { return .blocked("\(network) is not decided yet") }
        switch decision.outcome {
        case .public: return .public
        case .active(let name, _, _):
            let living = ways(to: network)
            guard living.first?.path == name else { return .blocked("\(network): path \(name) is gone") }
            guard !names.unrouted.networks.contains(network) else {
                return .blocked("\(network): the kernel has no route to it by \(name)")
            }
            return .private(living)
        case .blocked:
            let since = Timestamp.text(wallNanoseconds: clock.wallNanoseconds - (loop.now - decision.since).nanoseconds)
            let why = decision.reasons.map(\.description).joined(separator: "; ")
            return .blocked("\(network) has no path since \(since): \(why)")
        }
    }
}

extension ResolverSnapshot.Zone.PublicReason {
    fileprivate init(_ reason: ForwardTerms.PublicReason) {
        switch reason {
        case .noSuchName: self = .noSuchName
        case .noAnswer: self = .noAnswer
        }
    }
}
