// SPDX-License-Identifier: Apache-2.0

import Configuration
import ControlAPI
import NetworkTypes
import PathHealth
import ProcessLink
import SystemIO
import Tunnel

/// What a warning is about: the label of `pnetd_warnings`.
enum WarningKind: String, CaseIterable {
    /// Something odd in the file.
    case file
    /// A file, or a key, that is in force on trial, or was taken back.
    case trial
    /// An address that cannot be listened on.
    case listener
    /// What the kernel refused.
    case kernel
    /// Flows that should have been cut.
    case flows
    /// Networks, addresses and ways of the host that hinder a path.
    case hindrance
    /// What somebody else changes again and again.
    case dispute
    /// What somebody else has among pnetd's reserved numbers.
    case collision
    /// What is asked before pnetd's rules.
    case precedence
    /// Settings of the host.
    case setting
    /// What cannot be promised of a path's detection.
    case promise
    /// Drills that failed, or go on.
    case drill
    /// Paths that carry less than their interfaces take.
    case mtu
    /// BFD sessions that never came up.
    case bfd
    /// IPsec tunnels that nobody keeps, certificates that end, and packets that tunnels refuse.
    case ipsec
    /// This host's own TCP connections that wait in vain though targets answer, or that are too many to look at.
    case connections
    /// STAMP sessions that were never answered.
    case stamp
    /// Names that cannot be found.
    case endpoint
    /// What keeps this host's own names from the resolver, or from where they came; servers that cannot be asked over TLS;
    /// names that are about to lead elsewhere, and addresses that no path leads to.
    case names
    /// Answers of which something was left out, names that are validated again, and addresses that the firewall does not
    /// hold.
    case answers
    /// Paths that the kernel does not carry itself.
    case userspace
    /// The host's clock.
    case clock
    /// The guard is not as safe as it could be, or was missing.
    case `guard`
    /// What could not be written down.
    case state
    /// Processes that may be in a stranger's hands.
    case process
    /// Certificates of ours that end soon, and others that came and cannot be taken.
    case identity
    /// Alerts that were lost.
    case alert
}

extension Agent {
    /// All that is wrong, or may become so, and that no verdict says: in the words of `pnetctl status`.
    var warnings: [(kind: WarningKind, texts: [String])] {
        [
            (.file, inForce.warnings.map(\.description)),
            (.trial, trialWarnings + rotationWarnings),
            (.listener, listenerProblems.map { "cannot listen: \($0)" }),
            (.kernel, failures),
            (.flows, flowProblems.values.sorted()),
            (.hindrance, hindrances),
            (.dispute, kernelWork.foreign.disputes),
            (.collision, collisions.map { "\($0) (move the 'reserve' section, or the other)" }),
            (.precedence, precedences),
            (.setting, hostWarnings),
            (.promise, promiseWarnings),
            (.drill, drillWarnings),
            (.mtu, mtuWarnings),
            (.bfd, bfdWarnings),
            (.ipsec, ikeWarnings + refusalWarnings),
            (.connections, connectionWarnings),
            (.stamp, stampWarnings),
            (.endpoint, endpointWarnings),
            (.names, hostNamesWarnings + encryptedNamesWarnings + nameMoveWarnings + unroutedWarnings),
            (.answers, answerWarnings + endedTrustWarnings + nameSetWarnings),
            (.userspace, userspaceWarnings),
            (.clock, site.paths.compactMap { clockWatch.warning(of: $0.name, wallNanoseconds: clock.wallNanoseconds) }),
            (.guard, guardWarnings),
            (.state, saveProblems.values.sorted()),
            (.process, processWarnings + handshakeWarnings),
            (.identity, identityWarnings + (credentialProblem.map { [$0] } ?? [])),
            (.alert, saved.alerts.lost > 0 ? ["\(saved.alerts.lost) alerts were lost: too many waited"] : []),
        ]
    }

    private var promiseWarnings: [String] {
        core.report.flatMap { network in
            network.paths.filter(\.verdict.isUsable).compactMap { path in
                path.outlook?.shortfall.map { "\(network.decision.network) by \(path.path): \($0)" }
            }
        }
    }

    /// Negative trust anchors that ended since the file was read; what had ended before is among the file's own warnings.
    private var endedTrustWarnings: [String] {
        let texts = (site.resolver?.validation?.negative ?? []).compactMap {
            $0.warning(at: clock.wallNanoseconds / 1_000_000_000)
        }
        return texts.filter { text in !inForce.warnings.contains { $0.description.contains(text) } }
    }

    private var userspaceWarnings: [String] {
        site.paths.filter { paths[$0.name]?.implementation == .userspace }.map {
            "\($0.name): this kernel has no WireGuard; wireguard-go carries the path in userspace"
        }
    }

    private var guardWarnings: [String] {
        let isOpen =
            "this kernel (before 6.9) lets other programs flush the guard table; pnetd puts it back when they do"
        return (guardIsOwned ? [] : [isOpen]) + (kernelWork.guardWasMissing ? [Self.guardWasMissing] : [])
    }

    private var handshakeWarnings: [String] {
        guard core.hasHandshakes else {
            return site.tlsTargets.keys.map {
                "\($0.network): \($0.target) is not asked: pnetd-frontend is not connected"
            }
            .sorted()
        }
        return core.report.flatMap { network in
            network.paths.flatMap { path in
                path.targets.filter(\.isUnknown).map { target in
                    let name = network.decision.network
                    let subject = ProbeSubject(network: name, path: path.path, target: target.target)
                    let why = probes?.tls.unable[subject] ?? "no outcome came of late"
                    return "\(name): \(target.target) counts neither way on \(path.path): \(why)"
                }
            }
        }
    }

    /// Certificates of ours that end within two weeks.
    private var identityWarnings: [String] {
        (probes?.tls.identityExpiries ?? [:]).compactMap { place, expires in
            guard Double(expires) - Double(clock.wallNanoseconds) / 1e9 < 14 * 86_400 else { return nil }
            return "\(place.network): \(place.target) is shown a certificate that \(validity(expires))"
        }.sorted()
    }

    private var processWarnings: [String] {
        processes.offences.sorted { $0.key.rawValue < $1.key.rawValue }.map { role, count in
            "\(role) was cut off \(count) times for what it said to the agent; it may be taken over"
        }
    }
}
