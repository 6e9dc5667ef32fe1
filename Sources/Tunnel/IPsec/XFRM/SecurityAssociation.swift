// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// One direction of an IPsec tunnel as the kernel has it (RFC 4301 section 4.4.2).
///
/// The kernel tells the keys along with it, in dumps as in events. None is ever read: of an algorithm, this has the name
/// and how long its key is. The octets that they came in are cleared when they are given back, as all of the heap is
/// (`CClearedHeap`), and nothing here refers to them.
public struct SecurityAssociation: Hashable, Sendable {
    /// The outer address that its packets go to.
    public var destination: IPAddress
    /// The outer address that they come from, of the same family.
    public var source: IPAddress
    /// The number in each packet by which the receiver finds it; 0 while it is being negotiated.
    public var spi: UInt32
    /// What protects its packets.
    public var proto: IPsecProtocol
    /// How it wraps them.
    public var mode: IPsecMode
    /// Ties it to the policies that ask for it; 0 for none.
    public var requestID: UInt32
    /// The xfrm interface's number (XFRMA_IF_ID); 0 for none.
    public var interfaceID: UInt32
    /// The mark of its packets; nil for any.
    public var mark: IPsecMark?
    /// What protects its packets; none while it is being negotiated.
    public var algorithms: [Algorithm]
    /// Its protection against old packets sent again.
    public var replay: Replay
    /// What it has carried.
    public var traffic: Traffic
    /// The UDP or TCP that its packets go in; nil for none.
    public var encapsulation: Encapsulation?
    /// The network card that does its work; nil where the kernel does.
    public var offload: Offload?

    /// An algorithm, without its key.
    public struct Algorithm: Hashable, Sendable {
        /// What it is for.
        public enum Purpose: Hashable, Sendable {
            case encryption
            case authentication
            /// Both in one, as AES-GCM.
            case both
            case compression
        }

        /// What it is for.
        public var purpose: Purpose
        /// The kernel's name, as `rfc4106(gcm(aes))`.
        public var name: String
        /// Bits of the key, a salt included.
        public var keyBits: Int
        /// Bits of the integrity check value; nil where the kernel does not say.
        public var tagBits: Int?
    }

    /// Protection against replay (RFC 4303 section 3.4.3), and what it met.
    public struct Replay: Hashable, Sendable {
        /// How many numbers below the highest are still accepted; 0 for no protection.
        public var window: UInt32
        /// Packets refused since their number was below the window.
        public var late: UInt32
        /// Packets refused since their number had been seen.
        public var repeated: UInt32
        /// Packets that were not what the peer had sent.
        public var forged: UInt32
        /// The number of the last packet sent; with ESN, all 64 bits.
        public var lastSent: UInt64
        /// The highest number received; with ESN, all 64 bits.
        public var highestReceived: UInt64
    }

    /// What an association has carried, and when. Seconds are since 1970, by the wall clock.
    public struct Traffic: Hashable, Sendable {
        /// Octets, as the kernel counts them against lifetimes.
        public var bytes: UInt64
        /// Packets.
        public var packets: UInt64
        /// When it was made.
        public var added: UInt64
        /// When it was first used; nil for never.
        public var firstUsed: UInt64?
        /// When it was last used; nil for never, or where the kernel does not say.
        public var lastUsed: UInt64?
    }

    /// What carries ESP where a NAT is between (RFC 3948, RFC 8229).
    public struct Encapsulation: Hashable, Sendable {
        /// Whether it is TCP.
        public var isTCP: Bool
        /// The port that packets come from.
        public var sourcePort: UInt16
        /// The port that they go to.
        public var destinationPort: UInt16
    }

    /// A network card that does the work.
    public struct Offload: Hashable, Sendable {
        /// The card's interface.
        public var link: Int32
        /// Whether it does all of it; else no more than the ciphers.
        public var isWhole: Bool
    }

    /// The outer family.
    public var family: AddressFamily { destination.family }

    /// Whether it only keeps the place of one that is being negotiated.
    public var isLarval: Bool { algorithms.isEmpty && (proto == .esp || proto == .ah) }

    /// What names it among all others.
    public var id: ID { ID(destination: destination, spi: spi, proto: proto, mark: mark) }

    /// What names an association (`xfrm_state_lookup`).
    public struct ID: Hashable, Sendable {
        /// The outer address that its packets go to.
        public var destination: IPAddress
        /// The number in each packet.
        public var spi: UInt32
        /// What protects its packets.
        public var proto: IPsecProtocol
        /// The mark of its packets; nil for any.
        public var mark: IPsecMark?
    }
}
