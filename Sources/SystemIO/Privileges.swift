// SPDX-License-Identifier: Apache-2.0

import CLinux

/// Giving privilege away, for good. To be called before any thread exists: capabilities are per thread.
public enum Privileges {
    /// Takes all privilege from this process, and what would let it come back or leak.
    ///
    /// As root it becomes another user. Then: no capability in any set, none to be gained by a program that is started,
    /// no core dump, no other process of the user may look inside.
    public static func dropAll(becoming account: Account) throws(SystemError) {
        try forbidGains()
        if geteuid() == 0 { try become(account) }
        // The kernel sets this back when the user changes, so it comes after.
        try keepMemoryPrivate()
        try call("give up capabilities", pn_set_capabilities(0, 0))
    }

    /// Keeps some capabilities and gives all others up, for this process and for all that it starts.
    /// - Parameters:
    ///   - effective: those in force from now on.
    ///   - reserve: those that ``raising(_:_:)`` can put in force for a moment; children that run as root have them.
    /// - Returns: what this process should keep and did not have.
    public static func keep(
        _ effective: Set<Capability>,
        inReserve reserve: Set<Capability>
    ) throws(SystemError) -> Set<Capability> {
        let wanted = effective.union(reserve)
        let had = try capabilities().permitted
        dropFromBoundingSet(allBut: wanted)
        try forbidGains()
        try call(
            "give up capabilities",
            pn_set_capabilities(effective.intersection(had).bits, wanted.intersection(had).bits)
        )
        return effective.subtracting(had)
    }

    /// Gives up capabilities that were needed to start only.
    public static func giveUp(_ unneeded: Set<Capability>) throws(SystemError) {
        let (effective, permitted) = try capabilities()
        try call(
            "give up capabilities",
            pn_set_capabilities(effective.subtracting(unneeded).bits, permitted.subtracting(unneeded).bits)
        )
    }

    /// Calls the body with a capability of the reserve in force; without it where the process may not have it.
    public static func raising<Result>(
        _ capability: Capability,
        _ body: () throws(SystemError) -> Result
    ) throws(SystemError) -> Result {
        guard let (effective, permitted) = try? capabilities(), permitted.contains(capability) else {
            return try body()
        }
        _ = pn_set_capabilities(effective.union([capability]).bits, permitted.bits)
        defer { _ = pn_set_capabilities(effective.bits, permitted.bits) }
        return try body()
    }

    /// Calls the body with capabilities out of force.
    public static func without<Result, Failure: Error>(
        _ unwanted: Set<Capability>,
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guard let (effective, permitted) = try? capabilities() else { return try body() }
        _ = pn_set_capabilities(effective.subtracting(unwanted).bits, permitted.bits)
        defer { _ = pn_set_capabilities(effective.bits, permitted.bits) }
        return try body()
    }

    /// For a process that holds secrets: no core dump of it or of what it starts, no other process of the user may look
    /// inside, and what a crash says quotes no memory.
    public static func keepMemoryPrivate() throws(SystemError) {
        try call("forbid inspection", pn_prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
        for number in [SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGQUIT] {
            // Swift's own handler prints registers and what they point to.
            pn_default_signal(number)
        }
        // One octet: too little for a file, and the number by which a handler that core_pattern names is not started
        // either (do_coredump in fs/coredump.c); 0 stops files alone. A lower limit that is in force already stays.
        guard pn_limit_core_dumps(1) != 0 else { return }
        try call("forbid core dumps", pn_limit_core_dumps(0))
    }

    /// Lets the process open as many descriptors as it may.
    public static func raiseDescriptorLimit() {
        pn_raise_descriptor_limit()
    }

    private static func become(_ account: Account) throws(SystemError) {
        dropFromBoundingSet(allBut: [])
        try call("leave supplementary groups", setgroups(0, nil))
        try call("change group", setresgid(account.group, account.group, account.group))
        try call("change user", setresuid(account.user, account.user, account.user))
    }

    /// Nothing that this process starts can have more than it has itself.
    private static func forbidGains() throws(SystemError) {
        try call("set no_new_privs", pn_prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        pn_prctl(PR_CAP_AMBIENT, UInt(PR_CAP_AMBIENT_CLEAR_ALL), 0, 0, 0)
    }

    /// Needs CAP_SETPCAP; without it the set stays, and no_new_privs says the same.
    private static func dropFromBoundingSet(allBut kept: Set<Capability>) {
        // The kernel answers for a number beyond its last with an error.
        for number in UInt8(0)..<64 where !kept.contains(Capability(number: number)) {
            guard pn_prctl(PR_CAPBSET_READ, UInt(number), 0, 0, 0) >= 0 else { return }
            pn_prctl(PR_CAPBSET_DROP, UInt(number), 0, 0, 0)
        }
    }

    private static func capabilities() throws(SystemError) -> (effective: Set<Capability>, permitted: Set<Capability>) {
        var effective: UInt64 = 0
        var permitted: UInt64 = 0
        try call("read capabilities", unsafe pn_get_capabilities(&effective, &permitted))
        return (Set(bits: effective), Set(bits: permitted))
    }

    private static func call(_ operation: String, _ result: Int32) throws(SystemError) {
        guard result == 0 else { throw .last(operation) }
    }
}
