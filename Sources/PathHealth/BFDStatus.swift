// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// Why a BFD session last changed to Down or AdminDown: the diagnostic code of RFC 5880 section 4.1, 5 bits.
public struct BFDDiagnostic: RawRepresentable, Hashable, Sendable, Codable, CustomStringConvertible {
    /// The code, 0 to 31.
    public let rawValue: UInt8

    /// Takes a code; only its low five bits count.
    public init(rawValue: UInt8) {
        self.rawValue = rawValue & 0x1f
    }

    /// Nothing happened yet.
    public static let none = BFDDiagnostic(rawValue: 0)
    /// No packet came for the detection time.
    public static let controlDetectionTimeExpired = BFDDiagnostic(rawValue: 1)
    /// The neighbour said that its session is not up.
    public static let neighborSignaledSessionDown = BFDDiagnostic(rawValue: 3)
    /// The session was taken out by hand.
    public static let administrativelyDown = BFDDiagnostic(rawValue: 7)

    private static let names = [
        "no diagnostic", "control detection time expired", "echo function failed", "neighbor signaled session down",
        "forwarding plane reset", "path down", "concatenated path down", "administratively down",
        "reverse concatenated path down",
    ]

    /// The code in the RFC's words, as metrics and status have it.
    public var description: String {
        Int(rawValue) < Self.names.count ? Self.names[Int(rawValue)] : "diagnostic \(rawValue)"
    }
}

/// How a BFD session that was Up ended.
public struct BFDLoss: Hashable, Sendable, Codable, CustomStringConvertible {
    /// Who the session is with.
    public let peer: IPAddress
    /// Why our end is down.
    public let diagnostic: BFDDiagnostic
    /// What the far end gave as its own reason, last.
    public let remoteDiagnostic: BFDDiagnostic
    /// The detection time that was in force.
    public let detectionTime: Duration

    /// Notes an end.
    public init(
        peer: IPAddress,
        diagnostic: BFDDiagnostic,
        remoteDiagnostic: BFDDiagnostic,
        detectionTime: Duration
    ) {
        self.peer = peer
        self.diagnostic = diagnostic
        self.remoteDiagnostic = remoteDiagnostic
        self.detectionTime = detectionTime
    }

    /// The end in words: `BFD with 10.99.0.1: no packet for 900ms (control detection time expired)`.
    public var description: String {
        let isSilent = diagnostic == .controlDetectionTimeExpired
        let what = isSilent ? "no packet for \(detectionTime.shortText)" : "its session went down"
        let theirs = isSilent || remoteDiagnostic == .none ? "" : ", for it: \(remoteDiagnostic)"
        return "BFD with \(peer): \(what) (\(diagnostic)\(theirs))"
    }
}

/// What a BFD session says of its path (RFC 5882 section 3).
public enum BFDStatus: Hashable, Sendable, Codable {
    /// Nothing: it was never Up, as where the far end has no BFD, or it is AdminDown at our end.
    case silent
    /// It is Up: what else is known of the path counts.
    case up
    /// It was Up and is not any more: the path carries nothing.
    case lost(BFDLoss)
    /// The far end, at this address, took it out by hand. That is no failure (RFC 5882 section 3.2).
    case drainedByFarEnd(IPAddress)

    /// What the path is good for, by the session and by what it shows itself.
    func limit(_ condition: PathCondition) -> PathCondition {
        guard condition == .ready, case .lost(let loss) = self else { return condition }
        return .unusable(.sessionLost(loss))
    }

    /// Why traffic should leave the path although it carries some; nil where it may stay.
    var drain: Reason? {
        guard case .drainedByFarEnd(let peer) = self else { return nil }
        return .drainedByFarEnd(peer)
    }
}
