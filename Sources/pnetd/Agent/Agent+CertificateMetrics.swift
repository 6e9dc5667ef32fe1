// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import Telemetry

extension Agent {
    /// When certificates end, ours and those of others.
    func addCertificates(to page: inout Exposition) {
        let seen = (probes?.tls.expiries ?? [:]).map { subject, expires in
            Exposition.Sample(
                Double(expires),
                labels: [("path", subject.path.text)] + TLSProbes.Place(subject).certificateLabels
            )
        }
        page.add(
            "pnetd_target_certificate_expiry_seconds",
            .gauge,
            "When the certificate ends that a TLS target showed last, in seconds since 1970.",
            Self.earliest(of: seen)
        )
        let shown = (probes?.tls.identityExpiries ?? [:]).map { place, expires in
            Exposition.Sample(Double(expires), labels: place.certificateLabels)
        }
        page.add(
            "pnetd_identity_certificate_expiry_seconds",
            .gauge,
            "When the certificate ends that a TLS target is shown, in seconds since 1970.",
            Self.earliest(of: shown)
        )
    }

    /// One server may be asked for several things, and is one series all the same.
    private static func earliest(of samples: [Exposition.Sample]) -> [Exposition.Sample] {
        let same = Dictionary(grouping: samples) { $0.labels.map(\.value) }
        return same.sorted { $0.key.lexicographicallyPrecedes($1.key) }.compactMap { $1.min { $0.value < $1.value } }
    }
}

extension TLSProbes.Place {
    fileprivate var certificateLabels: [(name: String, value: String)] {
        switch target {
        case .tls(let endpoint, let name, _), .https(let endpoint, let name, _, _):
            [("network", network.text), ("target", "\(endpoint)"), ("name", name.withoutRootDot)]
        case .icmp, .tcp, .dns: [("network", network.text), ("target", "\(target)")]
        }
    }
}
