// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import ProcessLink
import SystemIO

/// Counters of the resolver that somebody should hear of when they grow.
struct AnswerCounts {
    /// What one of them counts, and for what: a zone, whose root stands for what the upstreams said, or a limit.
    struct Key: Hashable {
        let name: String
        let label: String
    }

    static let leftOut = "pnetd_dns_records_left_out_total"
    static let stale = "pnetd_dns_stale_answers_total"
    static let published = "pnetd_dns_public_fallbacks_total"
    static let looped = "pnetd_dns_loops_total"
    static let unheld = "pnetd_dns_unheld_answers_total"
    static let limited = "pnetd_dns_queries_limited_total"

    private(set) var values: [Key: Double] = [:]

    init(_ samples: [MetricSample]) {
        for sample in samples
        where [Self.leftOut, Self.stale, Self.published, Self.looped, Self.limited, Self.unheld].contains(sample.name) {
            let label = sample.labels["zone"] ?? sample.labels["limit"] ?? ""
            values[Key(name: sample.name, label: label), default: 0] += min(sample.value, 1e18)
        }
    }

    /// What grew since an earlier reading, by label. A new resolver counts from zero.
    func growth(of name: String, since earlier: AnswerCounts?) -> [(label: String, count: Int)] {
        values.filter { $0.key.name == name }.sorted { $0.key.label < $1.key.label }.compactMap { key, value in
            let growth = Int(value - min(earlier?.values[key] ?? 0, value))
            return growth > 0 ? (key.label, growth) : nil
        }
    }
}

/// Answers that are not what one would expect: something was left out, or it was not the zone's servers who gave them.
extension Agent {
    /// Notes what was counted so far.
    func watchAnswers() {
        names.counts.take(AnswerCounts(counters.resolver), at: loop.now)
    }

    var answerWarnings: [String] {
        guard let last = names.counts.last else { return [] }
        func growth(_ name: String) -> [(label: String, count: Int)] {
            last.growth(of: name, since: names.counts.first)
        }
        func some(_ count: Int, _ what: String) -> String {
            "\(count) \(what)\(count == 1 ? "" : "s") of the last minute"
        }
        let leftOut = growth(AnswerCounts.leftOut).map { zone, count in
            zone == "."
                ? "\(some(count, "record")) led from public names to private addresses and were left out (a domain of your own? "
                    + "name it in the resolver's rebinding: {allow: ...})"
                : "zone \(zone): \(some(count, "record")) led out of the network and were left out (is that where it should "
                    + "lead? name it in the zone's prefixes)"
        }
        let stale = growth(AnswerCounts.stale).map { zone, count in
            let whose = zone == "." ? "the upstreams" : "zone \(zone)"
            return "\(whose): \(some(count, "answer")) were what servers had said last, for none answers now"
        }
        let published = growth(AnswerCounts.published).map { zone, count in
            "zone \(zone): the public was asked for \(some(count, "question")) (its servers do not know the name, or do not "
                + "answer: pnetctl dns audit tells which)"
        }
        let limited = growth(AnswerCounts.limited).map { limit, count in
            "resolver: \(some(count, "query").replacing("querys", with: "queries")) got no answer, or a short one, for the "
                + "limit of \(limit) (one client that runs wild, or more than this machine can answer)"
        }
        let looped = growth(AnswerCounts.looped).map { _, count in
            "resolver: \(some(count, "question")) of its own came back to it (an upstream leads here: pnetctl doctor)"
        }
        let unheld = growth(AnswerCounts.unheld).map { _, count in
            "name sets: \(some(count, "answer")) left before the firewall held the addresses (a busy agent or one that had just "
                + "begun, a full set, more than 128 addresses, or a client with too much in flight)"
        }
        return leftOut + stale + published + looped + limited + unheld
    }
}
