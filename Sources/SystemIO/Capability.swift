// SPDX-License-Identifier: Apache-2.0

import CLinux

/// One of the parts that root's power is cut into (capabilities(7)).
public struct Capability: Hashable, Sendable {
    /// Its number in linux/capability.h.
    let number: UInt8

    /// CAP_CHOWN: give a file to another group.
    public static let changeOwner = Capability(number: UInt8(CAP_CHOWN))
    /// CAP_DAC_OVERRIDE: use files whatever their modes say.
    public static let overrideFileModes = Capability(number: UInt8(CAP_DAC_OVERRIDE))
    /// CAP_DAC_READ_SEARCH: read files and search directories whatever their modes say.
    public static let readAllFiles = Capability(number: UInt8(CAP_DAC_READ_SEARCH))
    /// CAP_SETGID: change groups.
    public static let setGroup = Capability(number: UInt8(CAP_SETGID))
    /// CAP_SETUID: change the user.
    public static let setUser = Capability(number: UInt8(CAP_SETUID))
    /// CAP_SETPCAP: take capabilities from the bounding set.
    public static let setCapabilities = Capability(number: UInt8(CAP_SETPCAP))
    /// CAP_NET_BIND_SERVICE: bind ports below 1024.
    public static let bindService = Capability(number: UInt8(CAP_NET_BIND_SERVICE))
    /// CAP_NET_ADMIN: change links, addresses, routes, rules, firewall.
    public static let networkAdministration = Capability(number: UInt8(CAP_NET_ADMIN))
    /// CAP_NET_RAW: raw sockets, and sockets bound to an interface.
    public static let rawSockets = Capability(number: UInt8(CAP_NET_RAW))
}

extension Capability: CustomStringConvertible {
    /// As capabilities(7) has it, for those that have a name here.
    public var description: String {
        switch self {
        case .changeOwner: "CAP_CHOWN"
        case .overrideFileModes: "CAP_DAC_OVERRIDE"
        case .readAllFiles: "CAP_DAC_READ_SEARCH"
        case .setGroup: "CAP_SETGID"
        case .setUser: "CAP_SETUID"
        case .setCapabilities: "CAP_SETPCAP"
        case .bindService: "CAP_NET_BIND_SERVICE"
        case .networkAdministration: "CAP_NET_ADMIN"
        case .rawSockets: "CAP_NET_RAW"
        default: "capability \(number)"
        }
    }
}

extension Set<Capability> {
    /// The set as the kernel has it, 1 << number.
    var bits: UInt64 { reduce(0) { $0 | 1 << UInt64($1.number) } }

    init(bits: UInt64) {
        self = Set((UInt8(0)..<64).filter { bits >> UInt64($0) & 1 == 1 }.map(Capability.init))
    }
}
