// SPDX-License-Identifier: Apache-2.0

import CLinux

/// Giving privilege away, for good. To be called before any thread exists: capabilities are per thread.
public enum Privileges {
    /// Takes all privilege from this process, and what would let it come back or leak.
    ///
    /// As root it becomes the first of the users that exists. Then: no capability in any set, none to be gained by a
    /// program that is started, no core dump, no other process of the user may look inside.
    /// - Parameter users: names by preference, as in `["pnetd", "nobody"]`.
    public static func dropAll(becoming users: [String]) throws(SystemError) {
        try call("set no_new_privs", pn_prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        if geteuid() == 0 { try become(users) }
        // The kernel sets this back when the user changes, so it comes after.
        try keepMemoryPrivate()
        pn_prctl(PR_CAP_AMBIENT, UInt(PR_CAP_AMBIENT_CLEAR_ALL), 0, 0, 0)
        try call("give up capabilities", pn_clear_capabilities())
    }

    /// For a process that holds secrets: no core dump of it or of what it starts, no other process of the user may look
    /// inside.
    public static func keepMemoryPrivate() throws(SystemError) {
        try call("forbid inspection", pn_prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
        try call("forbid core dumps", pn_forbid_core_dumps())
    }

    private static func become(_ users: [String]) throws(SystemError) {
        var identity: (uid_t, gid_t)?
        for user in users where identity == nil {
            identity = unsafe getpwnam(user).map { unsafe ($0.pointee.pw_uid, $0.pointee.pw_gid) }
        }
        guard let (user, group) = identity else {
            throw SystemError(operation: "find user \(users.joined(separator: " or "))", code: ENOENT)
        }
        // Dropping from the bounding set needs a capability, so it comes first; unknown numbers end the list.
        var capability: UInt = 0
        while pn_prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0 { capability += 1 }
        try call("leave supplementary groups", setgroups(0, nil))
        try call("change group", setresgid(group, group, group))
        try call("change user", setresuid(user, user, user))
    }

    /// Lets the process open as many descriptors as it may.
    public static func raiseDescriptorLimit() {
        pn_raise_descriptor_limit()
    }

    private static func call(_ operation: String, _ result: Int32) throws(SystemError) {
        guard result == 0 else { throw .last(operation) }
    }
}
