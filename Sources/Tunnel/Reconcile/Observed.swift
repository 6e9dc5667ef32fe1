// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// What the kernel has, as far as it concerns us.
struct Observed: Hashable, Sendable {
    /// Those that this kernel has.
    var families = Set(AddressFamily.allCases)
    var links: [InterfaceName: Link] = [:]
    var addresses: Set<LinkAddress> = []
    /// Those of them that cannot be used, or not yet.
    var doubts: [LinkAddress: AddressDoubt] = [:]
    /// The numbers of the interfaces that this run has configured: they are ours whatever their alias says by now.
    var claimed: Set<Int32> = []
    /// Ours, by their ids.
    var nexthops: [UInt32: Nexthop] = [:]
    /// Those with our protocol; routes with equal keys replace each other.
    var routes: [Route.Key: Route] = [:]
    /// Ours.
    var rules: Set<Rule> = []
    /// Anybody's default routes of the main table, for underlays whose gateway is found by itself.
    var defaultRoutes: Set<DefaultRoute> = []
    /// The nexthop objects of others that default routes lead by.
    var defaultNexthops: Set<UInt32> = []
    /// Something happened of which the kernel does not tell what came of it: all has to be read again.
    var isDoubtful = false
    /// Hosts on the links that were looked for in vain.
    var missingNeighbours: Set<Neighbour> = []
    /// What somebody else has put among our reserved numbers.
    var strangers: Set<KernelObject> = []
    /// Rules of somebody else's that hold for packets of any kind and are asked before our networks' own.
    var overtakers: Set<KernelObject> = []
    /// Such rules for packets from a network, or that come in by an interface.
    var bypasses: Set<KernelObject> = []
    /// The WireGuard side of the interfaces that could be asked.
    var tunnels: [InterfaceName: WireGuardDevice] = [:]
    /// The endpoints of the file as each peer was last told them: a peer that roamed since is not called back.
    var told: [InterfaceName: [WireGuardPublicKey: SocketEndpoint]] = [:]
    /// Where the peers of each interface were seen.
    var sightings: [InterfaceName: PeerSightings] = [:]
    /// What the kernel knows of the way to each interface's peers, in octets of the largest outer packet; none where it
    /// knows of nothing less than the underlay takes.
    var outerMTUs: [InterfaceName: UInt32] = [:]
    /// The guard table; nil where there is none.
    var `guard`: GuardTable?
    /// Our policies that block; nil where they were not read.
    var blocks: Set<BlockPolicy>?
    /// What IKE daemons gave the kernel for each xfrm interface of ours, by its number.
    var security: [UInt32: SecurityFacts] = [:]

    /// A way out of the site by one interface.
    struct DefaultRoute: Hashable, Sendable {
        var family: AddressFamily
        var link: Int32
        /// nil on a point-to-point link, as of PPPoE or LTE.
        var gateway: IPAddress?
        var metric: UInt32
        /// Octets of the largest packet that goes by it; nil: as many as the interface takes.
        var mtu: UInt32?
    }

    /// The guard table, and whether it has an owner as this kernel lets it have.
    struct GuardTable: Hashable, Sendable {
        var contents: NftTable.Contents
        /// An earlier run's table, owned by nobody any more.
        var isOrphan = false
    }
}

/// One thing in the kernel that can come, change and go, by what tells it from others of its kind.
enum KernelObject: Hashable, Sendable {
    case link(InterfaceName)
    case address(LinkAddress)
    case nexthop(UInt32)
    case route(Route.Key)
    case rule(AddressFamily, priority: UInt32)
    case tunnel(InterfaceName)
    case guardTable
    case blocks
}

extension KernelObject: CustomStringConvertible {
    var description: String {
        switch self {
        case .link(let name): "interface \(name)"
        case .address(let address): "address \(address.address)"
        case .nexthop(let id): "nexthop \(id)"
        case .route(let key): "route \(key.prefix) metric \(key.metric) in table \(key.table)"
        case .rule(let family, let priority): "\(family) rule \(priority)"
        case .tunnel(let name): "WireGuard on \(name)"
        case .guardTable: "the guard table"
        case .blocks: "the policies that block"
        }
    }
}

extension Observed {
    /// Who should carry a path's outer packets on and is not there, in words: the underlay has a carrier, and nobody
    /// answers behind it.
    func absences(_ desired: Desired) -> [String] {
        desired.paths.flatMap { path in
            let gateways = path.line?.gateways ?? AddressFamily.allCases.compactMap { path.hop($0, self)?.gateway }
            let hosts = gateways + path.farEnds
            let name = path.underlay?.interface ?? path.interface
            let link = links[name]?.index ?? 0
            return Set(hosts).filter { missingNeighbours.contains(Neighbour(link: link, address: $0)) }.sorted().map {
                "\(path.name): \($0) does not answer on \(name) (its neighbour entry has failed)"
            }
        }
    }

    /// What somebody else has put before our networks' rule, in words.
    var precedences: [String] {
        overtakers.map { rule in
            var text = "\(rule) is not pnetd's and is asked first: what it leads away takes no path"
            // charon makes it at its start, whether there will be anything in its table or not (charon.routing_table_prio).
            if case .rule(_, priority: 220) = rule {
                text += " (if it is strongSwan's: charon.install_routes = no in strongswan.conf)"
            }
            return text
        }.sorted()
    }

