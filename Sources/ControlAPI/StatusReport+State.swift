// SPDX-License-Identifier: Apache-2.0

extension StatusReport {
    /// What the evidence says of a path, or of a network through a path.
    public enum Verdict: String, Hashable, Sendable, Codable, CaseIterable {
        /// Too little is known yet.
        case starting
        case up
        case degraded
        case down
        /// The probes cannot be trusted.
        case unknown
        /// Taken out by hand.
        case drained
    }

    /// The state of one end of a BFD session (RFC 5880 section 4.1).
    public enum BFDState: String, Hashable, Sendable, Codable, CaseIterable {
        /// Taken out by hand.
        case adminDown = "admin-down"
        case down
        /// The far end is heard; whether it hears us is not known yet.
        case `init`
        case up
    }

    /// What was decided for a network.
    public enum NetworkState: String, Hashable, Sendable, Codable, CaseIterable {
        /// Nothing was decided yet; the guard holds.
        case starting
        case up
        /// Up on a path that is degraded.
        case degraded
        /// No path is good; nothing passes, names are not answered.
        case blocked
        /// No path is good; names are answered publicly because the file says so.
        case `public`
    }

    /// Whether one of pnetd's own processes does its work.
    public enum ServiceState: String, Hashable, Sendable, Codable, CaseIterable {
        case starting
        case up
        case down
    }

    /// The state of a site, better before worse.
    public enum SiteState: String, Hashable, Sendable, Codable, CaseIterable, Comparable {
        /// All is well, spare paths included.
        case up
        /// Everything that must be reached is reached, or will be soon, but not as the file wants it.
        case degraded
        /// A network is blocked, or names are not answered.
        case down

        /// Better before worse.
        public static func < (left: Self, right: Self) -> Bool {
            left.exitCode < right.exitCode
        }

        /// What `pnetctl status` exits with: 0, 1, 2, as monitoring plugins do.
        public var exitCode: Int32 {
            switch self {
            case .up: 0
            case .degraded: 1
            case .down: 2
            }
        }
    }

    /// What `pnetctl status` exits with where no pnetd answers.
    public static let exitCodeWithoutDaemon: Int32 = 3

    /// What `pnetctl status` exits with: 0 all is well, 1 degraded, 2 down.
    public var exitCode: Int32 { state.exitCode }

    /// The worst of all parts.
    ///
    /// A spare path that is down makes the site degraded: nobody notices it otherwise until the other one fails.
    var worst: SiteState {
        let parts =
            networks.map(\.state.forSite) + networks.flatMap(\.paths).map(\.verdict.forSite)
            + paths.map(\.verdict.forSite)
            + [resolver?.state.forSite, frontend.map { min($0.state.forSite, .degraded) }]
            .compactMap { $0 }
        return parts.max() ?? .up
    }
}

extension StatusReport.NetworkState {
    fileprivate var forSite: StatusReport.SiteState {
        switch self {
        case .up: .up
        case .starting, .degraded, .public: .degraded
        case .blocked: .down
        }
    }
}

extension StatusReport.Verdict {
    /// A path that was drained is as its owner wants it.
    fileprivate var forSite: StatusReport.SiteState {
        switch self {
        case .up, .drained: .up
        case .starting, .degraded, .down, .unknown: .degraded
        }
    }
}

extension StatusReport.ServiceState {
    fileprivate var forSite: StatusReport.SiteState {
        switch self {
        case .up: .up
        case .starting: .degraded
        case .down: .down
        }
    }
}
