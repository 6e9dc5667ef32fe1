// SPDX-License-Identifier: Apache-2.0

import CLinux
import SystemIO
import Testing

/// Runs a body on a thread of its own in a network namespace of its own, which goes when the thread ends.
func inFreshNamespace(_ body: @escaping () throws -> Void) throws {
    final class Box {
        let body: () throws -> Void
        var failure: (any Error)?
        init(_ body: @escaping () throws -> Void) { self.body = body }
    }
    let box = Box(body)
    var thread = pthread_t()
    let context = unsafe Unmanaged.passRetained(box).toOpaque()
    let started = unsafe pthread_create(
        &thread,
        nil,
        { context in
            guard let context = unsafe context else { return nil }
            let box = unsafe Unmanaged<Box>.fromOpaque(context).takeRetainedValue()
            do {
                // A mount namespace too, so that /var/run/wireguard is this test's own.
                guard unshare(CLONE_NEWNET | CLONE_NEWNS | CLONE_FS) == 0 else { throw SystemError.last("unshare") }
                try run("/bin/mount", "--make-rprivate", "/")
                try run("/bin/mkdir", "-p", "/var/run/wireguard")
                try run("/bin/mount", "-t", "tmpfs", "none", "/var/run/wireguard")
                try run("/sbin/ip", "link", "set", "lo", "up")
                defer { endProcessesOfThisNamespace() }
                try box.body()
            } catch {
                box.failure = error
            }
            return nil
        },
        context
    )
    try #require(started == 0)
    pthread_join(thread, nil)
    if let failure = box.failure { throw failure }
}

/// Ends what the body started and did not end: userspace WireGuard outlives those who start it.
private func endProcessesOfThisNamespace() {
    guard let own = try? Files.linkTarget("/proc/thread-self/ns/net"), let listing = try? run("/bin/ls", "/proc") else {
        return
    }
    for entry in listing.split(separator: "\n") {
        guard let pid = pid_t(entry), pid != getpid(), (try? Files.linkTarget("/proc/\(pid)/ns/net")) == own else {
            continue
        }
        kill(pid, SIGKILL)
        _ = try? ChildProcess.wait(for: pid)
    }
}

/// Runs a program to its end; throws where it fails.
@discardableResult
func run(_ program: String, _ arguments: String...) throws -> String {
    try run(program, arguments)
}

/// Runs a program to its end; throws where it fails.
@discardableResult
func run(_ program: String, _ arguments: [String]) throws -> String {
    var ends: [Int32] = [0, 0]
    guard unsafe pipe(&ends) == 0 else { throw SystemError.last("pipe") }
    let reader = FileDescriptor(owning: ends[0])
    let pid: pid_t
    do {
        let writer = FileDescriptor(owning: ends[1])
        pid = try ChildProcess.spawn(program, arguments: arguments, output: writer.raw, error: writer.raw)
    }
    var output: [UInt8] = []
    while let part = try reader.read(upTo: 1 << 16), !part.isEmpty { output += part }
    let text = String(decoding: output, as: UTF8.self)
    let exit = try ChildProcess.wait(for: pid)
    guard exit == .status(0) else { throw ProgramFailure(command: "\(program) \(arguments)", exit: exit, output: text) }
    return text
}

struct ProgramFailure: Error {
    let command: String
    let exit: ChildProcess.Exit
    let output: String
}
