// SPDX-License-Identifier: Apache-2.0

import CMallocCount
import NetworkTypes
import SystemIO
import Testing

@testable import PrivateDNS

/// A resolver core on a virtual clock, with a network that the test plays.
final class Scenario {
    private var resolution: Resolution
    private(set) var now = Instant(nanoseconds: 1_000_000_000)
    private(set) var policy: Policy?
    private var serial: UInt64 = 0
    /// What went upstream, and what was closed, since the last look.
    var asked: [Resolution.Asking] = []
    var closed: [AttemptID] = []
    /// Hosts that are to prove that they are there, since the last look.
    var proofs: [(attempt: AttemptID, host: SocketEndpoint, interface: InterfaceName?)] = []
    /// What the firewall was told, and under which serial, since the last look.
    private var learned: [(serial: UInt64, addresses: [LearnedAddress])] = []
    /// Explanations that are done.
    private var explained: [UInt64: (message: [UInt8], steps: [ResolutionStep])] = [:]
    /// What clients got by later answers.
    var answered: [[UInt8]] = []

    static let client = IPAddress.v4(IPv4Address(bits: 0x7f00_0001))
    static let upstream = SocketEndpoint(address: .v4(IPv4Address(bits: 0xc000_0235)), port: 53)
    static let cloud = SocketEndpoint(address: .v4(IPv4Address(bits: 0x0a14_0035)), port: 53)
    static let secondCloud = SocketEndpoint(address: .v4(IPv4Address(bits: 0x0a14_0036)), port: 53)

    /// - Parameter wallSeconds: seconds since 1970 at the beginning.
    init(
        limits: Resolution.Limits = Resolution.Limits(),
        commons: WorkerCommons = WorkerCommons(),
        wallSeconds: UInt32 = 0
    ) {
        resolution = Resolution(cacheBudget: 1 << 20, limits: limits, commons: commons)
        resolution.epoch = Int64(wallSeconds) - now.nanoseconds / 1_000_000_000
    }

    static func zone(
        _ name: String,
        records: [String]? = nil,
        forward: [SocketEndpoint] = [cloud],
        realm: Policy.Realm,
        generation: UInt64 = 1
    ) throws -> Policy.Zone {
        let apex = try #require(DomainName(name))
        let network = try #require(NetworkName("azure"))
        var content = Policy.Content.forward(forward)
        if let records { content = .records(StaticZone(try ZoneRecords(zone: apex, records: records))) }
        return Policy.Zone(name: apex, network: network, content: content, realm: realm, generation: generation)
    }

    static func path(_ interface: String) throws -> Policy.Realm {
        .private([try way(interface)])
    }

