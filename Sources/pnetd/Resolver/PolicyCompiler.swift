// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PrivateDNS
import ProcessLink

/// Turns the agent's snapshots into policies. Zones that did not change are not made again.
struct PolicyCompiler {
    /// A zone of a snapshot that cannot be served.
    struct Failure: Error, CustomStringConvertible {
        let zone: String
        let reason: String

        var description: String { "zone \(zone), \(reason)" }
    }

    /// What a zone's records are made of.
    private enum Text: Hashable {
        case lines([String])
        case file(String)
    }

    private struct Key: Hashable {
        let zone: DomainName
        let text: Text

        /// By the name alone, which says it: a text of megabytes is compared faster than it is hashed.
        func hash(into hasher: inout Hasher) { hasher.combine(zone) }
    }

    private struct Parsed {
        /// As they stand in the text.
        let whole: ZoneRecords
        /// With TTLs that are no longer than they may be.
        let records: ZoneRecords
        let answers: StaticZone
        /// Whether some are left out.
        let isCut: Bool
    }

    /// What answers depend on besides the zone's text.
    private struct Terms: Equatable {
        let pathBoundTTL: UInt32
        let unrouted: AddressSet?
    }

    /// What a network's PTR records are made of, in order.
    private struct Pointers: Hashable {
        var apexes: [DomainName] = []
        var hosts: [Key] = []
    }

    /// The last policy that was made.
    private(set) var policy: Policy?
    /// What the zones that are known were made by.
    private var terms = Terms(pathBoundTTL: 0, unrouted: nil)
    private var parsed: [Key: Parsed] = [:]
    private var addresses: [[IPPrefix]: AddressSet] = [:]
    private var pointers: [Pointers: [DomainName: StaticZone]] = [:]

    /// - Parameter zoneFiles: the texts of zone files by the numbers that the snapshot calls them by.
    mutating func compile(
        _ snapshot: ResolverSnapshot,
        zoneFiles: [UInt64: String] = [:]
    ) throws(Failure) -> Policy {
        var next = (parsed: [Key: Parsed](), pointers: [Pointers: [DomainName: StaticZone]]())
        var wanted: [NetworkName: Pointers] = [:]
        // Nobody can tell which addresses have names there.
        var unready: [NetworkName: String] = [:]
        let unrouted = snapshot.unrouted.isEmpty ? nil : AddressSet(snapshot.unrouted)
        let terms = Terms(pathBoundTTL: snapshot.pathBoundTTL, unrouted: unrouted)
        if terms.pathBoundTTL != self.terms.pathBoundTTL { pointers = [:] }
        let known = addresses
        var sets: [[IPPrefix]: AddressSet] = [:]
        func set(of prefixes: [IPPrefix]) -> AddressSet {
            let set = sets[prefixes] ?? known[prefixes] ?? AddressSet(prefixes)
            sets[prefixes] = set
            return set
        }
        let networks = Dictionary(snapshot.networks.map { ($0.name, set(of: $0.prefixes)) }) { first, _ in first }
        for zone in snapshot.views.flatMap(\.zones) {
            guard let key = try Self.key(of: zone, zoneFiles) else { continue }
            if next.parsed[key] == nil { next.parsed[key] = try made(key, by: terms) }
        }
        for zone in snapshot.zones {
            if zone.source == .pointers { wanted[zone.network, default: Pointers()].apexes.append(zone.name) }
            if case .unready(let why) = zone.source, zone.hasPointers { unready[zone.network] = why }
            guard let key = try Self.key(of: zone, zoneFiles) else { continue }
            if next.parsed[key] == nil { next.parsed[key] = try made(key, by: terms) }
            if zone.hasPointers { wanted[zone.network, default: Pointers()].hosts.append(key) }
        }
        for needed in wanted.values where !needed.apexes.isEmpty {
            let hosts = needed.hosts.compactMap { next.parsed[$0]?.records }
            next.pointers[needed] = pointers[needed] ?? PointerZones.make(needed.apexes, of: hosts)
        }
        func policyZone(_ zone: ResolverSnapshot.Zone) throws(Failure) -> Policy.Zone? {
            let content: Policy.Content
            switch zone.source {
            case .forward(let servers):
                content = .forward(servers)
            case .records, .file:
                guard let key = try Self.key(of: zone, zoneFiles), let made = next.parsed[key] else { return nil }
                content = .records(made.answers)
            case .unready(let why):
                content = .unready(why)
            case .pointers where unready[zone.network] != nil:
                content = .unready(unready[zone.network] ?? "")
            case .pointers:
                guard let needed = wanted[zone.network], let made = next.pointers[needed]?[zone.name] else {
                    return nil
                }
                content = .records(made)
            }
            return Policy.Zone(
                name: zone.name,
                network: zone.network,
                content: content,
                realm: Self.realm(zone.realm),
                generation: zone.generation,
                addresses: zone.prefixes.map(set) ?? networks[zone.network] ?? AddressSet([]),
                types: zone.types,
                lastKnownGood: zone.lastKnownGood.map { LastKnownGood(port: $0.port, age: $0.age) },
                publicAfter: Set(zone.publicAfter.map(PublicReason.init)),
                trustsAD: zone.trustsAD,
                label: zone.label,
                unrouted: unrouted
            )
        }
        var zones: [Policy.Zone] = []
        for zone in snapshot.zones { if let made = try policyZone(zone) { zones.append(made) } }
        var views: [Policy.View] = []
        for view in snapshot.views {
            var own: [Policy.Zone] = []
            for zone in view.zones { if let made = try policyZone(zone) { own.append(made) } }
            views.append(
                Policy.View(
                    name: view.name,
                    clients: view.clients.map(set),
                    interfaces: view.interfaces,
                    zones: own,
                    hasUpstreams: view.hasUpstreams
                )
            )
        }
        var anchors: TrustAnchors?
        if let validation = snapshot.validation {
            let negative = validation.negative.map { TrustAnchors.Negative(name: $0.name, until: $0.until) }
            do throws(TrustAnchors.Failure) {
                anchors = try TrustAnchors(validation.anchors ?? TrustAnchors.iana, except: negative)
            } catch {
                throw Failure(zone: ".", reason: "line \(error.line) of the trust anchors is no DS record")
            }
        }
        let made = Policy(
            serial: snapshot.serial,
            allow: snapshot.allow,
            whenBlocked: Self.answer(snapshot.whenBlocked),
            clientLimits: ClientLimits(
                queriesPerSecond: snapshot.limits.queriesPerSecond,
                inFlight: snapshot.limits.inFlight,
                responsesPerSecond: snapshot.limits.responsesPerSecond,
                exempt: snapshot.limits.exempt
            ),
            upstreams: snapshot.upstreams,
            trustedUpstreams: snapshot.trustedUpstreams,
            specialUseUpstream: snapshot.specialUseUpstream,
            designation: snapshot.designation.map {
                DesignatedResolver(name: $0.name, port: $0.port, addresses: $0.addresses)
            },
            protection: Policy.Protection(
                of: set(of: snapshot.networks.flatMap(\.prefixes)),
                trusting: snapshot.trusted
            ),
            pathBoundTTL: snapshot.pathBoundTTL,
            anchors: anchors,
            nameSets: snapshot.nameSets.map { Policy.NameSet(name: $0.name, domains: $0.domains) },
            zones: zones,
            views: views,
            after: policy
        )
        (parsed, pointers) = next
        self.terms = terms
        addresses = sets
        policy = made
        return made
    }

