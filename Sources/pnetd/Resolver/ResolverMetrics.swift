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
        for code in [
            ResponseCode.noError, .formErr, .servFail, .nxDomain, .notImp, .refused, .yxDomain, .badVers, .badCookie,
        ] {
            add("answers_total", tally.answers(code), ["rcode": code.text])
        }
        add("cache_hits_total", tally.cacheHits)
        add("cache_misses_total", tally.cacheMisses)
        add("cache_bytes", tally.cacheBytes)
        add("refused_total", tally.refused)
        add("stale_generation_drops_total", tally.staleGenerationDrops)
        add("inflight_limit_reached_total", tally.limitReached)
        for limit in ClientLimit.allCases { add("queries_limited_total", tally.limited(limit), ["limit": limit.text]) }
        guard let policy else { return samples }
        for (zone, value) in zip(policy.zoneLabels, tally.upstreamQueries) {
            add("upstream_queries_total", value, ["zone": zone])
        }
        for (zone, value) in zip(policy.zoneLabels, tally.upstreamTimeouts) {
            add("upstream_timeouts_total", value, ["zone": zone])
        }
        for (zone, value) in zip(policy.zoneLabels, tally.leftOut) {
            add("records_left_out_total", value, ["zone": zone])
        }
        for (network, value) in zip(policy.networkLabels, tally.blockedAnswers) {
            add("blocked_answers_total", value, ["network": network])
        }
        return samples
    }
}
