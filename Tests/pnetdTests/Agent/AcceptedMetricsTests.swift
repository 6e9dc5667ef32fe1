// SPDX-License-Identifier: Apache-2.0

import PrivateDNS
import ProcessLink
import Testing

@testable import pnetd

/// The resolver faces strangers; one that was taken over gets nothing past the agent but numbers under known names.
struct AcceptedMetricsTests {
    @Test func takesWhatIsListed() {
        let sample = MetricSample(name: "pnetd_dns_queries_total", labels: ["transport": "udp"], value: 5)
        #expect(AcceptedMetrics.accept([sample]) == [sample])
        #expect(AcceptedMetrics.queries([sample, sample]) == 10)
    }

    /// What the agent does not know it drops, silently.
    @Test func takesAllThatTheResolverReports() throws {
        let samples = ResolverMetrics.samples(try WorkerPool().tally, nil)
        #expect(samples.count == 25)
        #expect(AcceptedMetrics.accept(samples) == samples)
    }

    @Test(arguments: [
        MetricSample(name: "pnetd_path_up", labels: ["path": "vpn-a"], value: 1),
        MetricSample(name: "pnetd_dns_queries_total", labels: ["transport": "udp", "more": "x"], value: 1),
        MetricSample(name: "pnetd_dns_queries_total", value: 1),
        MetricSample(name: "pnetd_dns_cache_bytes", value: -1),
        MetricSample(name: "pnetd_dns_cache_bytes", value: .infinity),
        MetricSample(name: "pnetd_dns_answers_total", labels: ["rcode": String(repeating: "x", count: 256)], value: 1),
    ])
    func dropsWhatIsNot(sample: MetricSample) {
        #expect(AcceptedMetrics.accept([sample]) == [])
    }

    @Test func hasABound() {
        let sample = MetricSample(name: "pnetd_dns_cache_bytes", value: 1)
        #expect(AcceptedMetrics.accept(Array(repeating: sample, count: 10_000)).count == AcceptedMetrics.limit)
    }
}
