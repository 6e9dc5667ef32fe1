// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import SystemIO

/// Keeps what is known of the kernel in step with it: read whole once, then told by events, and read again where events
/// were lost. Dumps and events have a socket each.
final class KernelModel {
    /// The kernel as it is known now.
    private(set) var observed = Observed()
    /// What was changed by others than us since last asked, and by which port; 0 is the kernel itself.
    private(set) var touches: [KernelObject: UInt32] = [:]
    /// Times that events were lost, for the metric.
    private(set) var overruns: UInt64 = 0
    private(set) var lastRead: Instant?
    /// The interfaces whose comings and goings are news; nil for all. On a host of containers most are nobody's business.
    var interests: Set<InterfaceName>?
    /// The addresses whose comings and goings are news on whichever interface.
    var sources: Set<IPAddress> = []

    private let reserved: ReservedNumbers
    private let dumps: NetlinkConversation
    /// Tells who was heard; nil where the kernel tracks no connections.
    private let tracking: ConnectionTracking?
    private let events: NetlinkSocket
    private let firewallEvents: NetlinkSocket
    /// The ports by which the kernel names our own changes.
    private var own: Set<UInt32> = []
    private var isStale = true
    private var isGuardStale = true
    /// Whether the guard table is read again although no event said so.
    private var isGuardAudited = false
    /// What such a reading found, to be told with the next refresh.
    private var untold: Set<KernelObject> = []

    /// Subscribes before anything is read, so that nothing falls between.
    ///
    /// - Parameter buffer: octets that may wait to be read; the kernel's default where nil.
    init(reserved: ReservedNumbers, buffer: Int32? = nil) throws(NetlinkError) {
        self.reserved = reserved
        dumps = NetlinkConversation(over: try NetlinkSocket(bus: NETLINK_ROUTE))
        tracking = try? ConnectionTracking()
        events = try NetlinkSocket(bus: NETLINK_ROUTE)
        if let buffer { events.limitBuffer(to: buffer) }
        try events.subscribe(
            to: [
                RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,
                RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE, RTNLGRP_NEXTHOP, RTNLGRP_NEIGH,
            ].map { Int($0.rawValue) }
        )
        firewallEvents = try NetlinkSocket(bus: NETLINK_NETFILTER)
        try firewallEvents.subscribe(to: [Int(NFNLGRP_NFTABLES.rawValue)])
    }

    /// The descriptors that become readable when there are events.
    var descriptors: [Int32] { [events.raw, firewallEvents.raw] }

    /// What these ports do is ours.
    func recognize(_ ports: Set<UInt32>) { own = ports }

    /// Takes in all events that wait.
    func drain() {
        for reply in waitingEvents() { take(reply, from: reply.port) }
        do {
            while let datagram = try firewallEvents.receive() {
                for reply in NetlinkReply.parse(datagram)
                where !own.contains(reply.port) && NftMessages.concernsOurTable(reply) {
                    isGuardStale = true
                    touches[.guardTable] = reply.port
                }
            }
        } catch {
            overruns += 1
            isGuardStale = true
        }
    }

    /// Puts the kernel's answer to a single question in. What no event told of before is nobody's.
    func take(answer reply: NetlinkReply) { take(reply, from: 0) }

    /// Takes a message in for what the port did that signs it.
    func take(_ reply: NetlinkReply, from port: UInt32) {
        guard let object = observed.take(reply, reserved), isOfInterest(object) else { return }
        // Which routes come back with an interface, the kernel does not tell.
        if case .link(let name) = object, observed.links[name]?.isUp == true { observed.isDoubtful = true }
        guard !own.contains(port) else { return }
        // Who signs is known, whatever the kernel adds.
        if port != 0 || touches[object] == nil { touches[object] = port }
    }

    /// Forgets that the kernel told of a link where it is as we have just set it: that was our doing. The kernel does not
    /// sign what is done to one (`do_setlink`).
    func disown(_ link: Link, of path: PathName, mtu: Int) {
        let object = KernelObject.link(link.name)
        guard touches[object] == 0, let now = observed.links[link.name], now.index == link.index,
            now.isSetUp(for: path, mtu: mtu)
        else { return }
        touches[object] = nil
    }

    private func isOfInterest(_ object: KernelObject) -> Bool {
        guard let interests else { return true }
        switch object {
        case .link(let name): return interests.contains(name)
        case .address(let address):
            return sources.contains(address.address.address)
                || interests.contains { observed.links[$0]?.index == address.link }
        default: return true
        }
    }

    /// What was touched by others since this was last asked.
    func takeTouches() -> [KernelObject: UInt32] {
        defer { touches = [:] }
        return touches
    }

