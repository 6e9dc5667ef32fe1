// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// What one worker remembers of its clients to keep each of them within its limits.
struct Defence: ~Copyable {
    let cookies: ServerCookies
    private let keys = ClientKey()
    private var queries: RateTable
    private var responses: RateTable
    /// Questions that wait, by client.
    private var waiting: [UInt64: Int] = [:]
    /// Of the answers that are too many, every second one says that TCP is to be used.
    private var slips = false

    /// - Parameter capacity: clients, and kinds of answers, that are remembered at once; a power of two.
    init(cookies: ServerCookies, capacity: Int) {
        self.cookies = cookies
        queries = RateTable(capacity: capacity)
        responses = RateTable(capacity: capacity)
    }

    /// Whether a client may ask one query more.
    mutating func admits(_ address: IPAddress, _ limits: ClientLimits, now: Instant) -> Bool {
        limits.exempt.contains(address)
            || queries.take(keys.client(address), perSecond: limits.queriesPerSecond, now: now)
    }

    /// What becomes of an answer.
    enum Dispatch {
        case sent
        case truncated
        case dropped
    }

    /// Decides whether an answer goes out by UDP to a client that has shown no cookie.
    mutating func dispatch(
        _ code: ResponseCode,
        to address: IPAddress,
        _ name: borrowing LookupName,
        _ type: RecordType,
        _ limits: ClientLimits,
        now: Instant
    ) -> Dispatch {
        guard !limits.exempt.contains(address) else { return .sent }
        let key = keys.answer(code, to: address, name, type)
        guard !responses.take(key, perSecond: limits.responsesPerSecond, now: now) else { return .sent }
        slips.toggle()
        return slips ? .truncated : .dropped
    }

    /// Counts a question that is to wait.
    /// - Returns: whether it may; if not, it is not counted.
    mutating func beginsToWait(_ client: Client, _ limits: ClientLimits) -> Bool {
        guard let address = client.address, !limits.exempt.contains(address) else { return true }
        let key = keys.client(address)
        let count = waiting[key] ?? 0
        guard count < limits.inFlight else { return false }
        waiting[key] = count + 1
        return true
    }

    /// Forgets a question that has waited, by the limits that it was counted by.
    mutating func endsToWait(_ client: Client, _ limits: ClientLimits) {
        guard let address = client.address, !limits.exempt.contains(address) else { return }
        let key = keys.client(address)
        let count = waiting[key] ?? 0
        waiting[key] = count > 1 ? count - 1 : nil
    }

    /// Forgets all questions that wait.
    mutating func nobodyWaits() { waiting = [:] }
}
