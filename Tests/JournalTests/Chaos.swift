// SPDX-License-Identifier: Apache-2.0

import Journal
import NetworkTypes
import PathHealth
import SystemIO

/// A run of the core that gets whatever a seed says, and the journal of it.
struct Chaos {
    private static let paths: [PathName] = ["vpn-a", "vpn-b"].compactMap { PathName($0) }
    private static let networks: [NetworkName] = ["azure", "plant"].compactMap { NetworkName($0) }
    static let start = Instant(nanoseconds: 1_000_000_000_000)
    static let wall: Int64 = 1_767_413_106_000_000_000

    private var random: SplitMix
    private(set) var core = HealthCore()
    private(set) var now = start
    private(set) var entries: [JournalEntry] = []
    /// The core before each entry.
    private(set) var states: [HealthCore] = []
    private var sent: [Probe] = []

    init(seed: UInt64, steps: Int) {
        random = SplitMix(state: seed)
        tell(.policies(policies(), adopting: [:]))
        for path in Self.paths { tell(.evidence(.condition(path, .ready))) }
        for _ in 0..<steps { step() }
    }

    static func header(_ beginning: JournalHeader.Beginning, at now: Instant = start) -> JournalHeader {
        JournalHeader(version: "0", run: 7, beginning: beginning, at: now, wallNanoseconds: wall)
    }

    /// All that happened, as one segment.
    var segment: [UInt8] { get throws { try Self.octets(entries, Self.header(.run)) } }

    /// Entries as a segment whose blocks hold so many of them.
    static func octets(_ entries: [JournalEntry], _ header: JournalHeader, block: Int = 16) throws -> [UInt8] {
        var writer = try JournalWriter(header)
        var octets: [UInt8] = []
        for (index, entry) in entries.enumerated() {
            try writer.add(entry.record, at: entry.at)
            if index % block == block - 1 { writer.flush { octets.append($0) } }
        }
        writer.flush { octets.append($0) }
        return octets
    }

    private mutating func step() {
        let next = core.nextDeadline ?? now
        switch random.next() % 44 {
        case 0: tell(.policies(policies(), adopting: [:]))
        case 1:
            let conditions = [PathCondition.ready, .ready, .unusable(.refused("no"))]
            tell(.evidence(.condition(path(), conditions[Int(random.next() % 3)])))
        case 2: tell(.evidence(.drained(path(), random.next() % 2 == 0 ? nil : .keyRotation)))
        case 3: now = now + .seconds(Int64(random.next() % 90))
        case 4:
            let peer = IPAddress.v4(IPv4Address(bits: 1))
            let loss = BFDLoss(
                peer: peer,
                diagnostic: .controlDetectionTimeExpired,
                remoteDiagnostic: .none,
                detectionTime: .milliseconds(900)
            )
            let statuses = [BFDStatus.silent, .up, .lost(loss), .drainedByFarEnd(peer)]
            tell(.evidence(.session(path(), statuses[Int(random.next() % 4)])))
        case 5:
            let statuses = [PeerStatus.unknown, .silent, .heard, .shakesHands]
            tell(.evidence(.peer(path(), statuses[Int(random.next() % 4)])))
        case 6: tell(.evidence(.handshakes(random.next() % 4 > 0)))
        case 7: tell(.evidence(.failback(Self.networks[Int(random.next() % 2)], isOpen: random.next() % 2 == 0)))
        case 40:
            let network = Self.networks[Int(random.next() % 2)]
            let isGiven = random.next() % 2 == 0
            tell(.evidence(.preferred(network, isGiven ? Preference(path(), .movedByHand) : nil)))
            tell(.evidence(.drilled(network, isGiven ? nil : Preference(path(), .drill))))
        case 41:
            let refusals = PacketRefusals(areForged: random.next() % 2 == 0, areReplayed: random.next() % 2 == 0)
            tell(.evidence(.refusals(path(), refusals)))
        case 43:
            let stalled = FlowStatus.stalled(connections: Int(random.next() % 9), of: 9, hosts: 2)
            let statuses = [FlowStatus.unknown, .advancing, stalled, stalled]
            tell(.evidence(.flows(Self.networks[Int(random.next() % 2)], path(), statuses[Int(random.next() % 4)])))
        case 42: tell(.evidence(.detour(path(), by: random.next() % 2 == 0 ? path() : nil)))
        case 8...21:
            guard !sent.isEmpty else { return }
            let probe = sent.remove(at: Int(random.next() % UInt64(sent.count)))
            now = now + .microseconds(Int64(random.next() % 20_000))
            let isGood = probe.subject.target.pace == nil || random.next() % 2 == 0
            let failures = [TargetFailure.silent, .expired(days: 3), .status(503)]
            tell(.evidence(isGood ? .answer(probe) : .failure(probe, failures[Int(random.next() % 3)])))
        case 22:
            let loss = OneWayLoss(there: LossShare(lost: Int(random.next() % 100), of: 300))
            let statuses = [ReflectorStatus.unknown, .silent, .answering(OneWayLoss()), .answering(loss)]
            tell(.evidence(.reflector(path(), statuses[Int(random.next() % 4)])))
        default:
            now = max(now, next) + .microseconds(Int64(random.next() % 300))
            tell(.time)
        }
    }

    private mutating func path() -> PathName { Self.paths[Int(random.next() % UInt64(Self.paths.count))] }

    private mutating func policies() -> [NetworkPolicy] {
        Self.networks.map { network in
            var targets = (1...1 + Int(random.next() % 3)).map { Target.icmp(.v4(IPv4Address(bits: UInt32($0)))) }
            if random.next() % 2 == 0 {
                let endpoint = SocketEndpoint(address: .v4(IPv4Address(bits: 9)), port: 443)
                targets.append(.tls(endpoint, name: .root, every: .seconds(Int64(5 + random.next() % 11))))
            }
            return NetworkPolicy(
                network: network,
                paths: random.next() % 2 == 0 ? Self.paths : Self.paths.reversed(),
                targets: targets,
                need: [TargetNeed.any, .all, .count(2)][Int(random.next() % 3)],
                promise: DetectionPromise(within: random.next() % 2 == 0 ? .seconds(1) : .milliseconds(300)),
                degraded: random.next() % 2 == 0
                    ? QualityLimits() : QualityLimits(loss: 0.05, jitter: .milliseconds(5)),
                metered: random.next() % 4 == 0 ? [path()] : [],
                failback: random.next() % 2 == 0 ? .manual : .automatic(after: .seconds(20)),
                whenDown: random.next() % 2 == 0 ? .block : .public
            )
        }
    }

    private mutating func tell(_ input: CoreInput) {
        note(.told(input))
        for action in core.take(input, at: now) {
            if case .send(let probe) = action { sent.append(probe) } else { note(.said(action)) }
        }
        sent = sent.suffix(40)
    }

    private mutating func note(_ record: JournalRecord) {
        states.append(core)
        entries.append(JournalEntry(at: now, record: record))
    }
}

/// A generator that gives the same numbers for the same seed (Steele, Lea and Flood 2014).
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = (state ^ state >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }
}
