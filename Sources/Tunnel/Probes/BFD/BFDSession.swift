// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes
public import PathHealth

/// One end of a BFD session in asynchronous mode, without echo and demand (RFC 5880): packets and instants in, packets
/// out. No clock and no socket.
public struct BFDSession: ~Copyable, Sendable {
    /// What the file asks of a session.
    public struct Parameters: Hashable, Sendable {
        /// Time between packets, both ways: Desired Min TX and Required Min RX; 1 ms to an hour.
        public var interval: Duration
        /// How many packets in a row may be missed, the last one included; not 0.
        public var multiplier: UInt8
        /// What both ends sign with; nil: neither signs.
        public var key: BFDKey?

        /// Asks for a pace.
        public init(interval: Duration, multiplier: UInt8, key: BFDKey? = nil) {
            self.interval = interval
            self.multiplier = multiplier
            self.key = key
        }

        /// In microseconds, as packets have it.
        fileprivate var microseconds: UInt32 {
            UInt32(clamping: min(max(interval, .milliseconds(1)), .seconds(3_600)).nanoseconds / 1_000)
        }
    }

    /// What is to be done after an event.
    public enum Action: Hashable, Sendable {
        /// Nothing.
        case none
        /// Send this now.
        case send(BFDPacket)
        /// The packet was discarded; it changed nothing.
        case refused(BFDRefusal)
    }

    /// Who the session is with.
    public let peer: IPAddress
    /// What the file asks.
    public private(set) var parameters: Parameters
    /// bfd.SessionState.
    public private(set) var state = BFDState.down
    /// bfd.RemoteSessionState: what the far end said last.
    public private(set) var remoteState = BFDState.down
    /// bfd.LocalDiag.
    public private(set) var diagnostic = BFDDiagnostic.none
    /// The far end's diagnostic, as it said last.
    public private(set) var remoteDiagnostic = BFDDiagnostic.none
    /// bfd.LocalDiscr; not 0.
    public let localDiscriminator: UInt32
    /// bfd.RemoteDiscr; 0: not heard within the detection time.
    public private(set) var remoteDiscriminator: UInt32 = 0
    /// When ``state`` last changed.
    public private(set) var since: Instant
    /// How often it went Up.
    public private(set) var ups: UInt64 = 0
    /// How often it left Up.
    public private(set) var downs: UInt64 = 0

    /// What the packets say: bfd.DesiredMinTxInterval and bfd.RequiredMinRxInterval, in microseconds.
    private var advertised: (transmit: UInt32, receive: UInt32)
    /// What our timers go by, until a Poll Sequence lets them go by what the packets say (section 6.8.3).
    private var applied: (transmit: UInt32, receive: UInt32)
    /// Poll Sequences that wait for their end: one under way, and one for what changed meanwhile.
    private var polls = 0
    private var remoteMinRxInterval: UInt32 = 1
    private var remoteDesiredMinTxInterval: UInt32 = 0
    private var remoteMultiplier: UInt8 = 0
    private var isRemoteDemanding = false
    private var lastReceived: Instant?
    private var lastSent: Instant?
    /// The part of the transmit interval that passes before the next packet, in 1/1024.
    private var jitter: Int64 = 1024
    private var generator: SplitMix64
    private var authentication: BFDAuthentication?
    private var loss: BFDLoss?
    private var isDrainedByFarEnd = false

    /// RFC 5880 section 6.8.3: not faster while the session is not Up.
    private static let slowInterval: UInt32 = 1_000_000

    /// Begins in Down; the first packet is due at once.
    ///
    /// - Parameters:
    ///   - discriminator: tells it from other sessions of this host; hard to guess, not 0.
    ///   - seed: what the jitter follows from.
    public init(peer: IPAddress, _ parameters: Parameters, discriminator: UInt32, seed: UInt64, at now: Instant) {
        self.peer = peer
        self.parameters = parameters
        localDiscriminator = discriminator
        since = now
        generator = SplitMix64(state: seed)
        advertised = (max(parameters.microseconds, Self.slowInterval), parameters.microseconds)
        applied = advertised
        authenticate()
    }

