// SPDX-License-Identifier: Apache-2.0

import Configuration
import ControlAPI
import Logging
import NetworkTypes
import ProcessLink
import SystemIO
import Telemetry
import Tunnel

/// Names over TLS: the frontend speaks it, the resolver answers and asks, and the agent joins the two.
struct EncryptedNamesWork {
    /// What the frontend said of the servers that it asks.
    var reports: [Upstream: UpstreamReport] = [:]
    /// How many of the resolver's threads have a socket to the frontend; nil while the two are not joined.
    var joined: Int?
}

extension Agent {
    /// What the frontend is told.
    private var namesOverTLS: NamesOverTLS {
        let servers = (site.resolver?.upstreams ?? []).compactMap { server in
            server.terms.map {
                NamesOverTLS.Server(server.upstream, name: $0.name, path: $0.path, roots: $0.roots)
            }
        }
        return NamesOverTLS(servers: servers, identity: site.resolver?.tls?.identity)
    }

    /// Where clients are told to find the resolver over TLS (RFC 9462).
    var designation: ResolverSnapshot.Designation? {
        guard let service = site.resolver?.tls, let port = service.listen.first?.port else { return nil }
        // One record has one port, and an address that stands for all of this host's is no address to go to.
        let addresses = service.listen.filter { $0.port == port && $0.address.bits != 0 }.map(\.address)
        return ResolverSnapshot.Designation(name: service.name, port: port, addresses: addresses)
    }

    /// Tells a frontend by which terms it speaks TLS.
    func sendNamesOverTLS() {
        let terms = namesOverTLS
        encryptedNames.reports = encryptedNames.reports.filter { upstream, _ in
            terms.servers.contains { $0.upstream == upstream }
        }
        processes.send(.namesOverTLS(terms), to: .frontend)
    }

    /// Gives each of the resolver's threads a socket to the frontend, where both are there and one has need of the other.
    ///
    /// - Parameter anew: one of them has lost what it had.
    func joinNames(anew: Bool) {
        guard let resolver = site.resolver, processes.isConnected(.resolver), processes.isConnected(.frontend),
            resolver.tls != nil || resolver.upstreams.contains(where: { $0.terms != nil })
        else { return }
        guard anew || encryptedNames.joined != resolver.workers else { return }
        do {
            var ends: (resolver: [Int32], frontend: [Int32]) = ([], [])
            // Copies travel; these go in any case.
            defer { for end in ends.resolver + ends.frontend { _ = FileDescriptor(owning: end) } }
            for _ in 0..<resolver.workers {
                let pair = try UnixPair()
                let (one, other) = pair.release()
                ends.resolver.append(one)
                ends.frontend.append(other)
            }
            // The frontend first: who is asked at once is there.
            processes.send(.relay, to: .frontend, with: ends.frontend)
            processes.send(.relay, to: .resolver, with: ends.resolver)
            encryptedNames.joined = resolver.workers
        } catch {
            log.error("names over TLS: \(error)")
        }
    }

    /// Takes what the frontend says of the servers that it asks; of others it has nothing to say.
    func took(_ reports: [UpstreamReport]) {
        let known = Set((site.resolver?.upstreams ?? []).filter { $0.terms != nil }.map(\.upstream))
        for report in reports where known.contains(report.upstream) {
            let before = encryptedNames.reports.updateValue(report, forKey: report.upstream)
            guard before?.problem != report.problem else { continue }
            if let problem = report.problem {
                log.warning("upstream \(report.upstream.endpoint) cannot be asked: \(words(problem))")
            } else if before?.problem != nil {
                log.notice("upstream \(report.upstream.endpoint) can be asked again")
            }
        }
    }

    /// The servers that cannot be asked over TLS now, and why.
    var encryptedNamesWarnings: [String] {
        guard let resolver = site.resolver else { return [] }
        var warnings = serviceWarnings
        let secured = resolver.upstreams.filter { $0.terms != nil }
        if !processes.isConnected(.frontend), !secured.isEmpty || resolver.tls != nil {
            warnings.append("names over TLS: pnetd-frontend is not connected")
        }
        for server in secured {
            guard let problem = encryptedNames.reports[server.upstream]?.problem, let terms = server.terms else {
                continue
            }
            let name = terms.name.withoutRootDot
            warnings.append("upstream \(server.upstream.endpoint) (\(name)) cannot be asked: \(words(problem))")
        }
        return warnings
    }

    private var serviceWarnings: [String] {
        guard let service = site.resolver?.tls else { return [] }
        guard service.identity.fits else {
            return ["clients are not served over TLS: certificate-file and private-key-file do not belong together"]
        }
        guard let facts = try? CertificateFacts(Array(service.identity.certificates.utf8)),
            Double(facts.notAfter) - Double(clock.wallNanoseconds) / 1e9 < 14 * 86_400
        else { return [] }
        return ["clients over TLS are shown a certificate that \(validity(facts.notAfter))"]
    }

    private func words(_ failure: UpstreamFailure) -> String {
        switch failure {
        case .unreachable: "nobody takes a connection there"
        case .silent: "it does not answer in time"
        case .declined: "it ended the handshake"
        case .untrusted: "its certificate leads to no authority that is trusted (name its own in ca-file)"
        case .wrongName: "its certificate is of another name (see server-name)"
        case .expired: "its certificate has expired"
        case .notYetValid: "its certificate is not valid yet (is this host's clock right?)"
        case .wrongProtocol: "it speaks TLS, but not what is asked for (see protocol and port)"
        case .unable: "the certificates in its ca-file are of no use"
        }
    }

    /// The connections to servers that are asked over TLS.
    func addEncryptedNames(to page: inout Exposition) {
        let reports = encryptedNames.reports.values.sorted { "\($0.upstream.endpoint)" < "\($1.upstream.endpoint)" }
        page.add(
            "pnetd_dns_upstream_connections_total",
            .counter,
            "Connections over TLS to upstreams.",
            reports.map { .init(Double($0.connections), labels: $0.labels) }
        )
        page.add(
            "pnetd_dns_upstream_handshake_failures_total",
            .counter,
            "Connections over TLS to upstreams that did not come about, by why.",
            reports.flatMap { report in
                UpstreamFailure.allCases.compactMap { reason in
                    report.failures[reason].map {
                        .init(Double($0), labels: report.labels + [("reason", reason.rawValue)])
                    }
                }
            }
        )
    }
}

extension ClientIdentity {
    /// Whether the key is the certificate's.
    var fits: Bool { CertificateFacts.fits(Array(certificates.utf8), privateKey: privateKey) }
}

extension UpstreamReport {
    fileprivate var labels: [(name: String, value: String)] {
        [("server", "\(upstream.endpoint)"), ("protocol", upstream.encryption?.rawValue ?? "plain")]
    }
}
