// SPDX-License-Identifier: Apache-2.0
// Every query comes in here: what its client may ask, and what it has shown of itself, is looked at before and after it
// is answered.

import NetworkTypes
import SystemIO

extension Resolution {
    /// Answers a query at once where that is possible: records, a living cache entry, a refusal. Allocates nothing.
    mutating func query(
        _ message: Span<UInt8>,
        from address: IPAddress?,
        on interface: UInt32 = 0,
        by arrival: Arrival,
        now: Instant,
        into room: inout MutableSpan<UInt8>
    ) -> Verdict {
        let isStream = arrival != .datagram
        switch arrival {
        case .datagram: tally.datagramQueries &+= 1
        case .stream: tally.streamQueries &+= 1
        case .relay: tally.relayedQueries &+= 1
        }
        guard let policy, let address else { return .drop }
        // Who comes by a connection has shown that the address is its own, and connections have limits.
        let isAdmitted = isStream || defence.admits(address, policy.clientLimits, now: now)
        var scan: QueryHead
        do throws(QueryHead.Fault) {
            scan = try QueryHead(scanning: message)
        } catch {
            guard error != .notAQuery else { return .drop }
            return isAdmitted ? fault(error == .notImplemented ? .notImp : .formErr, message, &room) : cut(.queries)
        }
        let standing = takeCookie(&scan, address, now)
        if isStream, scan.edns?.options.asksForKeepalive == true {
            scan.hop.add(keepalive: arrival == .relay ? FrontendLink.idleTime : StreamConnections.idleTime)
        }
        scan.hop.isPadded = arrival == .relay && scan.edns?.options.isPadded == true
        let limit = isStream ? MessageSize.stream : scan.datagramLimit
        if !isAdmitted, standing != .proven {
            guard standing != .silent else { return cut(.queries) }
            tally.count(.queries)
            return reply(.badCookie, FixedOptions.none, message, scan, limit, &room)
        }
        guard scan.hasQuestion else {
            let code: ResponseCode = standing == .wrong ? .badCookie : .noError
            return reply(code, FixedOptions.none, message, scan, limit, &room)
        }
        // What came before the kernel was asked to tell by which interface it comes: whose view it is cannot be known.
        if policy.looksAtInterfaces, interface == 0 { return .drop }
        let view = policy.view(of: address, on: interface)
        let verdict = answer(message, scan, policy, view, address, limit, now, &room)
        guard !isStream, standing != .proven else { return verdict }
        switch verdict {
        case .answer:
            let code = ResponseCode(rawValue: room.span.uint16(at: 2) & HeaderFlags.responseCode)
            return limited(verdict, code, message, scan, policy, address, now, &room)
        case .later:
            // What is answered later is counted now, whatever it will be.
            return limited(verdict, .noError, message, scan, policy, address, now, &room)
        case .drop:
            return verdict
        }
    }

    /// Nothing is answered, for a limit's sake.
    private mutating func cut(_ limit: ClientLimit) -> Verdict {
        tally.count(limit)
        return .drop
    }

    /// Looks at the client's cookie, and says in the answer which one it is to show next time.
    private func takeCookie(_ scan: inout QueryHead, _ address: IPAddress, _ now: Instant) -> CookieStanding {
        guard let cookie = scan.edns?.options.cookie else { return .silent }
        guard defence.cookies.accepts(cookie, at: address, now: now) else {
            scan.hop.add(cookie.client, defence.cookies.cookie(for: cookie.client, at: address, now: now))
            return cookie.hasServerPart ? .wrong : .beginning
        }
        scan.hop.add(cookie.client, defence.cookies.renewed(cookie, at: address, now: now))
        return .proven
    }

    /// Keeps answers of one kind to one prefix within their rate: the address may be another's that never asked.
    private mutating func limited(
        _ verdict: Verdict,
        _ code: ResponseCode,
        _ message: Span<UInt8>,
        _ scan: QueryHead,
        _ policy: Policy,
        _ address: IPAddress,
        _ now: Instant,
        _ room: inout MutableSpan<UInt8>
    ) -> Verdict {
        switch defence.dispatch(code, to: address, asked, scan.type, policy.clientLimits, now: now) {
        case .sent:
            return verdict
        case .dropped:
            return cut(.responses)
        case .truncated:
            tally.count(.responses)
            let none = FixedOptions.none
            let head = ReplyHead(code: .noError, isTruncated: true)
            let limit = scan.datagramLimit
            return .answer(
                ReplyWriter.write(
                    head,
                    body: none.span,
                    options: none.span,
                    to: message,
                    scan,
                    limit: limit,
                    into: &room
                )
            )
        }
    }
}
