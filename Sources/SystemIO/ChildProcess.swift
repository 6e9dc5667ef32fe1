// SPDX-License-Identifier: Apache-2.0

public import CLinux

/// Programs that this process starts, always by path and argument list, never through a shell.
public enum ChildProcess {
    /// What became of a child.
    public enum Exit: Hashable, Sendable, CustomStringConvertible {
        case status(Int32)
        case signal(Int32)

        /// `exit status 1` or `signal 9`.
        public var description: String {
            switch self {
            case .status(let status): "exit status \(status)"
            case .signal(let signal): "signal \(signal)"
            }
        }
    }

    /// Starts a program in a session of its own, so that it outlives this process, with signals at their defaults.
    ///
    /// Standard input is /dev/null unless a descriptor is given; output and error are inherited unless given.
    /// - Returns: the process id.
    public static func spawn(
        _ program: String,
        arguments: [String],
        environment: [String: String] = [:],
        input: Int32? = nil,
        output: Int32? = nil,
        error: Int32? = nil
    ) throws(SystemError) -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        if let input {
            unsafe posix_spawn_file_actions_adddup2(&actions, input, 0)
        } else {
            unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        if let output { unsafe posix_spawn_file_actions_adddup2(&actions, output, 1) }
        if let error { unsafe posix_spawn_file_actions_adddup2(&actions, error, 2) }
        // Our own descriptors are closed on exec anyway; those of libraries, as SwiftNIO's connections, are not.
        unsafe posix_spawn_file_actions_addclosefrom_np(&actions, 3)

        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        unsafe sigemptyset(&none)
        var all = sigset_t()
        unsafe sigfillset(&all)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setsigdefault(&attributes, &all)
        let flags = Int32(POSIX_SPAWN_SETSID) | Int32(POSIX_SPAWN_SETSIGMASK) | Int32(POSIX_SPAWN_SETSIGDEF)
        unsafe posix_spawnattr_setflags(&attributes, Int16(flags))

        let replaced = environment.isEmpty ? nil : environment.map { "\($0.key)=\($0.value)" }
        var pid: pid_t = 0
        let code = unsafe withCStringArray([program] + arguments) { argv in
            guard let replaced else {
                return unsafe posix_spawn(&pid, program, &actions, &attributes, argv, pn_environ())
            }
            return unsafe withCStringArray(replaced) { envp in
                unsafe posix_spawn(&pid, program, &actions, &attributes, argv, envp)
            }
        }
        guard code == 0 else { throw SystemError(operation: "start \(program)", code: code) }
        return pid
    }

    /// Puts a program in the place of this one, with its environment and descriptors 0 to 2.
    /// - Returns: only where that failed, and why.
    public static func become(_ command: [String]) -> SystemError {
        guard let program = command.first else { return SystemError(operation: "start a program", code: EINVAL) }
        unsafe withCStringArray(command) { argv in unsafe _ = execve(program, argv, pn_environ()) }
        return .last("start \(program)")
    }

    /// Collects one child that has ended, if any; to be called until nil after SIGCHLD.
    public static func reap() -> (pid: pid_t, exit: Exit)? {
        var status: Int32 = 0
        let pid = unsafe waitpid(-1, &status, WNOHANG)
        guard pid > 0 else { return nil }
        return (pid, exit(status))
    }

    /// Waits for one child to end.
    public static func wait(for pid: pid_t) throws(SystemError) -> Exit {
        var status: Int32 = 0
        guard retryingInterrupted({ unsafe waitpid(pid, &status, 0) }) != nil else {
            throw .last("wait for process \(pid)")
        }
        return exit(status)
    }

    private static func exit(_ status: Int32) -> Exit {
        pn_wifexited(status) != 0 ? .status(pn_wexitstatus(status)) : .signal(pn_wtermsig(status))
    }
}

/// Calls the body with a null-terminated vector of C strings that live as long as the call.
private func withCStringArray<Result>(
    _ strings: [String],
    _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    let pointers = UnsafeMutableBufferPointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: strings.count + 1)
    defer { unsafe pointers.deallocate() }
    for (index, string) in strings.enumerated() { unsafe pointers.initializeElement(at: index, to: strdup(string)) }
    unsafe pointers.initializeElement(at: strings.count, to: nil)
    defer { for index in strings.indices { unsafe free(pointers[index]) } }
    guard let base = pointers.baseAddress else { preconditionFailure("an allocation has an address") }
    return unsafe body(base)
}
