// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO

/// Where an answer goes that cannot be given at once.
enum Client: Sendable {
    /// A datagram by the worker's socket of this number.
    case datagram(socket: Int, peer: DatagramPeer)
    /// A frame by the connection in this slot, while it is still the one with this serial.
    case stream(slot: Int, serial: UInt64, address: IPAddress?, interface: UInt32)
    /// A client of the frontend's, by its number for the question, while the link is still the one with this serial.
    case relayed(query: UInt64, link: UInt64, address: IPAddress, interface: UInt32)
    /// A question of our own, for addresses of this family.
    case lookup(AddressFamily)
    /// Who wants to know how the answer comes about for such a client; see ``ResolutionStep``.
    case explanation(UInt64, for: NameAsker)

    /// The exchange of this serial, which needs the answer to judge its own.
    case link(UInt64)

    var isLink: Bool { if case .link = self { true } else { false } }

    /// Where it is; nil for a question of our own.
    var address: IPAddress? {
        switch self {
        case .datagram(_, let peer): peer.address
        case .stream(_, _, let address, _): address
        case .relayed(_, _, let address, _): address
        case .explanation(_, let asker): asker.address
        case .lookup, .link: nil
        }
    }

    /// Whether it is somebody else, not a question of our own.
    var isOther: Bool {
        switch self {
        case .datagram, .stream, .relayed: true
        case .lookup, .explanation, .link: false
        }
    }

    /// The index of the interface on which it asks; 0 where that is not known.
    var interface: UInt32 {
        switch self {
        case .datagram(_, let peer): peer.interface
        case .stream(_, _, _, let interface): interface
        case .relayed(_, _, _, let interface): interface
        case .explanation(_, let asker): asker.interface
        case .lookup, .link: 0
        }
    }

    /// The largest answer.
    func limit(_ scan: QueryHead) -> Int {
        switch self {
        case .datagram: scan.datagramLimit
        case .stream, .relayed, .lookup, .explanation, .link: MessageSize.stream
        }
    }
}

/// A client's question that waits.
struct Waiter {
    let client: Client
    /// The header and the question as they came.
    let query: [UInt8]
    let scan: QueryHead
    /// The number of its view in the policy.
    var view: Int
    /// Aliases that were followed so far, uncompressed.
    var chain: [UInt8] = []
    var chainCount: UInt16 = 0
    /// Whether the first of them is ours, and so the answer (RFC 1035 section 4.1.1, AA).
    var isAuthoritative = false
    /// Whether all of them were found authentic.
    var isChainAuthentic = true
    var hops = 0
    /// Whether the public is asked for this name, though it is of a private zone.
    var isPublished = false
    /// Whether what the public says is wanted, whatever zones there are.
    var ignoresZones = false
    /// The most octets of aliases, with their signatures, that are kept while it waits.
    static let chainLimit = 8 << 10
    /// The name that is looked for now.
    var name: [UInt8]
    /// Where the last alias must not lead, as servers gave it; nil where it may lead anywhere.
    var bound: AliasBound?
}

/// What binds an alias that a server gave: what is said where it leads where it must not, and the zone that it is counted
/// for.
struct AliasBound {
    let remark: AnswerRemark
    let label: Int

    /// The bound of the aliases that a route's servers give for a name.
    init?(of route: ForwardRoute, asked name: [UInt8]) {
        switch route.filter.addresses {
        case .any: return nil
        case .within: remark = .outsideOfNetwork
        case .outside where route.filter.trusts(name): return nil
        case .outside: remark = .rebinding
        }
        label = route.label
    }
}
