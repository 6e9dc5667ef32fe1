// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// What the evidence says of a path, or of a network through a path.
public enum Verdict: String, Hashable, Sendable, Codable {
    /// Too little evidence yet.
    case starting
    /// It carries traffic.
    case up
    /// It carries traffic, badly.
    case degraded
    /// It carries nothing.
    case down
    /// The probes cannot be trusted.
    case unknown
    /// Taken out by hand.
    case drained

    /// Whether traffic may be sent there.
    public var isUsable: Bool { self == .up || self == .degraded }
}

/// Why a verdict or a decision is what it is.
public enum Reason: Hashable, Sendable, Codable, CustomStringConvertible {
    /// So many probes in a row stayed without answer, over so long a time.
    case unanswered(Target, probes: Int, over: Duration)
    /// Answers are back, but not yet enough of them in a row.
    case recovering(Target, answers: Int, of: Int)
    /// The target does not serve, and why.
    case failing(Target, TargetFailure)
    /// The target said nothing to a TLS handshake, whose first packet is large, while small packets get through.
    case silentToLarge(Target)
    /// The target served before all that are asked more often fell silent, and was not asked since.
    case unconfirmed(Target)
    /// The path carries other networks: it is what lies behind it that does not answer.
    case beyondPath
    /// The tunnel's far end answers handshakes: it is what lies behind it that does not answer.
    case peerAnswers
    /// Packets come from the tunnel's far end: the way there is broken, or what lies behind it.
    case peerHeard
    /// Nothing comes from the tunnel's far end, whatever it is sent.
    case peerSilent
    /// Packets come in by the tunnel that the far end did not seal with the keys of this end.
    case packetsForged
    /// Packets come in by the tunnel a second time, or far too late.
    case packetsReplayed
    /// TCP connections of this host by the path wait for acknowledgements, and none gets on.
    case connectionsStall
    /// The answers to the path's probes come in by this other path.
    case answersElsewhere(PathName)
    /// The reflector at the tunnel's far end answers: it is what lies behind it that does not answer.
    case reflectorAnswers
    /// The reflector at the tunnel's far end answered, and does not any more.
    case reflectorSilent
    /// So large shares of the packets are lost on the way to the far end and back, one of them above the limit.
    case lossyWay(there: Double, back: Double, limit: Double)
    /// So large a share of the questions was lost, above the limit.
    case lossy(Target, share: Double, limit: Double)
    /// Round trips take longer than the limit.
    case slow(Target, roundTrip: Duration, limit: Duration)
    /// Round trips differ by more than the limit.
    case unsteady(Target, jitter: Duration, limit: Duration)
    /// The path went down so often of late that traffic does not come back to it by itself for now.
    case flapping(times: Int)
    /// No probe was answered or given up yet.
    case notYetProbed
    /// The path's interface does not exist.
    case interfaceMissing(InterfaceName)
    /// The path's interface belongs to somebody else.
    case interfaceForeign(InterfaceName)
    /// The path's interface is not up.
    case interfaceDown(InterfaceName)
    /// The line's interface has no carrier.
    case carrierLost(InterfaceName)
    /// No address of the line's interface leads to the router at its end.
    case gatewayOffLink(IPAddress, InterfaceName)
    /// The router at the line's end was looked for in vain, by ARP or neighbour discovery.
    case gatewaySilent(IPAddress)
    /// The router at the line's end answers ARP or neighbour discovery.
    case gatewayAnswers(IPAddress)
    /// The interface below the tunnel does not exist.
    case underlayMissing(InterfaceName)
    /// The interface below the tunnel is not up or has no carrier.
    case underlayDown(InterfaceName)
    /// Whether another host has the underlay's addresses as well is not known yet, or another has them.
    case underlayUnaddressed(InterfaceName)
    /// There is no gateway on the underlay for the peer's address family.
    case underlayUnrouted(InterfaceName)
    /// The kernel has no security associations for the IPsec tunnel, or no policies.
    case noAssociation
    /// The ends of the IPsec tunnel are finding out whether they agree.
    case negotiating
    /// They did not, and why.
    case negotiationFailed(IKEFailure)
    /// Nobody keeps the IPsec tunnel: its keys will not be renewed.
    case charonAbsent
    /// The address of the peer's name was not found yet.
    case endpointUnknown(DomainName)
    /// The path's private key is being changed for another.
    case keyRotation
    /// An operator took the path out.
    case byHand
    /// An operator wants the network's traffic on this path.
    case movedByHand
    /// A drill leads the network's traffic over this path for a while.
    case drill
    /// The drill is over, and traffic is back where it was.
    case drillOver
    /// The path's BFD session was up and is not any more.
    case sessionLost(BFDLoss)
    /// The far end, at this address, took its end of the path's BFD session out by hand.
    case drainedByFarEnd(IPAddress)
    /// The kernel, or what stands in for it, refused what the path needs.
    case refused(String)

