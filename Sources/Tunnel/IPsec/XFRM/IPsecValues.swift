// SPDX-License-Identifier: Apache-2.0
// What security associations and policies are both described by.

import CLinux
public import NetworkTypes

/// What protects packets, by its number among the protocols of IP.
public struct IPsecProtocol: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The number in an IP header; 0 for any.
    public var rawValue: UInt8

    /// Any number is a protocol: the kernel may have more than are named here.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Any of them.
    public static let any = IPsecProtocol(rawValue: 0)
    /// Encapsulating Security Payload (RFC 4303).
    public static let esp = IPsecProtocol(rawValue: UInt8(IPPROTO_ESP))
    /// Authentication Header (RFC 4302).
    public static let ah = IPsecProtocol(rawValue: UInt8(IPPROTO_AH))
    /// IP Payload Compression (RFC 3173).
    public static let comp = IPsecProtocol(rawValue: UInt8(IPPROTO_COMP))

    /// The name that ip-xfrm(8) has for it.
    public var description: String {
        switch self {
        case .any: "any"
        case .esp: "esp"
        case .ah: "ah"
        case .comp: "comp"
        default: "\(rawValue)"
        }
    }
}

/// How packets are wrapped.
public struct IPsecMode: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// XFRM_MODE_TRANSPORT and so on.
    public var rawValue: UInt8

    /// Any number is a mode: the kernel may have more than are named here.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Between the addresses of the packet itself.
    public static let transport = IPsecMode(rawValue: UInt8(XFRM_MODE_TRANSPORT))
    /// With an outer header of its own (RFC 4301 section 3.2).
    public static let tunnel = IPsecMode(rawValue: UInt8(XFRM_MODE_TUNNEL))
    /// Bound End-to-End Tunnel: a tunnel whose inner addresses are fixed.
    public static let beet = IPsecMode(rawValue: UInt8(XFRM_MODE_BEET))

    /// The name that ip-xfrm(8) has for it.
    public var description: String {
        switch self {
        case .transport: "transport"
        case .tunnel: "tunnel"
        case .beet: "beet"
        default: "\(rawValue)"
        }
    }
}

/// The packets' mark that an association or a policy is for.
public struct IPsecMark: Hashable, Sendable {
    /// The mark's value under the mask.
    public var value: UInt32
    /// Which of its bits count.
    public var mask: UInt32

    /// Makes a mark.
    public init(value: UInt32, mask: UInt32) {
        (self.value, self.mask) = (value, mask)
    }
}

/// Which packets an association or a policy is for (struct xfrm_selector).
public struct TrafficSelector: Hashable, Sendable {
    /// Where they come from; the whole family for any.
    public var source: IPPrefix
    /// Where they go to, of the same family.
    public var destination: IPPrefix
    /// The port that they come from.
    public var sourcePort: Port
    /// The port that they go to.
    public var destinationPort: Port
    /// The protocol above IP; 0 for any.
    public var proto: UInt8
    /// The number of the interface that they leave by; 0 for any.
    public var link: Int32

    /// A port under a mask.
    public struct Port: Hashable, Sendable {
        /// The port; means nothing where the mask is 0.
        public var number: UInt16
        /// Which of its bits count; 0 for any port.
        public var mask: UInt16

        /// Makes a port.
        public init(number: UInt16, mask: UInt16) {
            (self.number, self.mask) = (number, mask)
        }

        /// Any port.
        public static let any = Port(number: 0, mask: 0)
    }

    /// The family.
    public var family: AddressFamily { destination.family }

    /// Whether every packet of the family is meant.
    public var isForAll: Bool {
        source.length == 0 && destination.length == 0 && sourcePort.mask == 0 && destinationPort.mask == 0
            && proto == 0 && link == 0
    }
}