    /// A path that is called as its interface.
    static func way(_ interface: String) throws -> ServerWay {
        ServerWay(path: interface, interface: try #require(InterfaceName(interface)))
    }

    func adopt(
        _ zones: [Policy.Zone],
        views: [Policy.View] = [],
        upstreams: [SocketEndpoint] = [upstream],
        over encryption: Upstream.Encryption? = nil,
        plain: [SocketEndpoint] = [],
        trustedUpstreams: Set<SocketEndpoint> = [],
        specialUseUpstream: [String] = ["test"],
        designation: DesignatedResolver? = nil,
        protection: Policy.Protection? = nil,
        anchors: TrustAnchors? = nil,
        nameSets: [Policy.NameSet] = [],
        whenBlocked: Policy.BlockedAnswer = .servfail,
        clientLimits: ClientLimits = .standard,
        pathBoundTTL: UInt32 = 10,
        allow: [String] = ["127.0.0.0/8"]
    ) {
        serial += 1
        let next = Policy(
            serial: serial,
            allow: allow.compactMap { IPPrefix($0) },
            whenBlocked: whenBlocked,
            clientLimits: clientLimits,
            upstreams: upstreams.map { Upstream($0, encryption) } + plain.map { Upstream($0) },
            trustedUpstreams: trustedUpstreams,
            specialUseUpstream: specialUseUpstream.compactMap { DomainName($0) },
            designation: designation,
            protection: protection,
            pathBoundTTL: pathBoundTTL,
            anchors: anchors,
            nameSets: nameSets,
            zones: zones,
            views: views,
            after: policy
        )
        policy = next
        resolution.adopt(next, now: now)
        drain()
    }

    var tally: Tally { resolution.tally }

    /// Asks; nil where nothing is answered at once.
    @discardableResult
    func ask(
        _ query: [UInt8],
        from address: IPAddress = client,
        on interface: UInt32 = 0,
        isStream: Bool = false,
        isRelayed: Bool = false
    ) -> [UInt8]? {
        let isStream = isStream || isRelayed
        var room = [UInt8](repeating: 0xee, count: isStream ? MessageSize.stream : MessageSize.datagram)
        var span = room.mutableSpan
        let verdict = resolution.query(
            query.span,
            from: address,
            on: interface,
            by: isRelayed ? .relay : isStream ? .stream : .datagram,
            now: now,
            into: &span
        )
        defer { refresh() }
        switch verdict {
        case .answer(let count): return Array(room[..<count])
        case .drop: return nil
        case .later(let scan):
            let before = answered.count
            let peer = DatagramPeer(SocketEndpoint(address: address, port: 5353))
            let client: Client =
                isStream
                ? .stream(slot: 0, serial: 1, address: address, interface: interface) : .datagram(socket: 0, peer: peer)
            resolution.pursue(query.span, scan, from: client, now: now)
            drain()
            return answered.count > before ? answered.removeLast() : nil
        }
    }

    /// Asks many times and counts allocations, and the answers that come at once.
    func allocations(asking query: [UInt8], on interface: UInt32, times: Int) -> (count: UInt64, answers: Int) {
        var room = [UInt8](repeating: 0, count: MessageSize.datagram)
        var span = room.mutableSpan
        var answers = 0
        let before = pn_malloc_count()
        for _ in 0..<times {
            let verdict = resolution.query(
                query.span,
                from: Self.client,
                on: interface,
                by: .datagram,
                now: now,
                into: &span
            )
            if case .answer = verdict { answers += 1 }
        }
        return (pn_malloc_count() - before, answers)
    }

    @discardableResult
    func ask(_ name: String, _ type: RecordType = .a, id: UInt16 = 0x1234, edns: [UInt8]? = nil) -> Reply? {
        ask(MessageText.query(name, type, id: id, edns: edns).bytes).map { Reply($0) }
    }

    /// What came for a client since the last look.
    func takeAnswers() -> [Reply] {
        defer { answered = [] }
        return answered.map { Reply($0) }
    }

    func takeAsked() -> [Resolution.Asking] {
        defer { asked = [] }
        return asked
    }

    func reply(_ message: [UInt8], to asking: Resolution.Asking) {
        resolution.received(message.span, for: asking.attempt, now: now)
        drain()
    }

    func fail(_ asking: Resolution.Asking) {
        resolution.failed(asking.attempt, now: now)
        drain()
    }

    /// As a worker does after each batch.
    private func refresh() {
        resolution.refresh(now: now)
        drain()
    }

    /// Begins an explanation.
    func explain(_ name: String, _ type: RecordType = .a, id: UInt64 = 1, for asker: NameAsker = NameAsker()) {
        let query = MessageText.query(name, type, edns: MessageText.opt()).bytes
        resolution.explain(query, id, for: asker, now: now)
        drain()
    }

    func takeExplanation(_ id: UInt64 = 1) -> (message: [UInt8], steps: [ResolutionStep])? {
        explained.removeValue(forKey: id)
    }

    /// Forgets what is kept below a name.
    func flush(_ name: String) -> Int { DomainName(name).map { resolution.cache.flush(below: $0) } ?? 0 }

    /// What is kept.
    func kept() -> [KeptAnswer] {
        resolution.cache.entries(below: .root, limit: 100, now: now) {
            policy?.route(ofScope: $0) == nil ? nil : "here"
        }
    }

    func prove(_ attempt: AttemptID) {
        resolution.proved(attempt, now: now)
        drain()
    }

    func disprove(_ attempt: AttemptID) {
        resolution.failed(attempt, now: now)
        drain()
    }

    func takeProofs() -> [(attempt: AttemptID, host: SocketEndpoint, interface: InterfaceName?)] {
        defer { proofs = [] }
        return proofs
    }

    func takeLearned() -> [(serial: UInt64, addresses: [LearnedAddress])] {
        defer { learned = [] }
        return learned
    }

    /// The firewall holds what it was told, but the addresses at these places.
    func hear(_ serial: UInt64, except refused: Set<Int> = []) {
        resolution.heard(serial, except: refused, now: now)
        drain()
    }

    /// Lets time pass, doing what falls due on the way.
    func pass(_ duration: Duration) {
        let end = now + duration
        while let deadline = resolution.nextDeadline, deadline <= end {
            now = max(now, deadline)
            resolution.expire(now: now)
            drain()
        }
        now = end
    }

    private func drain() {
        for action in resolution.takeActions(now: now) {
            switch action {
            case .ask(let asking): asked.append(asking)
            case .close(let attempt): closed.append(attempt)
            case .prove(let attempt, let host, let interface): proofs.append((attempt, host, interface))
            case .tell(let serial, let addresses): learned.append((serial, addresses))
            case .answer(.explanation(let id, _), let message):
                explained[id] = (message, resolution.takeSteps(of: id))
            case .answer(_, let message): answered.append(message)
            }
        }
    }
}

/// An answer, taken apart by code that is not the code under test where it matters: the numbers at their offsets.
struct Reply {
    let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func number(at offset: Int) -> Int { Int(bytes[offset]) << 8 | Int(bytes[offset + 1]) }
    var id: Int { number(at: 0) }
    var code: Int { number(at: 2) & 15 }
    var isTruncated: Bool { bytes[2] & 2 != 0 }
    var counts: [Int] { [4, 6, 8, 10].map { number(at: $0) } }

    /// Where the records begin.
    var questionEnd: Int {
        guard number(at: 4) == 1 else { return 12 }
        var end = 12
        while bytes[end] != 0 { end += Int(bytes[end]) + 1 }
        return end + 5
    }

    /// All records: owner as text, type, TTL, RDATA as it stands.
    var records: [(owner: String, type: RecordType, ttl: UInt32, data: [UInt8])] {
        var records: [(String, RecordType, UInt32, [UInt8])] = []
        var offset = questionEnd
        while offset < bytes.count, let record = try? RecordView(bytes.span, at: offset) {
            let owner = DomainName(wire: WireName.lowered(bytes.span, at: record.owner))?.withoutRootDot ?? "?"
            records.append((owner, record.type, record.ttl, Array(bytes[record.data])))
            offset = record.end
        }
        return records
    }

    var addresses: [String] {
        records.filter { $0.type == .a || $0.type == .aaaa }.compactMap { IPAddress(bytes: $0.data)?.description }
    }

    /// The info code of the first Extended DNS Error, and its text.
    var extendedError: (code: Int, text: String)? {
        guard let opt = records.first(where: { $0.type == .opt }), opt.data.count >= 6 else { return nil }
        let length = Int(opt.data[2]) << 8 | Int(opt.data[3])
        return (Int(opt.data[4]) << 8 | Int(opt.data[5]), String(decoding: opt.data[6..<4 + length], as: UTF8.self))
    }
}