    /// The reason in words, as status, alerts and logs have it.
    public var description: String {
        switch self {
        case .unanswered(let target, let probes, let over):
            "\(target): \(probes) probes in a row without answer for \(over.shortText)"
        case .recovering(let target, let answers, let wanted):
            "\(target): \(answers) of \(wanted) answers in a row that make it up"
        case .failing(let target, let failure): "\(target): \(failure)"
        case .silentToLarge(let target): "\(target): \(TargetFailure.silent)\(Self.ofLargePackets)"
        case .unconfirmed(let target): "\(target): it served before the others fell silent, and was not asked since"
        case .beyondPath: "the path carries other networks: what lies behind it for this one does not answer"
        case .peerAnswers: "the tunnel's far end answers handshakes: what lies behind it does not answer"
        case .peerHeard: "packets come from the tunnel's far end: the way there is broken, or what lies behind it"
        case .peerSilent: "nothing comes from the tunnel's far end: it is the way that is broken"
        case .packetsForged:
            "packets come in by the tunnel that cannot be authenticated: the keys of the two ends differ, or something "
                + "changes packets on the way, or forges them"
        case .packetsReplayed:
            "packets come in by the tunnel that came before, or too late to tell: they are replayed, or badly reordered"
        case .connectionsStall:
            "TCP connections of this host by it wait for acknowledgements in vain, and none gets on"
        case .answersElsewhere(let path):
            "answers to its probes come in by \(path): the other side answers by that one, and traffic belongs there"
        case .reflectorAnswers: "the far end answers by STAMP: what lies behind it does not answer"
        case .reflectorSilent:
            "the far end does not answer by STAMP either: it is the way that is broken, or the far end"
        case .lossyWay(let there, let back, let limit):
            "by STAMP it loses \(Self.percent(there)) towards the far end and \(Self.percent(back)) on the way back, more "
                + "than \(Self.percent(limit))"
        case .lossy(let target, let share, let limit):
            "\(target): \(Self.percent(share)) of the probes lost, more than \(Self.percent(limit))"
        case .slow(let target, let roundTrip, let limit):
            "\(target): round trips of \(roundTrip.shortText), longer than \(limit.shortText)"
        case .unsteady(let target, let jitter, let limit):
            "\(target): round trips that differ by \(jitter.shortText), more than \(limit.shortText)"
        case .flapping(let times):
            "it went down \(times) times of late: traffic does not come back to it while it may do so again"
        case .notYetProbed: "no probe answered yet"
        case .interfaceMissing(let name): "interface \(name) does not exist"
        case .interfaceForeign(let name): "interface \(name) exists and is not pnetd's"
        case .interfaceDown(let name): "interface \(name) is down"
        case .carrierLost(let name): "interface \(name) has no carrier"
        case .gatewayOffLink(let gateway, let name):
            "interface \(name) has no address that leads to its gateway \(gateway)"
        case .gatewaySilent(let gateway):
            "gateway \(gateway) is not on the line (no answer to ARP or neighbour discovery)"
        case .gatewayAnswers(let gateway): "gateway \(gateway) is there: what lies behind it does not answer"
        case .underlayMissing(let name): "underlay \(name) does not exist"
        case .underlayDown(let name): "underlay \(name) is down or has no carrier"
        case .underlayUnaddressed(let name):
            "underlay \(name) has no address that may be used (duplicate address detection)"
        case .underlayUnrouted(let name): "underlay \(name) has no gateway for the peer's address"
        case .noAssociation: "the IPsec tunnel has no security associations"
        case .negotiating: "the IPsec tunnel is being negotiated"
        case .negotiationFailed(let failure): "no IPsec tunnel: \(failure)"
        case .charonAbsent: "charon does not answer: the tunnel's keys are not renewed (systemctl start strongswan)"
        case .endpointUnknown(let host): "the address of \(host.withoutRootDot) is not known yet"
        case .keyRotation: "its private key is being rotated"
        case .byHand: "taken out by hand (pnetctl undrain gives it back)"
        case .movedByHand: "moved here by hand (pnetctl switch NETWORK --auto gives the choice back)"
        case .drill: "a drill shows whether this path carries the traffic"
        case .drillOver: "back from a drill"
        case .sessionLost(let loss): loss.description
        case .drainedByFarEnd(let peer): "BFD with \(peer): the far end took it out by hand (administratively down)"
        case .refused(let text): text
        }
    }

    /// What may be the matter where a large packet gets no answer and small ones do.
    static let ofLargePackets = "; small packets get through, large ones may be lost on the way (an MTU black hole)"

    /// Whether a path that is left for it carries nothing. What the far end takes out is no failure: where there is no
    /// other path, it carries on (RFC 5882 section 3.2).
    /// Nor is a tunnel whose keys still hold and that nobody keeps.
    var drains: Bool {
        switch self {
        case .drainedByFarEnd, .charonAbsent: false
        default: true
        }
    }

    /// With one decimal, as 5.0%.
    static func percent(_ share: Double) -> String {
        let tenths = Int(share * 1_000 + 0.5)
        return "\(tenths / 10).\(tenths % 10)%"
    }
}
