// SPDX-License-Identifier: Apache-2.0
// Where the far ends of tunnels are. Pure: answers, silence and time come in as values.

public import NetworkTypes

/// Which address each peer is called at: what its name was found to stand for, and which of these answers.
///
/// A peer that is heard is left where it is, whatever its name says by now, for a change of address is a change of
/// something that works. One that is silent is looked up at once and again and again, moved to where its name leads
/// now, then tried at each of its addresses in turn, those of the other family among them.
public struct EndpointBook: Sendable {
    /// A far end of a path: a peer of WireGuard, or the gateway of IPsec.
    public struct Peer: Hashable, Sendable {
        /// The path.
        public var path: PathName
        /// The peer's key; nil: the path's gateway, which has none.
        public var key: WireGuardPublicKey?

        /// Names a peer.
        public init(path: PathName, key: WireGuardPublicKey?) {
            self.path = path
            self.key = key
        }

        /// The key, or that there is none.
        public var name: String { key?.description ?? "gateway" }
    }

    /// Where the file says that a peer is.
    public struct Place: Hashable, Sendable {
        /// Its address or name, and port.
        public var host: HostEndpoint
        /// The interface that leads there.
        public var underlay: InterfaceName

        /// Names a place.
        public init(host: HostEndpoint, underlay: InterfaceName) {
            self.host = host
            self.underlay = underlay
        }
    }

    /// A name, as asked for through an underlay.
    public struct Question: Hashable, Sendable {
        /// The name.
        public var host: DomainName
        /// The underlay.
        public var underlay: InterfaceName
    }

    /// What is known of a peer's liveness.
    public struct Sign: Hashable, Sendable {
        /// Nothing came from it while it should have.
        public var isSilent: Bool
        /// Where it is called now, by the kernel; nil where it is not.
        public var calledAt: SocketEndpoint?

        /// States what was seen.
        public init(isSilent: Bool, calledAt: SocketEndpoint?) {
            self.isSilent = isSilent
            self.calledAt = calledAt
        }
    }

    private struct Entry {
        var place: Place
        /// The address that is called, once it is known.
        var address: IPAddress?
        /// The address is that of another place, which the file gave before: it counts until the name is found.
        var isProvisional = false
        var silentSince: Instant?
        /// Since when it has been called at this address.
        var called: Instant
    }

    private struct Name {
        var addresses: [IPAddress] = []
        /// When it is to be asked for next; nil while an answer is awaited.
        var due: Instant?
        /// When it was asked for last.
        var asked: Instant?
        /// Failures, or answers that did not help, in a row.
        var vain = 0
    }

    private var entries: [Peer: Entry] = [:]
    private var names: [Question: Name] = [:]

    /// Two initiations of WireGuard's fall into it (REKEY_TIMEOUT is 5 s, drivers/net/wireguard/messages.h).
    public static let patience = Duration.seconds(10)
    /// How often a name is asked for, whatever its TTL says.
    static let lifetimes = Duration.seconds(5)...Duration.seconds(3600)
    /// After how long an answer counts as lost; the resolver takes three seconds at most.
    public static let answerPatience = Duration.seconds(10)
    /// The first wait after an answer that did not help; it doubles.
    private static let firstPause = Duration.seconds(1)
    private static let longestPause = Duration.seconds(60)

    /// Makes an empty book.
    public init() {}

    /// Takes what the file says; peers whose place is the same stay as they are.
    /// - Parameter told: where a peer was called by an earlier run.
    public mutating func follow(
        _ places: [Peer: Place],
        told: (Peer) -> SocketEndpoint?,
        now: Instant
    ) {
        let earlier = entries
        entries = entries.filter { places[$0.key] == $0.value.place }
        for (peer, place) in places where entries[peer] == nil {
            var entry = Entry(place: place, called: now)
            entry.isProvisional = earlier[peer] != nil && place.host.address == nil
            entry.address = place.host.address ?? told(peer).flatMap { $0.port == place.host.port ? $0.address : nil }
            entries[peer] = entry
        }
        let wanted = Set(entries.values.compactMap(\.place.question))
        names = names.filter { wanted.contains($0.key) }
        for question in wanted where names[question] == nil { names[question] = Name(due: now) }
    }

    /// Where a peer is to be called; nil while that is not known.
    public func endpoint(of peer: Peer) -> SocketEndpoint? {
        guard let entry = entries[peer], let address = entry.address else { return nil }
        return SocketEndpoint(address: address, port: entry.place.host.port)
    }

    /// What is to be asked now, those first that wait longest; of many that wait alike, those whose path has few peers,
    /// since the more of it hangs on each. Each question is awaited from here on.
    public mutating func takeQuestions(atMost limit: Int, now: Instant) -> [Question] {
        let due = names.compactMap { question, name in
            // One that was never answered is asked again.
            (name.due ?? name.asked.map { $0 + Self.answerPatience }).map { (at: $0, question: question) }
        }
        let waiting = due.filter { $0.at <= now }
        guard !waiting.isEmpty, limit > 0 else { return [] }
        let peers = peersBesides
        let questions = waiting.sorted {
            ($0.at, peers[$0.question] ?? 0) < ($1.at, peers[$1.question] ?? 0)
        }.prefix(limit).map(\.question)
        for question in questions {
            names[question]?.due = nil
            names[question]?.asked = now
        }
        return questions
    }

