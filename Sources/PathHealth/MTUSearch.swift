// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// Finds how large a packet a path carries to a target and back, by echoes of chosen sizes, after RFC 8899.
///
/// A size that nothing answers means something only beside a smaller one that is answered: else the path is down, or
/// the target answers no large echo at all. So the belief sinks only where the base size gets through and the one that
/// is in use does not, before and after it. Routers that say what they let through are the kernel's affair; this is for those that do not.
public struct MTUSearch: Hashable, Sendable {
    /// BASE_PLPMTU (RFC 8899 section 5.1.2): what IPv6 asks of every link (RFC 8200 section 5).
    public static let base = 1280

    private enum Phase: Hashable, Sendable {
        /// Whether what is in use still gets through.
        case confirming
        /// Whether the base size does, where what is in use did not.
        case falling
        /// Whether what is in use still does not, now that the base size does: an outage may have been what it was.
        case doubting
        /// What lies between a size that gets through and one that does not.
        case searching(Range<Int>)
    }

    /// Octets of the largest packet that the path's interface takes (MAX_PLPMTU).
    public private(set) var largest: Int
    /// Octets that are believed to get through (PLPMTU).
    public private(set) var carried: Int
    private var phase = Phase.confirming
    private var unanswered = 0
    private var next: Instant
    private var raises: Instant
    private let pace: Int

    /// So many echoes in a row without answer are not one path's bad luck: one in a hundred million at 5 % loss.
    private static let confirmations = 6
    /// A size that is given up in vain is tried again with the next raise (MAX_PROBES is 3).
    private static let attempts = 3
    private static let spacing = Duration.milliseconds(300)
    private static let patience = Duration.milliseconds(1_500)
    private static let confirmInterval = Duration.seconds(10)
    private static let retryInterval = Duration.seconds(30)
    /// PMTU_RAISE_TIMER (RFC 8899 section 5.1.1).
    private static let raiseInterval = Duration.seconds(600)
    /// Where the next size would gain less than this, the search ends.
    private static let grain = 4

    /// Begins a search.
    ///
    /// - Parameters:
    ///   - largest: octets of the largest packet that the interface takes.
    ///   - known: what an earlier run found.
    ///   - isMetered: whether every packet costs; what is in use is confirmed at a tenth of the pace then.
    public init(largest: Int, known: Int? = nil, isMetered: Bool = false, now: Instant) {
        self.largest = max(largest, Self.base)
        carried = min(max(known ?? largest, Self.base), self.largest)
        (next, raises) = (now, now)
        pace = isMetered ? 10 : 1
    }

    /// Whether larger packets than those that get through would fit the interface.
    public var isNarrow: Bool { carried < largest }

    /// Whether more is to be found soon.
    public var isSearching: Bool { if case .searching = phase { true } else { false } }

    /// How often the size was asked for that is asked for now.
    public var attempt: Int { unanswered }

    /// When ``advance(to:)`` has something to do next.
    public var nextDeadline: Instant { next }

    /// The size that is asked for now, in octets of the IP packet.
    private var size: Int {
        switch phase {
        case .confirming, .doubting: carried
        case .falling: Self.base
        case .searching(let span): Self.candidate(in: span, largest)
        }
    }

    /// The largest first, where it is open, as it is right most often; then the middle.
    private static func candidate(in span: Range<Int>, _ largest: Int) -> Int {
        span.upperBound > largest ? largest : (span.lowerBound + span.upperBound) / 2
    }

    /// Does what is due; returns the octets of the packet to send now.
    public mutating func advance(to now: Instant) -> Int? {
        guard next <= now else { return nil }
        if unanswered == limit { giveUp(now) }
        guard next <= now else { return nil }
        unanswered += 1
        next = now + (unanswered == limit ? Self.patience : Self.spacing)
        return size
    }

    /// Takes the answer to a packet of so many octets.
    public mutating func answered(_ octets: Int, at now: Instant) {
        switch phase {
        case .confirming where octets == carried && unanswered > 0, .falling where octets == carried,
            .doubting where octets == carried:
            rest(now)
        case .falling where octets == Self.base && unanswered > 0:
            ask(.doubting, now)
        case .searching(let span) where octets == size && unanswered > 0:
            carried = max(carried, octets)
            search(octets..<span.upperBound, now)
        default: break
        }
    }

    /// Nothing gets through just now: what is open says nothing of sizes.
    public mutating func pause(at now: Instant) {
        if isSearching { raises = now }
        ask(.confirming, now + .seconds(1))
    }

    private var limit: Int { phase == .confirming ? Self.confirmations : Self.attempts }

    private mutating func giveUp(_ now: Instant) {
        switch phase {
        case .confirming where carried > Self.base: ask(.falling, now)
        case .confirming, .falling: ask(.confirming, now + Self.retryInterval)
        case .doubting:
            let failed = carried
            carried = Self.base
            raises = now + Self.raiseInterval
            search(Self.base..<failed, now)
        case .searching(let span): search(span.lowerBound..<Self.candidate(in: span, largest), now)
        }
    }

    private mutating func ask(_ phase: Phase, _ time: Instant) {
        (self.phase, unanswered, next) = (phase, 0, time)
    }

    private mutating func search(_ span: Range<Int>, _ now: Instant) {
        ask(.searching(span), now)
        let isOpen = span.upperBound > largest && carried < largest
        if !isOpen, Self.candidate(in: span, largest) - span.lowerBound < Self.grain { rest(now) }
    }

    private mutating func rest(_ now: Instant) {
        ask(.confirming, now + Self.confirmInterval * pace)
        guard isNarrow, raises <= now else { return }
        raises = now + Self.raiseInterval
        search(carried..<largest + 1, now)
    }
}