    /// Makes the model agree with the kernel: by the events that wait, and by reading it whole where some were lost, or
    /// where that was not done for the given time.
    ///
    /// - Returns: what the events had not told.
    func refresh(now: Instant, auditAfter interval: Duration) throws(NetlinkError) -> Set<KernelObject> {
        drain()
        let isFirst = lastRead == nil
        let isUnsure = isStale || lastRead.map({ now - $0 >= interval }) ?? true
        defer { untold = [] }
        guard isUnsure || observed.isDoubtful else { return untold }
        isStale = false
        if isUnsure, !isGuardStale { (isGuardStale, isGuardAudited) = (true, true) }
        var fresh: Observed
        do {
            fresh = try read()
        } catch {
            isStale = true
            throw error
        }
        lastRead = now
        // What happened meanwhile is in both or in neither.
        for reply in waitingEvents() {
            take(reply, from: reply.port)
            fresh.take(reply, reserved)
        }
        let differences = fresh.differences(from: observed)
        observed = fresh
        if !isUnsure { touchLinks(differences) }
        return isFirst || !isUnsure ? untold : differences.union(untold)
    }

    /// Notes what a reading that was made for other reasons found of links: of some settings no event tells.
    private func touchLinks(_ differences: Set<KernelObject>) {
        for object in differences where touches[object] == nil && isOfInterest(object) {
            if case .link = object { touches[object] = 0 }
        }
    }

    /// Whether the guard table has to be read again; asking answers for it.
    func takeGuardStaleness() -> Bool {
        defer { isGuardStale = false }
        return isGuardStale
    }

    /// Brings what is known of IPsec up to now.
    ///
    /// - Parameter always: also where no event told of a change: counters go on without one.
    func refresh(_ security: SecurityView, always: Bool = false) throws(NetlinkError) {
        try security.refresh(&observed, Set(observed.addresses.map(\.address.address)), always: always)
    }

    /// Notes how the guard table is; nil where there is none.
    func note(guard table: Observed.GuardTable?) {
        if isGuardAudited, touches[.guardTable] == nil, table != observed.guard { untold.insert(.guardTable) }
        isGuardAudited = false
        observed.guard = table
    }

    /// Notes that the guard table could not be read or written.
    func forgetGuard() { isGuardStale = true }

    /// Notes how the WireGuard side of an interface is; nil where it cannot be asked.
    func note(_ device: WireGuardDevice?, on interface: InterfaceName) {
        observed.tunnels[interface] = device
        guard let device else { return }
        var sightings = observed.sightings[interface] ?? PeerSightings()
        sightings.look(at: device) { endpoint in
            let own = observed.addresses.lazy.map(\.address.address).filter { $0.family == endpoint.address.family }
            return tracking?.wasHeard(from: endpoint, at: Set(own), port: device.listenPort)
        }
        observed.sightings[interface] = sightings
    }

    /// Notes what the WireGuard side of an interface is about to be told.
    func note(_ change: WireGuardChange, for interface: InterfaceName) { observed.sightings[interface]?.told(change) }

    /// Notes that an interface is ours, until it goes.
    func claim(_ link: Link) { observed.claimed.insert(link.index) }

    /// Notes what the kernel knows of the way to an interface's peers.
    func note(outerMTU: UInt32?, on interface: InterfaceName) { observed.outerMTUs[interface] = outerMTU }

    /// Notes what the peers of each interface were last told.
    func note(told: [InterfaceName: [WireGuardPublicKey: SocketEndpoint]]) { observed.told = told }

    private func waitingEvents() -> [NetlinkReply] {
        var replies: [NetlinkReply] = []
        while true {
            do {
                guard let datagram = try events.receive() else { return replies }
                replies += NetlinkReply.parse(datagram)
            } catch {
                // What comes after the gap is right again, but nobody knows what fell into it.
                if !isStale { overruns += 1 }
                isStale = true
                guard error == .overrun else { return replies }
            }
        }
    }

    /// Reads everything, in the order in which one thing hangs on another.
    private func read() throws(NetlinkError) -> Observed {
        var fresh = Observed()
        func take(_ replies: [NetlinkReply]) { for reply in replies { fresh.take(reply, reserved) } }
        take(try dumps.dump(LinkMessages.dump(), "read the links"))
        take(try dumps.dump(AddressMessages.dump(), "read the addresses"))
        take(try dumps.dump(NeighbourMessages.dump(), "read the neighbours"))
        take(try dumps.dump(NexthopMessages.dump(), "read the nexthops"))
        for family in AddressFamily.allCases {
            do {
                let routes = try dumps.dump(RouteMessages.dump(family), "read the \(family) routes")
                let rules = try dumps.dump(RuleMessages.dump(family), "read the \(family) rules")
                take(routes)
                take(rules)
            } catch  where error.code == EAFNOSUPPORT {
                // As with ipv6.disable=1 on the kernel's command line: there is nothing to guard or to route. Asked for
                // such a family's routes, the kernel gives all others'.
                fresh.families.remove(family)
            }
        }
        fresh.tunnels = observed.tunnels.filter { fresh.links[$0.key] != nil }
        fresh.sightings = observed.sightings.filter { fresh.links[$0.key] != nil }
        fresh.outerMTUs = observed.outerMTUs.filter { fresh.links[$0.key] != nil }
        fresh.claimed = observed.claimed.intersection(fresh.links.values.map(\.index))
        (fresh.told, fresh.guard) = (observed.told, observed.guard)
        (fresh.blocks, fresh.security) = (observed.blocks, observed.security)
        return fresh
    }
}
