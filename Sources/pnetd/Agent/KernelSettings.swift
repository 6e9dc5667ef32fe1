// SPDX-License-Identifier: Apache-2.0

import SystemIO

/// Settings of the kernel that are the operator's, and that we only read.
enum KernelSettings {
    /// Whether a change of a nexthop is announced for each IPv4 route that uses it: a switch then costs by the prefix.
    static var copiesNexthopChanges: Bool {
        (try? Files.read("/proc/sys/net/ipv4/nexthop_compat_mode"))?.first == UInt8(ascii: "1")
    }
}
