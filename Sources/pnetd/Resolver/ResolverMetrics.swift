// SPDX-License-Identifier: Apache-2.0

import PrivateDNS
import ProcessLink

/// The workers' counters by the names that the agent shows them under.
enum ResolverMetrics {
    static func samples(_ tally: Tally, _ policy: Policy?) -> [MetricSample] {
        var samples: [MetricSample] = []
        func add(_ name: String, _ value: UInt64, _ labels: [String: String] = [:]) {
            samples.append(MetricSample(name: "pnetd_dns_\(name)", labels: labels, value: Double(value)))
        }
        add("queries_total", tally.datagramQueries, ["transport": "udp"])
        add("queries_total", tally.streamQueries, ["transport": "tcp"])
        add("queries_total", tally.relayedQueries, ["transport": "tls"])
        for code in [
            ResponseCode.noError, .formErr, .servFail, .nxDomain, .notImp, .refused, .yxDomain, .badVers, .badCookie,
        ] {
            add("answers_total", tally.answers(code), ["rcode": code.text])
        }
        add("cache_hits_total", tally.cacheHits)
        add("cache_misses_total", tally.cacheMisses)
        add("prefetches_total", tally.prefetches)
        add("loops_total", tally.loops)
        add("unheld_answers_total", tally.unheldAnswers)
        add("cache_bytes", tally.cacheBytes)
        add("refused_total", tally.refused)
        add("stale_generation_drops_total", tally.staleGenerationDrops)
        add("inflight_limit_reached_total", tally.limitReached)
        for limit in ClientLimit.allCases { add("queries_limited_total", tally.limited(limit), ["limit": limit.text]) }
        guard let policy else { return samples }
        for (zone, value) in zip(policy.zoneLabels, tally.upstreamQueries) {
            add("upstream_queries_total", value, ["zone": zone])
        }
        // A preset has a hundred zones: of what seldom happens only those are told of to which it happened.
        func addSeldom(_ name: String, _ values: [UInt64], _ labels: [String: String] = [:]) {
            for (zone, value) in zip(policy.zoneLabels, values) where value > 0 {
                add(name, value, labels.merging(["zone": zone]) { $1 })
            }
        }
        addSeldom("upstream_timeouts_total", tally.upstreamTimeouts)
        for doubt in AnswerDoubt.allCases {
            addSeldom("upstream_doubts_total", tally.doubts[doubt] ?? [], ["reason": doubt.text])
        }
        addSeldom("bogus_answers_total", tally.bogus)
        addSeldom("records_left_out_total", tally.leftOut)
        addSeldom("records_unrouted_total", tally.unrouted)
        addSeldom("stale_answers_total", tally.staleAnswers)
        for reason in PublicReason.allCases {
            addSeldom("public_fallbacks_total", tally.publicFallbacks[reason] ?? [], ["reason": reason.text])
        }
        for (network, value) in zip(policy.networkLabels, tally.blockedAnswers) {
            add("blocked_answers_total", value, ["network": network])
        }
        return samples
    }
}
