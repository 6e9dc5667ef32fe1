// SPDX-License-Identifier: Apache-2.0

/// What all workers share: which of them a client's next query reaches is the kernel's choice.
struct WorkerCommons: Sendable {
    var cookies = ServerCookies()
    var memory = AnswerMemory()
}
