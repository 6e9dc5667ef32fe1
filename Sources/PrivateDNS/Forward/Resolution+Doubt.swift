// SPDX-License-Identifier: Apache-2.0
// Whether an answer is the server's: over UDP whoever guesses a port and an id can give one, unless there is more to guess.

import NetworkTypes

extension Resolution {
    /// What an answer to a question that goes out now must repeat.
    func challenge(
        _ exchange: Exchange,
        _ key: ServerHealth.Key,
        _ transport: UpstreamTransport,
        now: Instant
    ) -> Challenge {
        let name = exchange.key.question.name
        let isMixed = transport == .datagram && !exchange.isLenient && habits.keepsLetters(key, now: now)
        var source = SystemRandomNumberGenerator()
        let asked = isMixed ? Challenge.mixed(name, using: &source) : name
        // Over TLS the server has shown who it is, and it need not know us again.
        let isEncrypted = if case .encrypted = transport { true } else { false }
        let showsCookie = exchange.showsCookie && !isEncrypted
        let serverCookie = showsCookie ? habits.serverCookie(key) : []
        return Challenge(
            name: asked,
            isMixed: asked != name,
            cookie: showsCookie ? habits.clientCookie(key) : nil,
            serverCookie: serverCookie,
            expectsCookie: transport == .datagram && !exchange.isLenient && !serverCookie.isEmpty,
            trustsAD: !exchange.isValidated && exchange.route.trusted.contains(key.server)
        )
    }

    /// Whether an answer is to be asked for again over TCP. What it shows of the server is remembered.
    mutating func isDoubted(
        _ message: Span<UInt8>,
        _ answer: UpstreamAnswer,
        _ attempt: Exchange.Attempt,
        _ exchange: inout Exchange,
        now: Instant
    ) -> Bool {
        let key = healthKey(exchange.route, attempt.server, attempt.way)
        let challenge = attempt.challenge
        let doubt = challenge.doubt(message, answer.cookie)
        if challenge.isMixed { habits.repeated(key, letterByLetter: doubt != .letters, now: now) }
        guard let doubt else {
            if challenge.cookie != nil { habits.gave(key, cookie: answer.cookie?.server ?? []) }
            return false
        }
        exchange.isLenient = true
        tally.doubts[doubt]?[exchange.route.label] &+= 1
        let server = exchange.route.servers[attempt.server]
        note(exchange, .doubted(server, path: exchange.route.path(attempt.way), doubt))
        return true
    }
}
