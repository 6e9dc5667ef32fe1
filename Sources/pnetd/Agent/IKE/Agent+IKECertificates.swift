// SPDX-License-Identifier: Apache-2.0

import Configuration
import NetworkTypes
import SystemIO
import Telemetry
import Tunnel

/// How long the certificates of IPsec paths last, and the lists of what was revoked.
extension Agent {
    /// So many days before a certificate ends it is time to see to another.
    private static let notice = 14

    /// Somebody's certificates on a path.
    private struct Holder {
        let path: PathName
        /// The value of a metric's label.
        let label: String
        let words: String
        let certificates: [CertificateFacts]
    }

    private var holders: [Holder] {
        site.paths.flatMap { path -> [Holder] in
            guard let wish = ike?.tunnels[path.name]?.wish else { return [] }
            let shown = ike?.shown[path.name].map { [$0] } ?? []
            return [
                Holder(path: path.name, label: "own", words: "its certificate", certificates: wish.certificates),
                Holder(path: path.name, label: "peer", words: "the other end's certificate", certificates: shown),
                Holder(path: path.name, label: "authority", words: "its authority", certificates: wish.authorities),
            ]
        }
    }

    var ikeCertificateWarnings: [String] {
        let now = clock.wallNanoseconds / 1_000_000_000
        var warnings = holders.flatMap { holder in
            holder.certificates.compactMap { certificate -> String? in
                let name = "\(holder.path): \(holder.words) '\(certificate.subject)'"
                let days = certificate.daysLeft(at: now)
                if certificate.notBefore > now { return "\(name) is not valid yet (or this host's clock is wrong)" }
                if days < 0 { return "\(name) expired \(-days) days ago" }
                return days < Self.notice ? "\(name) expires in \(days) days" : nil
            }
        }
        for path in site.paths {
            guard let wish = ike?.tunnels[path.name]?.wish else { continue }
            warnings += wish.faults.map { "\(path.name): \($0)" }
            for list in wish.revocationLists {
                for own in wish.certificates where list.revokes(own) {
                    warnings.append(
                        "\(path.name): its own certificate '\(own.subject)' was revoked: it needs another one"
                    )
                }
                if list.isStale(at: now) {
                    warnings.append(
                        "\(path.name): its list of what \(list.issuer) revoked is out of date: have a newer one put in its file"
                    )
                }
            }
        }
        return warnings
    }

    func addIKECertificates(to page: inout Exposition) {
        let now = clock.wallNanoseconds / 1_000_000_000
        page.add(
            "pnetd_ipsec_certificate_days",
            .gauge,
            "Days that the first of an end's certificates to end is still valid.",
            holders.compactMap { holder in
                holder.certificates.map { $0.daysLeft(at: now) }.min().map {
                    .init(Double($0), ("path", holder.path.text), ("whose", holder.label))
                }
            }
        )
        page.add(
            "pnetd_ipsec_revocation_list_seconds",
            .gauge,
            "Seconds until the next list of revoked certificates is due; negative once it is late.",
            site.paths.compactMap { path in
                ike?.tunnels[path.name]?.wish.revocationLists.compactMap(\.nextUpdate).min().map {
                    .init(Double($0 - now), ("path", path.name.text))
                }
            }
        )
    }
}
