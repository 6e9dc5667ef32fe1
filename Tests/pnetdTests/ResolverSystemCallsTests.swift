// SPDX-License-Identifier: Apache-2.0

import CLinux
import SystemIO
import Testing

@testable import pnetd

/// What the resolver may do, asked of the program that the kernel gets.
struct ResolverSystemCallsTests {
    private typealias Data = ClassicBPF.SystemCall

    private func answer(
        _ call: Int32,
        _ arguments: UInt64...,
        architecture: UInt32 = SystemCallFilter.architecture
    ) throws -> UInt32 {
        try ClassicBPF.run(
            ResolverSystemCalls.filter.program,
            on: Data(number: UInt32(bitPattern: call), architecture: architecture, arguments: arguments)
        )
    }

    private let allowed: UInt32 = 0x7fff_0000
    private let killed: UInt32 = 0x8000_0000
    private func failed(_ code: Int32) -> UInt32 { 0x0005_0000 | UInt32(code) }

    @Test(arguments: [SYS_recvmmsg, SYS_sendmmsg, SYS_epoll_ctl, SYS_futex, SYS_exit_group, SYS_getrandom, SYS_munmap])
    func allowsWhatServingTakes(call: Int32) throws {
        #expect(try answer(call) == allowed)
    }

    @Test(arguments: [SYS_execve, SYS_execveat, SYS_ptrace, SYS_process_vm_readv, SYS_mount, SYS_bpf, SYS_setns])
    func endsForWhatNobodyHonestDoes(call: Int32) throws {
        #expect(try answer(call) == killed)
    }

    @Test func refusesFilesAsRightsWould() throws {
        for call in [SYS_openat, SYS_newfstatat, SYS_readlinkat] { #expect(try answer(call) == failed(EACCES)) }
    }

    /// clone3 and what a kernel of the future brings.
    @Test func looksLikeAnOlderKernelForTheRest() throws {
        for call in [SYS_clone3, SYS_io_uring_setup, SYS_memfd_create, SYS_listen, 999, -1] {
            #expect(try answer(call) == failed(ENOSYS))
        }
    }

    @Test func opensSocketsOfTheInternetOnly() throws {
        for family in [AF_INET, AF_INET6, AF_UNIX] { #expect(try answer(SYS_socket, UInt64(family), 1) == allowed) }
        for family in [AF_NETLINK, AF_PACKET, 38, 40] {
            #expect(try answer(SYS_socket, UInt64(family), 3) == failed(EAFNOSUPPORT))
        }
        // The kernel takes an int: what is above it is no way around.
        #expect(try answer(SYS_socket, 1 << 32 | UInt64(AF_NETLINK)) == failed(EAFNOSUPPORT))
    }

    @Test func makesNoMemoryExecutable() throws {
        let (readWrite, execute) = (UInt64(PROT_READ | PROT_WRITE), UInt64(PROT_READ | PROT_EXEC))
        for call in [SYS_mmap, SYS_mprotect] {
            #expect(try answer(call, 0, 4096, readWrite) == allowed)
            #expect(try answer(call, 0, 4096, execute) == failed(EACCES))
        }
    }

    @Test func startsThreadsAndNoProcesses() throws {
        // As pthread_create(3) and fork(3) ask.
        let thread: UInt64 = 0x3d0f00
        let fork: UInt64 = 0x1200011
        #expect(try answer(SYS_clone, thread) == allowed)
        #expect(try answer(SYS_clone, fork) == failed(EPERM))
        #expect(try answer(SYS_clone, thread | UInt64(CLONE_NEWNET)) == failed(EPERM))
    }

    @Test func signalsItselfOnly() throws {
        #expect(try answer(SYS_tgkill, UInt64(getpid()), 1, 6) == allowed)
        #expect(try answer(SYS_tgkill, UInt64(getppid()), 1, 6) == failed(EPERM))
        #expect(try answer(SYS_kill, UInt64(getpid()), 9) == failed(EPERM))
        #expect(try answer(SYS_fcntl, 3, UInt64(F_SETOWN), 1) == failed(EPERM))
    }

    @Test func endsForAnotherArchitecture() throws {
        // EM_386 and EM_ARM, low octet first, 32 bits.
        for other: UInt32 in [0x4000_0003, 0x4000_0028] {
            #expect(try answer(SYS_read, architecture: other) == killed)
        }
    }

    #if arch(x86_64)
        @Test func refusesX32() throws {
            #expect(try answer(SYS_read | 0x4000_0000) == failed(ENOSYS))
            #expect(try answer(SYS_execve | 0x4000_0000) == failed(ENOSYS))
        }
    #endif
}
