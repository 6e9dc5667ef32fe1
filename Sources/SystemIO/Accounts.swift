// SPDX-License-Identifier: Apache-2.0

public import CLinux

/// A user of this host and its group.
public struct Account: Hashable, Sendable {
    /// The user's number.
    public let user: uid_t
    /// The number of its group.
    public let group: gid_t

    /// Looks a user up by name; nil where there is none.
    public init?(named name: String) {
        guard let entry = unsafe getpwnam(name) else { return nil }
        unsafe user = entry.pointee.pw_uid
        unsafe group = entry.pointee.pw_gid
    }

    /// A user without a name, and a group of the same number.
    public init(number: UInt32) {
        user = number
        group = number
    }

    /// The number of the user that this process runs as.
    public static var currentUser: uid_t { geteuid() }

    /// Looks a group up by name; nil where there is none.
    public static func group(named name: String) -> gid_t? {
        unsafe getgrnam(name).map { unsafe $0.pointee.gr_gid }
    }

    /// The name of a group; nil where nobody gave it one.
    public static func groupName(of group: gid_t) -> String? {
        guard let entry = unsafe getgrgid(group), let name = unsafe entry.pointee.gr_name else { return nil }
        return unsafe String(cString: name)
    }
}
