// SPDX-License-Identifier: Apache-2.0

import Telemetry
import Testing

struct ExpositionTests {
    @Test func printsFamiliesAsPrometheusReadsThem() {
        var page = Exposition()
        page.add(
            "pnetd_path_up",
            .gauge,
            "Whether a path\ncarries traffic.",
            [.init(1, ("path", "vpn \"a\"\\")), .init(0.25)]
        )
        page.add("pnetd_nothing", .gauge, "Left out.", [])
        #expect(
            page.text == """
                # HELP pnetd_path_up Whether a path\\ncarries traffic.
                # TYPE pnetd_path_up gauge
                pnetd_path_up{path="vpn \\"a\\"\\\\"} 1
                pnetd_path_up 0.25

                """
        )
    }

    @Test func addsHistogramsUp() {
        var histogram = Histogram(bounds: [0.001, 0.1])
        for value in [0.0005, 0.05, 0.05, 7] { histogram.observe(value) }
        var page = Exposition()
        page.add("pnetd_effect_seconds", "How long.", [(("effect", "route"), histogram)])
        #expect(
            page.text == """
                # HELP pnetd_effect_seconds How long.
                # TYPE pnetd_effect_seconds histogram
                pnetd_effect_seconds_bucket{effect="route",le="0.001"} 1
                pnetd_effect_seconds_bucket{effect="route",le="0.1"} 3
                pnetd_effect_seconds_bucket{effect="route",le="+Inf"} 4
                pnetd_effect_seconds_sum{effect="route"} 7.1005
                pnetd_effect_seconds_count{effect="route"} 4

                """
        )
    }
}
