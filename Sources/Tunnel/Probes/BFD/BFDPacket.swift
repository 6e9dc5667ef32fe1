// SPDX-License-Identifier: Apache-2.0

public import PathHealth

/// The state of a session (RFC 5880 section 4.1).
public enum BFDState: UInt8, Hashable, Sendable, CaseIterable {
    /// Taken out by hand.
    case adminDown = 0
    /// Not established, or the far end is not heard.
    case down = 1
    /// The far end is heard; whether it hears us is not known yet.
    case `init` = 2
    /// Each hears the other.
    case up = 3
}

/// Why a received packet was discarded (RFC 5880 section 6.8.6, in its order; RFC 5881 section 5 for the first two).
public enum BFDRefusal: String, Error, Hashable, Sendable, CaseIterable {
    /// Not from the session's peer.
    case source
    /// Its TTL or hop limit is less than what the file asks for: it came from further away than the far end is.
    case ttl
    /// Shorter than the mandatory section.
    case truncated
    /// Not of version 1.
    case version
    /// Length is less than the smallest correct value, or more than there is.
    case length
    /// Detect Mult is zero.
    case detectMultiplier = "detect-mult"
    /// The Multipoint bit is set.
    case multipoint
    /// My Discriminator is zero.
    case myDiscriminator = "my-discriminator"
    /// Your Discriminator is not that of the session.
    case yourDiscriminator = "your-discriminator"
    /// Your Discriminator is zero although the far end says that it has heard us.
    case state
    /// There is an authentication section, and the session uses none.
    case authentication
    /// There is no authentication section, and the session has a key.
    case unauthenticated
    /// The authentication section is of another type than the session's key.
    case authenticationType = "auth-type"
    /// The authentication section is not as long as its type wants.
    case authenticationLength = "auth-length"
    /// Signed with a key that the session does not have.
    case keyID = "key-id"
    /// Its sequence number came before, or lies beyond what can have been lost: it may be a replay.
    case sequence
    /// The digest is not that of the packet under the session's key.
    case digest

    /// What the packets are, in words: `12 packets with a wrong digest`.
    public func description(count: UInt64) -> String {
        let what =
            switch self {
            case .source: "from elsewhere than the peer"
            case .ttl: "from too far away"
            case .truncated: "that are too short"
            case .version: "of another version"
            case .length: "with a wrong length"
            case .detectMultiplier: "without a multiplier"
            case .multipoint: "for several receivers"
            case .myDiscriminator: "without a discriminator"
            case .yourDiscriminator: "of another session"
            case .state: "that name no session although they answer one"
            case .authentication: "with authentication, which is not in use here"
            case .unauthenticated: "without authentication"
            case .authenticationType: "with another type of authentication"
            case .authenticationLength: "with a wrong length of authentication"
            case .keyID: "with another key-id"
            case .sequence: "with a sequence number that is not due"
            case .digest: "with a wrong digest"
            }
        return "\(count) packet\(count == 1 ? "" : "s") \(what)"
    }
}

/// A BFD Control packet (RFC 5880 section 4.1). Intervals are in microseconds.
public struct BFDPacket: Hashable, Sendable {
    /// What may follow the mandatory section (RFC 5880 section 4.1); it is told apart, and not judged here.
    public struct Authentication: Hashable, Sendable {
        /// Auth Type.
        public var type: UInt8
        /// What follows Auth Len; at most 229 octets.
        public var data: [UInt8]
    }

    /// The sender's reason for its last change to Down or AdminDown.
    public var diagnostic = BFDDiagnostic.none
    /// The sender's state.
    public var state = BFDState.down
    /// Whether the sender wants an answer, to confirm a change of timers.
    public var poll = false
    /// Whether this answers a packet with ``poll``.
    public var final = false
    /// Whether the sender's forwarding plane fails with its control plane.
    public var controlPlaneIndependent = false
    /// Whether the sender is, or wants to be, in demand mode.
    public var demand = false
    /// Detect Mult: how many intervals without a packet make the detection time; not 0.
    public var detectMultiplier: UInt8 = 3
    /// The sender's discriminator; not 0.
    public var myDiscriminator: UInt32 = 0
    /// What the sender knows the receiver by; 0: nothing yet.
    public var yourDiscriminator: UInt32 = 0
    /// Desired Min TX Interval.
    public var desiredMinTxInterval: UInt32 = 0
    /// Required Min RX Interval; 0: the sender wants no periodic packets.
    public var requiredMinRxInterval: UInt32 = 0
    /// Required Min Echo RX Interval; 0: the sender does not support echo.
    public var requiredMinEchoRxInterval: UInt32 = 0
    /// The authentication section.
    public var authentication: Authentication?