    /// How many peers the smallest path has that waits for each name.
    private var peersBesides: [Question: Int] {
        let sizes = entries.keys.reduce(into: [PathName: Int]()) { $0[$1.path, default: 0] += 1 }
        return entries.reduce(into: [:]) { result, entry in
            guard let question = entry.value.place.question, let size = sizes[entry.key.path] else { return }
            result[question] = min(result[question] ?? size, size)
        }
    }

    /// Takes an answer.
    /// - Parameters:
    ///   - addresses: in the order in which they are to be tried; none where none was found.
    ///   - lifetime: how long they are good.
    /// - Returns: the peers that are to be called elsewhere from now on.
    public mutating func found(
        _ addresses: [IPAddress],
        for lifetime: Duration,
        _ question: Question,
        now: Instant
    ) -> Set<Peer> {
        guard var name = names[question], name.due == nil else { return [] }
        defer { names[question] = name }
        guard !addresses.isEmpty else {
            name.vain += 1
            name.due = now + Self.pause(name.vain)
            return []
        }
        name.addresses = addresses.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
        var moved: Set<Peer> = []
        var isAnySilent = false
        for (peer, entry) in entries where entry.place.question == question {
            let isSilent = entry.silentSince != nil
            isAnySilent = isAnySilent || isSilent
            let isKnown = entry.address.map(addresses.contains) ?? false
            entries[peer]?.isProvisional = false
            guard entry.address == nil || (isSilent || entry.isProvisional) && !isKnown else { continue }
            call(peer, at: addresses[0], now)
            moved.insert(peer)
        }
        name.vain = isAnySilent && moved.isEmpty ? name.vain + 1 : 0
        let lifetime = min(max(lifetime, Self.lifetimes.lowerBound), Self.lifetimes.upperBound)
        name.due = now + (isAnySilent ? min(lifetime, Self.pause(max(name.vain, 3))) : lifetime)
        return moved
    }

    /// Takes what is known of the peers.
    /// - Returns: those that are to be called, elsewhere or once more at the same address.
    public mutating func observe(_ signs: [Peer: Sign], now: Instant) -> Set<Peer> {
        var moved: Set<Peer> = []
        for (peer, sign) in signs {
            guard let entry = entries[peer] else { continue }
            guard sign.isSilent else {
                entries[peer]?.silentSince = nil
                continue
            }
            if entry.silentSince == nil {
                entries[peer]?.silentSince = now
                hurry(entry.place.question, now)
                if let elsewhere = newAddress(of: entry) {
                    call(peer, at: elsewhere, now)
                    moved.insert(peer)
                    continue
                }
            }
            let since = max(entry.silentSince ?? now, entry.called)
            guard now - since >= Self.patience, let next = next(after: entry) else { continue }
            let isElsewhere = sign.calledAt != SocketEndpoint(address: next, port: entry.place.host.port)
            call(peer, at: next, now)
            if isElsewhere { moved.insert(peer) }
        }
        return moved
    }

    /// Asks for a name soon: there is more to hope for than when it was asked for last.
    public mutating func hurry(_ question: Question, now: Instant) {
        names[question]?.vain = 0
        hurry(question, now)
    }

    /// Asks for a name now, unless it was asked for a moment ago.
    private mutating func hurry(_ question: Question?, _ now: Instant) {
        guard let question, let name = names[question], let due = name.due else { return }
        let earliest = name.asked.map { $0 + Self.firstPause } ?? now
        names[question]?.due = min(due, max(now, earliest))
    }

    private mutating func call(_ peer: Peer, at address: IPAddress, _ now: Instant) {
        entries[peer]?.address = address
        entries[peer]?.called = now
    }

    /// Where a peer's name leads by now, if not to where it is called.
    private func newAddress(of entry: Entry) -> IPAddress? {
        guard let known = entry.place.question.flatMap({ names[$0]?.addresses }), !known.isEmpty,
            let address = entry.address, !known.contains(address)
        else { return nil }
        return known[0]
    }

    private func next(after entry: Entry) -> IPAddress? {
        guard let address = entry.address else { return nil }
        guard let question = entry.place.question, let known = names[question]?.addresses, !known.isEmpty else {
            return address
        }
        guard let place = known.firstIndex(of: address) else { return known[0] }
        return known[(place + 1) % known.count]
    }

    private static func pause(_ vain: Int) -> Duration {
        min(firstPause * (1 << min(max(vain - 1, 0), 6)), longestPause)
    }
}

extension EndpointBook.Place {
    /// What has to be asked to know the address; nil where it is given.
    public var question: EndpointBook.Question? {
        host.name.map { EndpointBook.Question(host: $0, underlay: underlay) }
    }
}
