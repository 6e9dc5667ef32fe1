// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import FoundationEssentials
import NIOHTTP1
import ProcessLink

/// What can be asked for, and the answer to it: pure, without sockets.
enum Resource: Hashable {
    case index
    case metrics
    case health

    /// Finds what a request line asks for; a query changes nothing. Nil where there is no such thing.
    init?(target: String) {
        switch target.prefix(while: { $0 != "?" }) {
        case "/": self = .index
        case "/metrics": self = .metrics
        case "/healthz": self = .health
        default: return nil
        }
    }
}

/// An answer as a whole.
struct Answer: Hashable, Sendable {
    var status: HTTPResponseStatus
    var type = "text/plain; charset=utf-8"
    var body: String
    /// Whether the connection ends with it.
    var closes = false

    static let index = Answer(status: .ok, body: "pnetd \(Version.text)\n/metrics\n/healthz\n")
    static let notFound = Answer(status: .notFound, body: "there are /metrics and /healthz\n")
    static let notAllowed = Answer(status: .methodNotAllowed, body: "GET and HEAD only\n", closes: true)
    static let noBody = Answer(status: .payloadTooLarge, body: "a request has no body here\n", closes: true)

    /// The page for Prometheus.
    ///
    /// Without the agent it is an error and not an old page: the scrape fails, `up` is 0, and series end instead of
    /// standing still at the last good values.
    static func metrics(_ page: PageAnswer) -> Answer {
        switch page {
        case .page(let metrics, _):
            Answer(status: .ok, type: "text/plain; version=0.0.4; charset=utf-8", body: metrics)
        case .none(let why): Answer(status: .serviceUnavailable, body: "no metrics: \(why)\n")
        }
    }

    /// Health for probes of load balancers and the like. Degraded is not down: traffic flows.
    static func health(_ page: PageAnswer) -> Answer {
        let health =
            switch page {
            case .page(_, let health): health
            case .none(let why): Health(state: "down", reasons: [why])
            }
        let isDown = !["up", "degraded"].contains(health.state)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let json = (try? encoder.encode(health)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
        return Answer(status: isDown ? .serviceUnavailable : .ok, type: "application/json", body: json + "\n")
    }
}