    /// The longest packet that Length can say.
    public static let sizeLimit = 255
    private static let mandatorySize = 24

    init() {}

    /// Reads a datagram's payload. What follows the packet is padding, which a sender may add to see whether large packets
    /// pass (RFC 9764).
    ///
    /// - Throws: the first rule that the packet breaks.
    public init(_ octets: ArraySlice<UInt8>) throws(BFDRefusal) {
        guard octets.count >= Self.mandatorySize else { throw .truncated }
        let fields = Array(octets.prefix(Self.sizeLimit))
        let (flags, length) = (fields[1], Int(fields[3]))
        let hasAuthentication = flags & Flag.authentication != 0
        guard fields[0] >> 5 == 1 else { throw .version }
        guard length >= Self.mandatorySize + (hasAuthentication ? 2 : 0), length <= fields.count else { throw .length }
        guard fields[2] != 0 else { throw .detectMultiplier }
        guard flags & Flag.multipoint == 0 else { throw .multipoint }
        diagnostic = BFDDiagnostic(rawValue: fields[0])
        state = BFDState(rawValue: flags >> 6) ?? .down
        poll = flags & Flag.poll != 0
        final = flags & Flag.final != 0
        controlPlaneIndependent = flags & Flag.controlPlaneIndependent != 0
        demand = flags & Flag.demand != 0
        detectMultiplier = fields[2]
        myDiscriminator = UInt32(networkOrder: fields[4...])
        yourDiscriminator = UInt32(networkOrder: fields[8...])
        desiredMinTxInterval = UInt32(networkOrder: fields[12...])
        requiredMinRxInterval = UInt32(networkOrder: fields[16...])
        requiredMinEchoRxInterval = UInt32(networkOrder: fields[20...])
        guard myDiscriminator != 0 else { throw .myDiscriminator }
        guard hasAuthentication else { return }
        let authenticationLength = Int(fields[25])
        guard authenticationLength >= 2, Self.mandatorySize + authenticationLength <= length else { throw .length }
        authentication = Authentication(type: fields[24], data: Array(fields[26..<(24 + authenticationLength)]))
    }

    /// The packet as it is sent.
    public var octets: [UInt8] {
        var flags = state.rawValue << 6
        for (isSet, flag) in [
            (poll, Flag.poll), (final, Flag.final), (controlPlaneIndependent, Flag.controlPlaneIndependent),
            (authentication != nil, Flag.authentication), (demand, Flag.demand),
        ] where isSet { flags |= flag }
        let length = Self.mandatorySize + (authentication.map { 2 + $0.data.count } ?? 0)
        var octets = [1 << 5 | diagnostic.rawValue, flags, detectMultiplier, UInt8(truncatingIfNeeded: length)]
        for field in [
            myDiscriminator, yourDiscriminator, desiredMinTxInterval, requiredMinRxInterval, requiredMinEchoRxInterval,
        ] {
            octets += [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: field >> $0) }
        }
        if let authentication {
            octets += [authentication.type, UInt8(truncatingIfNeeded: 2 + authentication.data.count)]
            octets += authentication.data
        }
        return octets
    }

    /// The bits of the second octet, below the state.
    private enum Flag {
        static let poll: UInt8 = 0x20
        static let final: UInt8 = 0x10
        static let controlPlaneIndependent: UInt8 = 0x08
        static let authentication: UInt8 = 0x04
        static let demand: UInt8 = 0x02
        static let multipoint: UInt8 = 0x01
    }
}