    /// What somebody else has put before our networks' rule for some packets only, in words.
    var sideways: [String] {
        bypasses.map {
            "\($0) is not pnetd's and is asked first for packets of one source or interface: what it leads away takes no "
                + "path, and the guard drops it (give it a priority behind pnetd's)"
        }.sorted()
    }

    /// What somebody else has put among our reserved numbers, in words.
    var collisions: [String] {
        let taken = strangers.map { stranger in
            switch stranger {
            case .route(let key): "table \(key.table), reserved for pnetd, has somebody else's routes"
            case .nexthop: "\(stranger) is not pnetd's, but among its reserved ids"
            default: "\(stranger) is not pnetd's, but among its reserved priorities"
            }
        }
        return Set(taken).sorted()
    }

    /// Local networks that a protected prefix holds, in words: while pnetd runs they are reached by the paths or not at
    /// all.
    func swallowed(by desired: Desired) -> [String] {
        let own = Set(desired.paths.compactMap { links[$0.interface]?.index })
        let names = Dictionary(links.values.map { ($0.index, $0.name) }, uniquingKeysWith: { first, _ in first })
        return addresses.filter { !own.contains($0.link) && !$0.address.address.isLinkLocal }.flatMap { local in
            desired.networks.compactMap { network in
                guard let name = names[local.link], name.text != "lo",
                    let prefix = network.prefixes.first(where: { $0.contains(local.address.prefix) })
                else { return nil }
                return "\(name) has \(local.address), which lies in \(prefix) of network \(network.name): hosts there "
                    + "are cut off (give the network longer prefixes that leave it out)"
            }
        }.sorted()
    }

    /// Whether an interface is ours, by its alias or because this run has configured it.
    func isOurs(_ link: Link) -> Bool { link.hasOurAlias || claimed.contains(link.index) }

    /// The addresses of an interface but those in doubt.
    func usableAddresses(of link: Link) -> [LinkAddress] {
        addresses.filter { $0.link == link.index && doubts[$0] == nil }
    }

    /// Whether an address is one of this host's that may be used, on whichever interface.
    func has(_ address: IPAddress) -> Bool {
        addresses.contains { $0.address.address == address && doubts[$0] == nil }
    }

    /// Sources of the file that this host does not have, in words.
    func missingSources(_ desired: Desired) -> [String] {
        desired.paths.flatMap { path in
            path.sources.filter { !has($0) }.map {
                "\(path.name): its source \($0) is no address of this host now: probes and what the host itself sends by it "
                    + "leave from \(path.interface)'s own address (ip address add \($0) dev lo, or correct 'source')"
            }
        }
    }

    /// Whether packets that leave by an interface have a source in a family. An interface without any address of its own
    /// has, as on a point-to-point link: it lends another's.
    func hasSource(on link: Link, _ family: AddressFamily) -> Bool {
        let own = addresses.filter {
            $0.link == link.index && $0.address.address.family == family && !$0.address.address.isLinkLocal
        }
        return own.isEmpty || own.contains { doubts[$0] == nil }
    }

    /// The addresses that packets may leave from by an interface, in order.
    func sources(on interface: InterfaceName, _ family: AddressFamily) -> [IPAddress] {
        guard let link = links[interface] else { return [] }
        return usableAddresses(of: link).map(\.address.address)
            .filter { $0.family == family && !$0.isLinkLocal }.sorted()
    }

    /// Addresses of underlays that another host has as well, in words.
    func duplicates(_ desired: Desired) -> [String] {
        desired.paths.flatMap { path in
            let name = path.underlay?.interface ?? path.interface
            return addresses.filter { $0.link == links[name]?.index && doubts[$0] == .duplicate }.map {
                "\(name): \($0.address.address) is another host's as well (duplicate address detection): "
                    + "\(path.name) cannot use it until one of the two has another"
            }
        }.sorted()
    }

    /// The best default route by an interface.
    func defaultRoute(by link: Link, _ family: AddressFamily) -> DefaultRoute? {
        defaultRoutes.filter { $0.link == link.index && $0.family == family }.min { $0.metric < $1.metric }
    }

    /// What differs from another view of the same kernel; what only counts, as octets, does not.
    func differences(from other: Observed) -> Set<KernelObject> {
        var objects: Set<KernelObject> = []
        for name in Set(links.keys).union(other.links.keys)
        where links[name]?.withoutCounters != other.links[name]?.withoutCounters { objects.insert(.link(name)) }
        objects.formUnion(addresses.symmetricDifference(other.addresses).map(KernelObject.address))
        let doubtful = Set(doubts.keys).union(other.doubts.keys)
        objects.formUnion(doubtful.filter { doubts[$0] != other.doubts[$0] }.map(KernelObject.address))
        for id in Set(nexthops.keys).union(other.nexthops.keys) where nexthops[id] != other.nexthops[id] {
            objects.insert(.nexthop(id))
        }
        for (key, route) in routes where other.routes[key] != route { objects.insert(.route(key)) }
        for key in other.routes.keys where routes[key] == nil { objects.insert(.route(key)) }
        let changedRules = rules.symmetricDifference(other.rules)
        objects.formUnion(changedRules.map { .rule($0.family, priority: $0.priority) })
        return objects
    }
}
