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
