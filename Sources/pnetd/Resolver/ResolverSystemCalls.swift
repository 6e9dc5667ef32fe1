// SPDX-License-Identifier: Apache-2.0
// What the resolver, which reads what strangers send, may still ask of the kernel: packets, memory, threads and time.
//
// What is not in the list fails with ENOSYS, as on an older kernel: a newer C library or runtime that tries a newer call
// then falls back to the one that we know. Files fail with EACCES, as they would for somebody without rights: runtimes
// try to open this and that, above all when they crash, and go on without. What nobody honest does in here ends the
// process, and the agent says so: `resolver ended: signal 31`.
//
// The frontend has no such list: it starts the programs that alerts go to, which inherit a filter and need who knows
// what, and TLS and HTTP libraries change their calls with every version. It is the unit of systemd that restricts it.

import CLinux
import SystemIO

enum ResolverSystemCalls {
    /// The filter for the process that asks for it.
    static var filter: SystemCallFilter {
        SystemCallFilter(
            packets + memory + threads + signals + rest + withoutFiles + neverHonest,
            otherwise: .fail(ENOSYS)
        )
    }

    private typealias Rule = SystemCallFilter.Rule
    private typealias Condition = SystemCallFilter.Condition

    private static func allow(_ calls: [Int32]) -> [Rule] { calls.map { Rule($0, .allow) } }

    private static var packets: [Rule] {
        let families = Condition(argument: 0, isOneOf: [AF_INET, AF_INET6, AF_UNIX].map { UInt32($0) })
        let commands = Condition(
            argument: 1,
            isOneOf: [F_DUPFD_CLOEXEC, F_GETFL, F_SETFL, F_GETFD, F_SETFD].map { UInt32($0) }
        )
        return allow([
            SYS_recvmmsg, SYS_sendmmsg, SYS_recvfrom, SYS_sendto, SYS_recvmsg, SYS_sendmsg, SYS_read, SYS_write,
            SYS_readv, SYS_writev, SYS_epoll_pwait, SYS_epoll_ctl, SYS_epoll_create1, SYS_ppoll, SYS_eventfd2,
            SYS_timerfd_create, SYS_timerfd_settime, SYS_accept4, SYS_connect, SYS_bind, SYS_shutdown, SYS_getsockname,
            SYS_getpeername, SYS_getsockopt, SYS_setsockopt, SYS_close,
        ]) + allowOld + [
            // No netlink, no raw packets, nothing that is not the Internet or the agent.
            Rule(SYS_socket, allowedWhere: families, otherwise: .fail(EAFNOSUPPORT)),
            // Not F_SETOWN, by which the kernel sends signals to others.
            Rule(SYS_fcntl, allowedWhere: commands, otherwise: .fail(EPERM)),
        ]
    }

    /// Calls that newer architectures do not have.
    private static var allowOld: [Rule] {
        #if arch(x86_64)
            allow([SYS_epoll_wait, SYS_poll])
        #else
            []
        #endif
    }

    private static var memory: [Rule] {
        let isNoCode = Condition(argument: 2, mask: UInt32(PROT_EXEC), isOneOf: [0])
        return [
            Rule(SYS_mmap, allowedWhere: isNoCode, otherwise: .fail(EACCES)),
            Rule(SYS_mprotect, allowedWhere: isNoCode, otherwise: .fail(EACCES)),
        ] + allow([SYS_munmap, SYS_mremap, SYS_madvise, SYS_brk])
    }

    private static var threads: [Rule] {
        // A thread of this process, never a process of its own. The flags of clone3 are out of a filter's sight: it gets
        // ENOSYS, and the C library falls back to clone.
        let spaces =
            CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET
        let isThread = Condition(
            argument: 0,
            mask: UInt32(bitPattern: CLONE_THREAD | spaces),
            isOneOf: [UInt32(CLONE_THREAD)]
        )
        let isName = Condition(argument: 0, isOneOf: [UInt32(PR_SET_NAME)])
        return [
            Rule(SYS_clone, allowedWhere: isThread, otherwise: .fail(EPERM)),
            Rule(SYS_prctl, allowedWhere: isName, otherwise: .fail(EPERM)),
        ]
            + allow([
                SYS_futex, SYS_set_robust_list, SYS_rseq, SYS_gettid, SYS_getpid, SYS_sched_yield,
                SYS_sched_getaffinity, SYS_exit, SYS_exit_group,
            ])
    }

    private static var signals: [Rule] {
        // To itself, as abort(3) does. Where both run as nobody, the frontend must be out of reach.
        let isOwn = Condition(argument: 0, isOneOf: [UInt32(getpid())])
        return [Rule(SYS_tgkill, allowedWhere: isOwn, otherwise: .fail(EPERM)), Rule(SYS_kill, .fail(EPERM))]
            + allow([SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_sigaltstack, SYS_signalfd4])
    }

    private static var rest: [Rule] {
        allow([
            SYS_clock_gettime, SYS_clock_getres, SYS_clock_nanosleep, SYS_nanosleep, SYS_gettimeofday,
            SYS_restart_syscall, SYS_getrandom, SYS_fstat,
        ])
    }

    private static var withoutFiles: [Rule] {
        var calls = [
            SYS_openat, SYS_openat2, SYS_newfstatat, SYS_statx, SYS_faccessat, SYS_faccessat2, SYS_readlinkat,
            SYS_unlinkat, SYS_mkdirat, SYS_renameat2,
        ]
        #if arch(x86_64)
            calls += [SYS_open, SYS_creat, SYS_stat, SYS_lstat, SYS_access, SYS_readlink, SYS_unlink]
        #endif
        return calls.map { Rule($0, .fail(EACCES)) }
    }

    private static var neverHonest: [Rule] {
        [
            SYS_execve, SYS_execveat, SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_mount, SYS_umount2,
            SYS_pivot_root, SYS_chroot, SYS_move_mount, SYS_fsopen, SYS_fsmount, SYS_open_tree, SYS_open_by_handle_at,
            SYS_unshare, SYS_setns, SYS_bpf, SYS_perf_event_open, SYS_userfaultfd, SYS_keyctl, SYS_add_key,
            SYS_request_key, SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load, SYS_reboot,
            SYS_swapon, SYS_swapoff, SYS_acct, SYS_quotactl, SYS_settimeofday, SYS_clock_settime, SYS_sethostname,
            SYS_setdomainname, SYS_capset, SYS_setuid, SYS_setgid, SYS_setresuid, SYS_setresgid, SYS_pidfd_getfd,
        ].map { Rule($0, .endProcess) }
    }
}
