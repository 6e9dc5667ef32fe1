// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// What a WireGuard implementation lets be read and changed; the kernel's and the userspace one mean the same by it.
protocol WireGuardControl {
    /// Reads the interface as it is.
    func read(_ interface: InterfaceName) throws(WireGuardError) -> WireGuardDevice
    /// Makes the change; on an error an unknown part of it is in force, and reading tells which.
    func apply(_ change: WireGuardChange, to interface: InterfaceName) throws(WireGuardError)
}

/// Why a WireGuard interface could not be read or changed.
enum WireGuardError: Error, Hashable, CustomStringConvertible {
    case netlink(NetlinkError)
    /// The userspace process does not answer as it should.
    case userspace(String)
    /// The userspace process does not answer at all.
    case unresponsive(InterfaceName)

    var description: String {
        switch self {
        case .netlink(let error): error.description
        case .userspace(let text): text
        case .unresponsive(let interface): "userspace WireGuard of \(interface) does not answer"
        }
    }
}
