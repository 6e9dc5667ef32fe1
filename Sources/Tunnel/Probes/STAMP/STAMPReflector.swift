// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// A stateful Session-Reflector (RFC 8762 section 4.3): questions in, answers out. No clock and no socket.
///
/// It sends nothing that it was not asked for, no more octets than it was sent, and holds a bounded number of sessions.
public struct STAMPReflector: Sendable {
    /// One sender, by where it asks from and the number that it gives its session.
    private struct Session {
        var nextSequence: UInt32 = 0
        var last: Instant
        /// Questions that may be answered at once.
        var credit: Double
    }

    private struct Key: Hashable {
        var source: SocketEndpoint
        var sessionID: UInt16
    }

    private var sessions: [Key: Session] = [:]

    /// How many sessions are held.
    public static let sessionLimit = 64
    /// Questions of a session that are answered in a second, and in a row.
    public static let rateLimit = (perSecond: 200.0, inRow: 100.0)
    /// How long a session may be silent before another takes its place.
    public static let patience = Duration.seconds(60)

    /// Begins without sessions.
    public init() {}

    /// How many sessions there are.
    public var sessionCount: Int { sessions.count }

    /// The number of the answer to a question of a sender that is allowed to ask.
    public mutating func number(
        of question: STAMPQuestion,
        from source: SocketEndpoint,
        at now: Instant
    ) throws(STAMPRefusal) -> UInt32 {
        let key = Key(source: source, sessionID: question.sessionID)
        if sessions[key] == nil { try makeRoom(at: now) }
        var session = sessions[key] ?? Session(last: now, credit: Self.rateLimit.inRow)
        let earned = (now - session.last).inSeconds * Self.rateLimit.perSecond
        session.credit = min(session.credit + earned, Self.rateLimit.inRow)
        session.last = now
        let number = session.nextSequence
        let isRefused = session.credit < 1
        if !isRefused {
            session.credit -= 1
            session.nextSequence &+= 1
        }
        sessions[key] = session
        guard !isRefused else { throw .rate }
        return number
    }

    private mutating func makeRoom(at now: Instant) throws(STAMPRefusal) {
        if sessions.count >= Self.sessionLimit {
            sessions = sessions.filter { now - $0.value.last < Self.patience }
        }
        guard sessions.count < Self.sessionLimit else { throw .sessions }
    }
}
