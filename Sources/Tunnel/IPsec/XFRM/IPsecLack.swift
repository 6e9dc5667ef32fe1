// SPDX-License-Identifier: Apache-2.0

import CLinux
public import NetworkTypes
import SystemIO

/// What a kernel lacks that a path by IPsec needs.
public enum IPsecLack: Hashable, Sendable, CustomStringConvertible {
    /// It has no way to speak of IPsec (XFRM_USER).
    case security
    /// It has no ESP for outer packets of a family (INET_ESP, INET6_ESP).
    case esp(AddressFamily)
    /// It has no xfrm interfaces (XFRM_INTERFACE, Linux 4.19).
    case interface

    /// Understands why a ``SecurityDatabase`` could not be opened; nil where that has other reasons.
    public init?(opening error: NetlinkError) {
        guard case .socket(let reason) = error, reason.code == EPROTONOSUPPORT else { return nil }
        self = .security
    }

    /// Understands why an xfrm interface could not be made; nil where that has other reasons.
    ///
    /// The kernel says "Unknown device type" with EOPNOTSUPP, once it has also looked for a module.
    public init?(makingInterface error: NetlinkError) {
        guard error.code == EOPNOTSUPP else { return nil }
        self = .interface
    }

    /// The lack in words.
    public var description: String {
        switch self {
        case .security: "this kernel cannot be told of IPsec (modprobe xfrm_user, or one with XFRM_USER)"
        case .esp(.ipv4): "this kernel has no ESP over IPv4 (modprobe esp4, or one with INET_ESP)"
        case .esp(.ipv6): "this kernel has no ESP over IPv6 (modprobe esp6, or one with INET6_ESP)"
        case .interface: "this kernel has no xfrm interfaces (modprobe xfrm_interface, or one with XFRM_INTERFACE)"
        }
    }
}