    private func made(_ key: Key, by terms: Terms) throws(Failure) -> Parsed {
        guard let known = parsed[key] else { return Self.answers(to: try Self.parse(key), by: terms) }
        guard terms != self.terms else { return known }
        guard terms.pathBoundTTL == self.terms.pathBoundTTL else { return Self.answers(to: known.whole, by: terms) }
        // Most zones lead nowhere that is not led to, before and after.
        let isCut = terms.unrouted.map { known.records.leavingOut($0).isCut } ?? false
        return known.isCut || isCut ? Self.answers(to: known.whole, by: terms) : known
    }

    private static func answers(to whole: ZoneRecords, by terms: Terms) -> Parsed {
        let records = whole.limited(to: terms.pathBoundTTL)
        let left = terms.unrouted.map(records.leavingOut) ?? records
        return Parsed(whole: whole, records: records, answers: StaticZone(left), isCut: left.isCut)
    }

    private static func key(
        of zone: ResolverSnapshot.Zone,
        _ zoneFiles: [UInt64: String]
    ) throws(Failure) -> Key? {
        switch zone.source {
        case .records(let lines):
            return Key(zone: zone.name, text: .lines(lines))
        case .file(let number):
            guard let text = zoneFiles[number] else {
                throw Failure(zone: zone.name.withoutRootDot, reason: "its file did not come")
            }
            return Key(zone: zone.name, text: .file(text))
        case .pointers, .forward, .unready:
            return nil
        }
    }

    private static func parse(_ key: Key) throws(Failure) -> ZoneRecords {
        do {
            switch key.text {
            case .lines(let lines): return try ZoneRecords(zone: key.zone, records: lines)
            case .file(let text): return try ZoneRecords(zone: key.zone, file: text)
            }
        } catch let error as ZoneRecordError {
            throw Failure(zone: key.zone.withoutRootDot, reason: "record \(error.index + 1): \(error)")
        } catch {
            throw Failure(zone: key.zone.withoutRootDot, reason: "\(error)")
        }
    }

    private static func realm(_ realm: ResolverSnapshot.Zone.Realm) -> Policy.Realm {
        switch realm {
        case .private(let ways):
            .private(ways.map { ServerWay(path: $0.path.text, interface: $0.interface, mtu: $0.mtu) })
        case .blocked(let reason): .blocked(reason)
        case .public: .public
        }
    }

    private static func answer(_ answer: ResolverSnapshot.BlockedAnswer) -> Policy.BlockedAnswer {
        switch answer {
        case .servfail: .servfail
        case .nxdomain: .nxdomain
        case .nodata: .nodata
        }
    }
}

extension PublicReason {
    fileprivate init(_ reason: ResolverSnapshot.Zone.PublicReason) {
        switch reason {
        case .noSuchName: self = .noSuchName
        case .noAnswer: self = .noAnswer
        }
    }
}
