// SPDX-License-Identifier: Apache-2.0

/// Tells the answers to one question from all others.
public struct ProbeToken: Hashable, Sendable {
    /// Chosen by the sender, say a row of its table.
    public let stream: UInt32
    /// The probe's number in its stream.
    public let sequence: UInt16

    /// Names a probe.
    public init(stream: UInt32, sequence: UInt16) {
        self.stream = stream
        self.sequence = sequence
    }
}

/// How a probe ended that somebody took note of.
public enum ProbeOutcome: Hashable, Sendable {
    /// The target serves: the connection stood, or the answer was NOERROR or NXDOMAIN (RFC 1035 section 4.1.1).
    case answered
    /// The target, or a host before it, said no: by RST or ICMP, or by another RCODE.
    case refused
}
