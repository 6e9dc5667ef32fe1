// SPDX-License-Identifier: Apache-2.0

import Configuration
import ControlAPI
import Logging
import NetworkTypes
import PathHealth
import SystemIO
import Telemetry
import Tunnel

/// The IPsec paths: what charon is to keep, and what comes of it.
extension Agent {
    /// How often the tunnels are looked at, beside what events tell.
    private static let ikeInterval = Duration.seconds(1)

    /// Looks at the IPsec tunnels for as long as the agent runs.
    func watchIKE() {
        lookAtIKE()
        loop.schedule(after: Self.ikeInterval) { [weak self] in self?.watchIKE() }
    }

    private func lookAtIKE() {
        guard !isEnding, !kernelWork.isOver else { return }
        followIKE()
        let tunnels = desired.paths.filter { $0.ipsec != nil }
        guard let ike, !tunnels.isEmpty else { return }
        var pulses: [PathName: IKEControl.Pulse] = [:]
        for path in tunnels.map(\.name) where core.condition(of: path) == .ready {
            pulses[path] = pulse(of: path)
        }
        let facts = reconciler.security(of: tunnels)
        count(facts)
        let left = ike.look(facts, pulses)
        guard !left.isEmpty else { return }
        log.notice("IPsec: \(left.count) associations of a charon that is no more are taken away")
        reconciler.remove(left)
    }

    private func pulse(of path: PathName) -> IKEControl.Pulse? {
        switch core.verdict(of: path)?.verdict {
        case .up, .degraded, .drained: .lives
        // What is asked by the tunnel is answered, though by another: the other end has its keys.
        case .down: core.detour(of: path) == nil ? .dead : .lives
        case .starting, .unknown, nil: nil
        }
    }

    /// Has charon keep the tunnels of the file, from and to the addresses that they have now.
    func followIKE() {
        let reserved = ReservedNumbers(site.reserve)
        let keyExchanges = ike?.keyExchanges ?? CharonKeyExchanges()
        let wishes = site.paths.compactMap { path -> (PathName, IKEWish)? in
            let remote = endpoints.book.endpoint(of: EndpointBook.Peer(path: path.name, key: nil))?.address
            let before = ike?.tunnels[path.name]?.wish.connection.localAddresses.first
            guard let underlay = path.underlay?.interface, let remote else { return nil }
            let terms = IKEWishes.Terms(
                path: path,
                slot: saved.pathSlots[path.name.text] ?? 0,
                source: reconciler.source(on: underlay, for: remote, preferring: before),
                remote: remote,
                isOneOfSeveral: site.sharesIdentities(path),
                reserved: reserved,
                keyExchanges: keyExchanges
            )
            return ikeWishes.wish(terms).map { (path.name, $0) }
        }
        let paths = Set(site.paths.filter { $0.ipsec != nil }.map(\.name))
        ike?.follow(Dictionary(wishes) { first, _ in first }, of: paths, socket: site.charonSocket)
    }

    /// Takes what charon said.
    func ikeChanged() {
        if saved.ikeTerms != ike?.loaded {
            saved.ikeTerms = ike?.loaded
            save()
        }
        for path in site.paths where path.ipsec != nil {
            let wasUnkept = core.drained(path.name) == .charonAbsent
            if wasUnkept != isUnkept(path.name), !isDrained(path.name) { tellWhetherDrained(path.name) }
            // Whether it carries, the kernel says; charon only why not.
            if paths[path.name]?.condition == .unusable(.noAssociation), core.condition(of: path.name) != .ready {
                observe(.condition(path.name, refined(.unusable(.noAssociation), of: path.name)))
            }
        }
    }

    /// What is the matter with a path, in the words of whoever knows best: of a tunnel without associations charon does.
    func refined(_ condition: PathCondition, of path: PathName) -> PathCondition {
        guard condition == .unusable(.noAssociation) else { return condition }
        guard let tunnel = ike?.tunnels[path] else {
            let host = site.paths.first { $0.name == path }?.ipsec?.remote.name
            return .unusable(host.map { .endpointUnknown($0) } ?? .noAssociation)
        }
        if ike?.absence != nil { return .unusable(.charonAbsent) }
        if let refusal = tunnel.refusal { return .unusable(.refused(refusal)) }
        return .unusable(tunnel.failure.map { .negotiationFailed($0) } ?? .negotiating)
    }

    /// Whether an established tunnel goes on without anybody who would renew its keys.
    func isUnkept(_ path: PathName) -> Bool {
        guard let tunnel = ike?.tunnels[path] else { return false }
        return ike?.absence != nil || tunnel.isOrphaned
    }

