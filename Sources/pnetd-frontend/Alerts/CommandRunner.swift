// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import ProcessLink
import SystemIO

/// Delivers alerts to programs: the JSON on standard input, exit status 0 for success. No shell is involved.
final class CommandRunner {
    /// How long a program may run; then it and its children are killed.
    static let patience = Duration.seconds(30)
    /// What a program gets of an environment, besides `PNETD_DELIVERY`: the alert's name, the same at each attempt.
    private static let environment = [
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8",
    ]

    private struct Running {
        let complaint: ErrorTail
        let timer: EventLoop.TimerID
        var isKilled = false
        let done: (DeliveryOutcome) -> Void
    }

    private let loop: EventLoop
    private let patience: Duration
    private var running: [pid_t: Running] = [:]

    init(on loop: EventLoop, patience: Duration = CommandRunner.patience) {
        self.loop = loop
        self.patience = patience
    }

    /// Starts the program; `done` is called once, when it has ended or could not be started.
    func run(_ words: [String], for delivery: AlertDelivery, done: @escaping (DeliveryOutcome) -> Void) {
        guard let program = words.first, program.hasPrefix("/") else {
            return done(.failed("a command is named by its absolute path"))
        }
        do {
            // A file in memory and no pipe: all of the text is there before the program starts, whether it reads or not.
            let input = try Files.inMemory("alert", holding: Array(delivery.body.utf8))
            let output = try FileDescriptor(
                unsafe pn_open("/dev/null", O_WRONLY | O_CLOEXEC, 0),
                from: "open /dev/null"
            )
            let pipe = try Pipe()
            let complaint = try ErrorTail(pipe.reader.duplicate(), on: loop)
            let pid = try ChildProcess.spawn(
                program,
                arguments: Array(words.dropFirst()),
                environment: Self.environment.merging(["PNETD_DELIVERY": delivery.id]) { $1 },
                input: input.raw,
                output: output.raw,
                error: pipe.writer.raw
            )
            let timer = loop.schedule(after: patience) { [weak self] in self?.kill(pid) }
            running[pid] = Running(complaint: complaint, timer: timer, done: done)
        } catch {
            done(.failed("\(error)"))
        }
    }

    /// What runs now.
    var children: [pid_t] { Array(running.keys) }

    /// Takes note of a child that ended.
    func ended(_ pid: pid_t, _ exit: ChildProcess.Exit) {
        guard let program = running.removeValue(forKey: pid) else { return }
        loop.cancel(program.timer)
        if exit == .status(0) { return program.done(.arrived) }
        let end = program.isKilled ? "killed after \(patience.shortText)" : exit.description
        let complaint = program.complaint.text
        program.done(.failed(complaint.isEmpty ? end : "\(end): \(complaint)"))
    }

    /// Kills what still runs; for the end of this process, which nothing that it started should outlive.
    func killAll() {
        for pid in running.keys { kill(pid) }
    }

    /// Each program leads a session, and so a group, of its own: its children go with it.
    private func kill(_ pid: pid_t) {
        running[pid]?.isKilled = true
        CLinux.kill(-pid, SIGKILL)
    }
}
