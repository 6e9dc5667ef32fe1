// SPDX-License-Identifier: Apache-2.0

import Digests
import NetworkTypes

/// What one end of a session knows of the key that both have, and of the packets that showed it (RFC 5880 section 6.7.4).
struct BFDAuthentication: Sendable {
    /// The key of the session.
    let key: BFDKey
    /// bfd.XmitAuthSeq: the sequence number of the next packet.
    private(set) var nextSequence: UInt32
    /// bfd.RcvAuthSeq; nil while bfd.AuthSeqKnown is 0.
    private(set) var lastReceived: UInt32?

    init(_ key: BFDKey, firstSequence: UInt32) {
        self.key = key
        nextSequence = firstSequence
    }

    /// The same session under another key: sequence numbers go on, or what was recorded before would count again.
    func with(_ key: BFDKey) -> BFDAuthentication {
        var next = BFDAuthentication(key, firstSequence: nextSequence)
        next.lastReceived = lastReceived
        return next
    }

    /// Signs a packet. Each has a sequence number of its own, which Keyed SHA1 allows and Meticulous Keyed SHA1 demands.
    mutating func sign(_ packet: inout BFDPacket) {
        let number = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: nextSequence >> $0) }
        packet.authentication = BFDPacket.Authentication(
            type: key.algorithm.authenticationType,
            data: [key.id, 0] + number + Array(repeating: 0, count: Layout.digest.count)
        )
        nextSequence &+= 1
        // Where the library refuses SHA1, the zeros stay: the far end takes them for what they are.
        guard let digest = digest(of: packet) else { return }
        packet.authentication?.data.replaceSubrange(Layout.digest, with: digest)
    }

    /// Takes the sequence number of a packet that the far end signed, and that was not sent before.
    ///
    /// The digest is looked at before anything is remembered, or a stranger could move the window.
    mutating func admit(_ packet: BFDPacket) throws(BFDRefusal) {
        guard let section = packet.authentication else { throw .unauthenticated }
        guard section.type == key.algorithm.authenticationType else { throw .authenticationType }
        guard section.data.count == Layout.size else { throw .authenticationLength }
        guard section.data[Layout.keyID] == key.id else { throw .keyID }
        let sequence = UInt32(networkOrder: section.data[Layout.sequence.lowerBound...])
        if let lastReceived {
            let ahead = sequence &- lastReceived
            let least: UInt32 = key.algorithm == .meticulousKeyedSHA1 ? 1 : 0
            guard ahead >= least, ahead <= 3 * UInt32(packet.detectMultiplier) else { throw .sequence }
        }
        guard let expected = digest(of: packet) else { throw .digest }
        // All of it is compared, whatever the first octets say.
        let difference = zip(expected, section.data[Layout.digest]).reduce(0) { $0 | ($1.0 ^ $1.1) }
        guard difference == 0 else { throw .digest }
        lastReceived = sequence
    }

    /// The far end may have begun anew (section 6.8.1, bfd.AuthSeqKnown).
    mutating func forgetSequence() {
        lastReceived = nil
    }

    /// Of the whole packet, with the key where its own digest stands.
    private func digest(of packet: BFDPacket) -> [UInt8]? {
        var keyed = packet
        keyed.authentication?.data.replaceSubrange(Layout.digest, with: key.octets)
        return Digest.sha1.of(keyed.octets)
    }

    /// What follows Auth Type and Auth Len (section 4.4).
    private enum Layout {
        static let keyID = 0
        static let sequence = 2..<6
        static let digest = 6..<26
        static let size = 26
    }
}

extension BFDKey.Algorithm {
    /// Auth Type (RFC 5880 section 4.1).
    var authenticationType: UInt8 {
        switch self {
        case .keyedSHA1: 4
        case .meticulousKeyedSHA1: 5
        }
    }
}