    /// From the last packet to the conclusion that the far end is not heard; nil before any packet (section 6.8.4).
    public var detectionTime: Duration? {
        guard remoteMultiplier > 0 else { return nil }
        let interval = max(applied.receive, remoteDesiredMinTxInterval)
        return .microseconds(Int64(remoteMultiplier) * Int64(interval))
    }

    /// The time between two packets of ours before jitter; nil where the far end wants none (section 6.8.7).
    public var transmitInterval: Duration? {
        guard remoteMinRxInterval > 0 else { return nil }
        return .microseconds(Int64(max(applied.transmit, remoteMinRxInterval)))
    }

    /// What the session says of its path.
    public var status: BFDStatus {
        switch state {
        case .up: .up
        case .adminDown: .silent
        case .down, .`init`: isDrainedByFarEnd ? .drainedByFarEnd(peer) : loss.map { .lost($0) } ?? .silent
        }
    }

    /// When ``advance(to:)`` has something to do; nil where only a packet can change anything.
    public var nextDeadline: Instant? {
        [nextTransmission, nextExpiry].compactMap { $0 }.min()
    }

    private var nextTransmission: Instant? {
        // Section 6.8.7: the far end's demand mode is in force while both ends are Up, but for polls.
        let isSilenced = isRemoteDemanding && state == .up && remoteState == .up && polls == 0
        guard let transmitInterval, !isSilenced else { return nil }
        guard let lastSent else { return since }
        return lastSent + .nanoseconds(transmitInterval.nanoseconds * jitter / 1024)
    }

    private var nextExpiry: Instant? {
        guard remoteDiscriminator != 0, let lastReceived, let detectionTime else { return nil }
        return lastReceived + detectionTime
    }

    /// Takes what the session's peer sent, after its origin was checked (section 6.8.6).
    public mutating func receive(_ packet: BFDPacket, at now: Instant) -> Action {
        if packet.yourDiscriminator != 0, packet.yourDiscriminator != localDiscriminator {
            return .refused(.yourDiscriminator)
        }
        if packet.yourDiscriminator == 0, packet.state == .`init` || packet.state == .up { return .refused(.state) }
        do throws(BFDRefusal) {
            try admit(packet, at: now)
        } catch {
            return .refused(error)
        }
        remember(packet, at: now)
        guard state != .adminDown else { return .none }
        let before = state
        follow(packet.state, at: now)
        guard packet.poll || state != before else { return .none }
        return .send(compose(answering: packet.poll, isUrgent: state != before, at: now))
    }

    private mutating func admit(_ packet: BFDPacket, at now: Instant) throws(BFDRefusal) {
        guard authentication != nil else {
            guard packet.authentication == nil else { throw .authentication }
            return
        }
        if let lastReceived, let detectionTime, now - lastReceived >= detectionTime * 2 {
            authentication?.forgetSequence()
        }
        try authentication?.admit(packet)
    }

    private mutating func remember(_ packet: BFDPacket, at now: Instant) {
        remoteDiscriminator = packet.myDiscriminator
        remoteState = packet.state
        remoteDiagnostic = packet.diagnostic
        remoteMinRxInterval = packet.requiredMinRxInterval
        remoteDesiredMinTxInterval = packet.desiredMinTxInterval
        remoteMultiplier = packet.detectMultiplier
        isRemoteDemanding = packet.demand
        lastReceived = now
        if packet.state == .adminDown { (isDrainedByFarEnd, loss) = (true, nil) }
        guard packet.final, polls > 0 else { return }
        polls -= 1
        if polls == 0 { applied = advertised }
    }

    private mutating func follow(_ remote: BFDState, at now: Instant) {
        switch (state, remote) {
        case (.down, .down): enter(.`init`, at: now)
        case (.down, .`init`), (.`init`, .`init`), (.`init`, .up): enter(.up, at: now)
        case (.up, .down), (.up, .adminDown), (.`init`, .adminDown):
            diagnostic = .neighborSignaledSessionDown
            enter(.down, at: now)
        default: break
        }
    }

