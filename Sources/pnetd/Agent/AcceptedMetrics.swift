// SPDX-License-Identifier: Apache-2.0

import ProcessLink
import Telemetry

/// The metrics that the resolver may report. It faces strangers, so the agent takes nothing that is not listed here.
enum AcceptedMetrics {
    struct Family {
        let name: String
        let kind: Exposition.Kind
        let help: String
        let labels: Set<String>
    }

    static let families = [
        Family(name: "pnetd_dns_queries_total", kind: .counter, help: "DNS questions received.", labels: ["transport"]),
        Family(name: "pnetd_dns_answers_total", kind: .counter, help: "DNS answers sent.", labels: ["rcode"]),
        Family(
            name: "pnetd_dns_refused_total",
            kind: .counter,
            help: "DNS questions from those who may not ask.",
            labels: []
        ),
        Family(name: "pnetd_dns_cache_hits_total", kind: .counter, help: "Answers that the cache held.", labels: []),
        Family(
            name: "pnetd_dns_cache_misses_total",
            kind: .counter,
            help: "Questions that the cache did not hold.",
            labels: []
        ),
        Family(
            name: "pnetd_dns_prefetches_total",
            kind: .counter,
            help: "Answers in use that were asked for anew before they were over.",
            labels: []
        ),
        Family(
            name: "pnetd_dns_loops_total",
            kind: .counter,
            help: "Questions of the resolver that came back to it: an upstream leads here.",
            labels: []
        ),
        Family(
            name: "pnetd_dns_unheld_answers_total",
            kind: .counter,
            help: "Answers for name sets that left before the firewall held their addresses.",
            labels: []
        ),
        Family(name: "pnetd_dns_cache_bytes", kind: .gauge, help: "Octets in the DNS cache.", labels: []),
        Family(
            name: "pnetd_dns_upstream_queries_total",
            kind: .counter,
            help: "Questions asked of other servers.",
            labels: ["zone"]
        ),
        Family(
            name: "pnetd_dns_upstream_timeouts_total",
            kind: .counter,
            help: "Questions that other servers left unanswered.",
            labels: ["zone"]
        ),
        Family(
            name: "pnetd_dns_upstream_doubts_total",
            kind: .counter,
            help: "Answers of other servers that might be forged, and were asked for again over TCP.",
            labels: ["zone", "reason"]
        ),
        Family(
            name: "pnetd_dns_bogus_answers_total",
            kind: .counter,
            help: "Answers of other servers whose signatures (DNSSEC) were wrong or missing.",
            labels: ["zone"]
        ),
        Family(
            name: "pnetd_dns_records_unrouted_total",
            kind: .counter,
            help: "Records left out of answers: private names that led to where no path of their network led.",
            labels: ["zone"]
        ),
        Family(
            name: "pnetd_dns_records_left_out_total",
            kind: .counter,
            help:
                "Records left out of answers: private names that led out of their network, public ones that led into it.",
            labels: ["zone"]
        ),
        Family(
            name: "pnetd_dns_stale_answers_total",
            kind: .counter,
            help: "Answers that were over and were given again, because no server gave a new one.",
            labels: ["zone"]
        ),
        Family(
            name: "pnetd_dns_public_fallbacks_total",
            kind: .counter,
            help: "Names of private zones that the public was asked for, as the zone's public-after allows.",
            labels: ["zone", "reason"]
        ),
        Family(
            name: "pnetd_dns_blocked_answers_total",
            kind: .counter,
            help: "Answers for names of a blocked network.",
            labels: ["network"]
        ),
        Family(
            name: "pnetd_dns_stale_generation_drops_total",
            kind: .counter,
            help: "Answers dropped because the decision changed meanwhile.",
            labels: []
        ),
        Family(
            name: "pnetd_dns_inflight_limit_reached_total",
            kind: .counter,
            help: "Questions dropped because too many waited.",
            labels: []
        ),
        Family(
            name: "pnetd_dns_queries_limited_total",
            kind: .counter,
            help: "Questions and answers cut because one client had too many.",
            labels: ["limit"]
        ),
    ]

    /// How many samples a resolver may have; beyond it they are dropped.
    static let limit = 2_000

    /// The samples whose name and labels are known and whose values are numbers.
    static func accept(_ samples: [MetricSample]) -> [MetricSample] {
        samples.prefix(limit).filter { sample in
            guard let family = families.first(where: { $0.name == sample.name }) else { return false }
            return Set(sample.labels.keys) == family.labels && sample.value.isFinite && sample.value >= 0
                && sample.labels.values.allSatisfy { $0.utf8.count <= 255 }
        }
    }

    static func queries(_ samples: [MetricSample]) -> Double {
        min(samples.filter { $0.name == "pnetd_dns_queries_total" }.reduce(0) { $0 + $1.value }, 1e18)
    }

    static func add(_ samples: [MetricSample], to page: inout Exposition) {
        for family in families {
            page.add(
                family.name,
                family.kind,
                family.help,
                samples.filter { $0.name == family.name }.map { sample in
                    Exposition.Sample(
                        sample.value,
                        labels: sample.labels.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
                    )
                }
            )
        }
    }
}
