// SPDX-License-Identifier: Apache-2.0

import Configuration
import ControlAPI
import NetworkTypes
import PathHealth
import Telemetry
import Tunnel

extension Agent {
    /// How long a session may take to come up for the first time before somebody should look at it.
    private static let bfdPatience = Duration.seconds(10)

    /// Takes our end of a path's BFD session out by hand, or gives it back, as a drain of the path does: the far end is told
    /// (AdminDown) and can leave the path as well. A path without a session is left alone.
    func setSessionAdminDown(_ isDown: Bool, of path: PathName) {
        bfd?.setAdminDown(isDown, of: path)
    }

    /// A path's session, as status has it.
    func sessionReport(_ path: PathName) -> StatusReport.Path.BFD? {
        bfd?.endpoint(of: path).map { endpoint in
            endpoint.inspect { session in
                StatusReport.Path.BFD(
                    peer: session.peer,
                    state: StatusReport.BFDState(session.state),
                    remoteState: StatusReport.BFDState(session.remoteState),
                    since: time(session.since),
                    diagnostic: session.diagnostic.description,
                    remoteDiagnostic: session.remoteDiagnostic.description,
                    detectionMs: session.detectionTime.map { $0.inSeconds * 1e3 },
                    authentication: session.parameters.key?.description,
                    refused: endpoint.refusals
                )
            }
        }
    }

    var bfdWarnings: [String] {
        site.paths.compactMap { path in
            guard let session = path.bfd, paths[path.name]?.condition == .ready,
                let silence = bfd?.silence(of: path.name), silence > Self.bfdPatience,
                let place = bfd?.endpoint(of: path.name)?.place
            else { return nil }
            return "\(path.name): BFD with \(session.peer) never came up, so it says nothing of the path "
                + "(does the far end have a session with \(place.local), and let UDP port "
                + "\(session.minimumTTL == nil ? 3784 : 4784) in?)" + discarded(path.name)
        }
    }

    /// What came from the far end, or from whoever passes for it, and did not count.
    private func discarded(_ path: PathName) -> String {
        let refusals = bfd?.endpoint(of: path)?.refusals ?? []
        return refusals.isEmpty ? "" : "; discarded: " + refusals.joined(separator: ", ")
    }

    func addBFD(to page: inout Exposition) {
        let endpoints = site.paths.compactMap { path in bfd?.endpoint(of: path.name).map { (path.name, $0) } }
        page.add(
            "pnetd_bfd_state",
            .gauge,
            "1 for the state that a path's BFD session is in, 0 for the others.",
            endpoints.flatMap { path, endpoint in
                StatusReport.BFDState.allCases.map { state in
                    let isIn = StatusReport.BFDState(endpoint.inspect { $0.state }) == state
                    return .init(isIn ? 1 : 0, ("path", path.text), ("state", state.rawValue))
                }
            }
        )
        page.add(
            "pnetd_bfd_detection_seconds",
            .gauge,
            "From the last BFD packet to the conclusion that the far end is not heard.",
            endpoints.compactMap { path, endpoint in
                endpoint.inspect { $0.detectionTime }.map { .init($0.inSeconds, ("path", path.text)) }
            }
        )
        let counts: [(String, String, (BFDEndpoint) -> UInt64)] = [
            (
                "pnetd_bfd_ups_total", "How often a path's BFD session went Up.",
                { $0.inspect { session in session.ups } }
            ),
            (
                "pnetd_bfd_downs_total", "How often a path's BFD session left Up.",
                { $0.inspect { session in session.downs } }
            ),
            ("pnetd_bfd_packets_sent_total", "BFD packets that left.", \.counts.sent),
            ("pnetd_bfd_packets_unsendable_total", "BFD packets that could not leave.", \.counts.unsendable),
            ("pnetd_bfd_packets_received_total", "BFD packets that were taken.", \.counts.received),
        ]
        for (name, help, count) in counts {
            page.add(name, .counter, help, endpoints.map { .init(Double(count($0.1)), ("path", $0.0.text)) })
        }
        page.add(
            "pnetd_bfd_packets_refused_total",
            .counter,
            "BFD packets that were discarded, by the rule that they broke (RFC 5880 section 6.8.6).",
            endpoints.flatMap { path, endpoint in
                BFDRefusal.allCases.map {
                    .init(Double(endpoint.counts.refused[$0] ?? 0), ("path", path.text), ("reason", $0.rawValue))
                }
            }
        )
    }
}

extension BFDEndpoint {
    /// The packets that were discarded, by what was wrong with them; the least frequent last.
    fileprivate var refusals: [String] {
        counts.refused.sorted { ($1.value, $0.key.rawValue) < ($0.value, $1.key.rawValue) }
            .map { $0.key.description(count: $0.value) }
    }
}

extension StatusReport.BFDState {
    init(_ state: BFDState) {
        switch state {
        case .adminDown: self = .adminDown
        case .down: self = .down
        case .`init`: self = .`init`
        case .up: self = .up
        }
    }
}
