// SPDX-License-Identifier: Apache-2.0
// Here and not among the unit tests: those run code that collects every child of the process, also the ones that an
// exit test waits for.

import CLinux
import PrivateDNS
import SystemIO
import Testing

@testable import pnetd

extension Scenarios {
    /// Filters of system calls as the kernel takes them, each in a process of its own.
    @Suite(.serialized)
    struct Filters {
        private static let example = SystemCallFilter(
            [
                SystemCallFilter.Rule(SYS_openat, .fail(EACCES)),
                SystemCallFilter.Rule(
                    SYS_socket,
                    allowedWhere: SystemCallFilter.Condition(argument: 0, isOneOf: [UInt32(AF_UNIX)]),
                    otherwise: .fail(EAFNOSUPPORT)
                ),
                SystemCallFilter.Rule(SYS_execve, .endProcess),
            ],
            otherwise: .allow
        )

        @Test func refuse() async {
            await #expect(processExitsWith: .success) {
                try Self.example.install()
                let opened = unsafe pn_open("/dev/null", O_RDONLY, 0)
                let openError = pn_errno()
                let packet = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
                let packetError = pn_errno()
                let local = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
                let isAsTold =
                    opened == -1 && openError == EACCES && packet == -1 && packetError == EAFNOSUPPORT && local >= 0
                _exit(isAsTold ? 0 : 1)
            }
        }

        @Test func holdForThreadsToo() async {
            await #expect(processExitsWith: .success) {
                try Self.example.install()
                let thread = try SystemThread(name: "other") {
                    let opened = unsafe pn_open("/dev/null", O_RDONLY, 0)
                    _exit(opened == -1 && pn_errno() == EACCES ? 0 : 1)
                }
                thread.join()
                _exit(2)
            }
        }

        @Test func endAProcess() async {
            await #expect(processExitsWith: .signal(SIGSYS)) {
                try Self.example.install()
                _ = unsafe execv("/bin/true", [nil])
            }
        }

        /// Signatures are checked by a library that reads a file first.
        @Test func letSignaturesBeChecked() async {
            await #expect(processExitsWith: .success) {
                TrustAnchors.prepare()
                try ResolverSystemCalls.filter.install()
                _exit(TrustAnchors.prepare() ? 0 : 1)
            }
        }

        /// A thread can still be started and memory had, a file cannot be opened.
        @Test func letTheResolverWork() async {
            await #expect(processExitsWith: .success) {
                try ResolverSystemCalls.filter.install()
                let thread = try SystemThread(name: "worker") {
                    let opened = unsafe pn_open("/etc/passwd", O_RDONLY, 0)
                    let isRefused = opened == -1 && pn_errno() == EACCES
                    _exit(isRefused && [UInt8](repeating: 1, count: 8 << 20).count == 8 << 20 ? 0 : 1)
                }
                thread.join()
                _exit(2)
            }
        }

        @Test func endTheResolverWhenItStartsAProgram() async {
            await #expect(processExitsWith: .signal(SIGSYS)) {
                try ResolverSystemCalls.filter.install()
                _ = unsafe execv("/bin/true", [nil])
            }
        }
    }
}