    /// A path's tunnel, as status has it.
    func ipsecReport(_ path: PathConfiguration) -> StatusReport.Path.IPsec? {
        guard let configuration = path.ipsec else { return nil }
        let tunnel = ike?.tunnels[path.name]
        let association = tunnel?.association
        let child = association?.children.first { $0.state == .installed } ?? association?.children.first
        let now = clock.wallNanoseconds / 1_000_000_000
        return StatusReport.Path.IPsec(
            charon: ike?.version.map { "\($0.daemon) \($0.version)" },
            state: association?.state.rawValue,
            childState: child?.state.rawValue,
            local: association?.local.endpoint,
            remote: association?.remote.endpoint,
            remoteID: association.map(\.remote.identity),
            algorithms: association?.algorithms.text,
            childAlgorithms: child?.algorithms.text,
            establishedSeconds: association?.establishedSeconds,
            rekeySeconds: child?.rekeySeconds,
            isEncapsulated: child?.isEncapsulated ?? false,
            failure: tunnel?.failure?.description ?? tunnel?.refusal,
            certificateDaysLeft: tunnel?.wish.certificates.first?.daysLeft(at: now),
            peerCertificateDaysLeft: ike?.shown[path.name]?.daysLeft(at: now),
            provenSeconds: tunnel?.provenAt.map { Int((loop.now - $0).components.seconds) },
            replacement: tunnel?.replacement.map { replacement in
                replacement.reason + (replacement.failure.map { "; the last attempt failed: \($0)" } ?? "")
            },
            packets: packetReport(path.name),
            quantumProtection: association.flatMap { association in
                guard association.establishedSeconds != nil else { return nil }
                return .init(
                    keyExchanges: association.algorithms.keyExchanges,
                    hasPostQuantumKey: association.hasPostQuantumKey,
                    of: configuration,
                    charon: ike?.version,
                    ike?.keyExchanges ?? CharonKeyExchanges()
                )
            }
        )
    }

    var ikeWarnings: [String] {
        guard site.paths.contains(where: { $0.ipsec != nil }) else { return [] }
        var warnings =
            ike?.absence.map { ["IPsec: \($0.error): systemctl start strongswan, or name its socket in 'ipsec'"] } ?? []
        warnings += narrowedTunnels + ikeCertificateWarnings
        for path in site.paths {
            guard let replacement = ike?.tunnels[path.name]?.replacement, let failure = replacement.failure else {
                continue
            }
            warnings.append(
                "\(path.name): another tunnel is to take the place of the one that stands, since \(replacement.reason), "
                    + "and fails: \(failure)"
            )
        }
        return warnings
    }

    /// What the other end lets through may be less than was asked for, and the tunnel stands all the same (RFC 7296 section
    /// 2.9).
    private var narrowedTunnels: [String] {
        site.paths.compactMap { path in
            guard let wanted = ike?.tunnels[path.name]?.wish.connection.children.first?.remoteSelectors,
                let child = ike?.tunnels[path.name]?.association?.children.first(where: { $0.state == .installed })
            else { return nil }
            let granted = child.remoteSelectors.compactMap { IPPrefix($0) }
            let networks = site.networks.filter { $0.paths.contains(path.name) }.flatMap(\.prefixes)
            let lost = networks.filter { prefix in
                wanted.contains { $0.contains(prefix) } && !granted.contains { $0.contains(prefix) }
            }
            guard let first = lost.first else { return nil }
            return "\(path.name): the gateway does not let \(first) through: of what was asked for it granted "
                + "\(child.remoteSelectors.joined(separator: ", ")) (its traffic selectors)"
        }
    }

    func addIKE(to page: inout Exposition) {
        let tunnels = site.paths.filter { $0.ipsec != nil }.map(\.name)
        guard let ike, !tunnels.isEmpty else { return }
        page.add("pnetd_charon_up", .gauge, "Whether charon answers.", [.init(ike.isConnected ? 1 : 0)])
        page.add(
            "pnetd_charon_losses_total",
            .counter,
            "How often charon went away.",
            [.init(Double(ike.counts.losses))]
        )
        let counts: [(String, String, [PathName: UInt64])] = [
            ("pnetd_ipsec_negotiations_total", "Attempts to negotiate an IPsec tunnel.", ike.counts.negotiations),
            ("pnetd_ipsec_failures_total", "Those of them that failed.", ike.counts.failures),
            (
                "pnetd_ipsec_renewals_total", "How often a tunnel was ended and begun anew.", ike.counts.renewals
            ),
            (
                "pnetd_ipsec_replacements_total", "How often another tunnel took the place of one that stood.",
                ike.counts.replacements
            ),
        ]
        for (name, help, count) in counts {
            page.add(name, .counter, help, tunnels.map { .init(Double(count[$0] ?? 0), ("path", $0.text)) })
        }
        page.add(
            "pnetd_ipsec_replacement_pending",
            .gauge,
            "Whether another tunnel is to take the place of the one that stands, and none did yet.",
            tunnels.map { .init(ike.tunnels[$0]?.replacement == nil ? 0 : 1, ("path", $0.text)) }
        )
        addIKECertificates(to: &page)
    }
}

extension IPsecAlgorithms {
    fileprivate var keyExchanges: [String] { [keyExchange].compactMap(\.self) + additionalKeyExchanges }

    /// In short, as charon names them: `AES_GCM_16-256/PRF_HMAC_SHA2_384/ECP_384`.
    fileprivate var text: String? {
        let parts =
            [
                encryption.map { $0 + (encryptionKeySize.map { "-\($0)" } ?? "") }, integrity, pseudoRandomFunction,
            ].compactMap(\.self) + keyExchanges
        return parts.isEmpty ? nil : parts.joined(separator: "/")
    }
}

extension SiteConfiguration {
    /// Whether a path's IPsec tunnel is one of several between the same identities.
    fileprivate func sharesIdentities(_ path: PathConfiguration) -> Bool {
        guard let tunnel = path.ipsec else { return false }
        return paths.contains { other in
            other.name != path.name && other.ipsec.map(tunnel.isBetweenTheSame) ?? false
        }
    }
}