    /// Does what is due: the far end was not heard for the detection time, or a packet is to leave.
    ///
    /// Call it again until ``nextDeadline`` lies ahead.
    public mutating func advance(to now: Instant) -> Action {
        if let nextExpiry, nextExpiry <= now {
            let before = state
            if state == .up || state == .`init` {
                diagnostic = .controlDetectionTimeExpired
                enter(.down, at: now)
            }
            remoteDiscriminator = 0
            if state != before { return .send(compose(isUrgent: true, at: now)) }
        }
        guard let nextTransmission, nextTransmission <= now else { return .none }
        return .send(compose(isUrgent: true, at: now))
    }

    /// Takes the session out by hand, or gives it back (section 6.8.16).
    public mutating func setAdminDown(_ isDown: Bool, at now: Instant) -> Action {
        guard isDown != (state == .adminDown) else { return .none }
        diagnostic = isDown ? .administrativelyDown : .none
        (loss, isDrainedByFarEnd) = (nil, remoteState == .adminDown && remoteDiscriminator != 0)
        enter(isDown ? .adminDown : .down, at: now)
        return .send(compose(isUrgent: true, at: now))
    }

    /// Takes a new pace and key. A session that is up stays up: the pace is confirmed by a Poll Sequence, and the far end has
    /// the detection time to take the same key.
    public mutating func change(to parameters: Parameters) {
        self.parameters = parameters
        setTimers()
        authenticate()
    }

    /// Goes by the key of the parameters.
    private mutating func authenticate() {
        guard parameters.key != authentication?.key else { return }
        authentication = parameters.key.map { key in
            // bfd.XmitAuthSeq begins anywhere (section 6.8.1).
            authentication?.with(key)
                ?? BFDAuthentication(key, firstSequence: UInt32(truncatingIfNeeded: generator.next()))
        }
    }

    private mutating func enter(_ next: BFDState, at now: Instant) {
        if state == .up {
            downs += 1
            if next == .down, remoteState != .adminDown {
                loss = BFDLoss(
                    peer: peer,
                    diagnostic: diagnostic,
                    remoteDiagnostic: remoteDiagnostic,
                    detectionTime: detectionTime ?? .zero
                )
            }
        }
        if next == .up {
            ups += 1
            diagnostic = .none
            (loss, isDrainedByFarEnd) = (nil, false)
        }
        state = next
        since = now
        setTimers()
    }

    /// Section 6.8.3: what changes is confirmed by a Poll Sequence; while Up, we slow down, or expect more, only then.
    private mutating func setTimers() {
        let receive = parameters.microseconds
        let transmit = state == .up ? receive : max(receive, Self.slowInterval)
        if (transmit, receive) != advertised {
            advertised = (transmit, receive)
            polls = min(polls + 1, 2)
        }
        let isHeld = state == .up && polls > 0
        applied = (
            isHeld ? min(applied.transmit, transmit) : transmit, isHeld ? max(applied.receive, receive) : receive
        )
    }

    /// - Parameters:
    ///   - isAnswer: it answers a poll, so it cannot be one (section 6.5).
    ///   - isUrgent: it takes the place of the next periodic packet.
    private mutating func compose(answering isAnswer: Bool = false, isUrgent: Bool, at now: Instant) -> BFDPacket {
        if isUrgent {
            lastSent = now
            // Section 6.8.7: 75 to 100 % of the interval, and at most 90 % where one lost packet is the end.
            let most: UInt64 = parameters.multiplier == 1 ? 921 : 1024
            jitter = Int64(768 + generator.next() % (most - 768 + 1))
        }
        var packet = BFDPacket()
        packet.diagnostic = diagnostic
        packet.state = state
        packet.poll = polls > 0 && !isAnswer
        packet.final = isAnswer
        packet.detectMultiplier = parameters.multiplier
        packet.myDiscriminator = localDiscriminator
        packet.yourDiscriminator = remoteDiscriminator
        packet.desiredMinTxInterval = advertised.transmit
        packet.requiredMinRxInterval = advertised.receive
        authentication?.sign(&packet)
        return packet
    }
}

/// A small generator for jitter, which need not be hard to guess but the same for the same seed.
private struct SplitMix64: Sendable {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
