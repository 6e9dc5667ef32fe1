// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// All that pnetd knows of its site at one moment: the answer to `status`, and what `pnetctl status --json` prints.
///
/// Keys may be added, never renamed. Every key is always there; what is not known, or does not apply, is null.
/// Times are RFC 3339 in UTC.
///
/// ```json
/// {"site":"plant-7","version":"0.1.0","state":"up","generation":12,
///  "paths":[{"name":"vpn-a","kind":"wireguard","implementation":"kernel","interface":"pn-a","underlay":"eth0",
///    "endpoint":"192.0.2.10:51820","endpointName":"gw-a.example.net:51820","verdict":"up",
///    "since":"2026-01-01T00:00:00Z","reasons":[],"mtu":1420,"handshakeAgeSeconds":12,"rxBytes":1,"txBytes":1,"lastError":null,
///    "bfd":{"peer":"10.99.0.1","state":"up","remoteState":"up","since":"2026-01-01T00:00:00Z","diagnostic":"no diagnostic",
///      "remoteDiagnostic":"no diagnostic","detectionMs":900.0,"authentication":null,"refused":[]},
///    "stamp":{"peer":"10.99.0.1:862","state":"answering","sent":900,"answered":890,"rttMs":20.1,
///      "there":{"lossRatio":0.01,"variationMs":0.2,"delayMs":null},"back":{"lossRatio":0.0,"variationMs":0.3,"delayMs":null}},
///    "reflector":{"local":"10.99.0.2:862","sessions":1,"answered":900,"refused":0}}],
///  "networks":[{"name":"azure","state":"up","path":"vpn-a","since":"2026-01-01T00:00:00Z","switches":3,
///    "reasons":[],"prefixes":["10.20.0.0/16"],"zones":["plant.internal."],
///    "paths":[{"path":"vpn-a","verdict":"up","reasons":[],"rttMs":20.1,"jitterMs":0.4,"lossRatio":0.0,
///      "detectionMs":860.0,"silentTargets":[],"failingTargets":[]}]}],
///  "resolver":{"state":"up","queries":100},"frontend":{"state":"up"},
///  "xfrm":{"isCounted":true,"lastMinute":[{"counter":"XfrmInNoStates","packets":12,
///    "explanation":"the peer uses an SPI that we do not have: … (XfrmInNoStates, 12 packets)","isNotable":true}]},
///  "nameSets":[{"name":"azure-management","addresses":12}],
///  "warnings":[],
///  "foreignChanges":[{"time":"2026-01-01T00:00:00Z","object":"nexthop 7204","by":"ip (process 71)"}]}
/// ```
public struct StatusReport: Hashable, Sendable, Codable {
    /// The site's name.
    public var site: SiteName
    /// The version of the pnetd that answers.
    public var version: String
    /// The worst of all parts.
    public var state: SiteState
    /// The number of the newest decision.
    public var generation: UInt64
    /// Every path of the file, in its order.
    public var paths: [Path]
    /// Every network of the file, in its order.
    public var networks: [Network]
    /// The resolver; null where the file has none.
    @ExplicitNull public var resolver: Resolver?
    /// The process that speaks HTTP; null where the file needs none.
    @ExplicitNull public var frontend: Frontend?
    /// What the kernel's IPsec did not let through of late; null where no path is of IPsec.
    @ExplicitNull public var xfrm: XFRM?
    /// Every set of names of the file, in its order.
    public var nameSets: [NameSet]
    /// What does not stop pnetd but should be looked at.
    public var warnings: [String]
    /// What others changed of what is pnetd's, and was put right: the last ones, oldest first.
    public var foreignChanges: [ForeignChange]

    /// Makes a report; ``state`` follows from the parts.
    public init(
        site: SiteName,
        version: String,
        generation: UInt64,
        paths: [Path],
        networks: [Network],
        resolver: Resolver?,
        frontend: Frontend?,
        xfrm: XFRM? = nil,
        nameSets: [NameSet] = [],
        warnings: [String],
        foreignChanges: [ForeignChange] = []
    ) {
        self.site = site
        self.version = version
        self.generation = generation
        self.paths = paths
        self.networks = networks
        self.resolver = resolver
        self.frontend = frontend
        self.xfrm = xfrm
        self.nameSets = nameSets
        self.warnings = warnings
        self.foreignChanges = foreignChanges
        state = .up
        state = worst
    }

    /// A thing of pnetd's in the kernel that somebody else had changed or removed, and that was put right.
    public struct ForeignChange: Hashable, Sendable, Codable {
        /// When it was put right.
        public var time: String
        /// What it was, in words.
        public var object: String
        /// Who it was, as far as the kernel told.
        public var by: String

        /// Makes a note of a change.
        public init(time: String, object: String, by: String) {
            self.time = time
            self.object = object
            self.by = by
        }
    }

    /// A set of names whose addresses the firewall holds.
    public struct NameSet: Hashable, Sendable, Codable {
        /// The set's name.
        public var name: NameSetName
        /// How many addresses it holds now.
        public var addresses: Int

        /// Makes a report of a set.
        public init(name: NameSetName, addresses: Int) {
            self.name = name
            self.addresses = addresses
        }
    }

    /// The resolver's part of a report.
    public struct Resolver: Hashable, Sendable, Codable {
        /// Whether it answers.
        public var state: ServiceState
        /// Questions that it was asked since it began.
        public var queries: UInt64

        /// Makes the resolver's part.
        public init(state: ServiceState, queries: UInt64) {
            self.state = state
            self.queries = queries
        }
    }

    /// The frontend's part of a report.
    public struct Frontend: Hashable, Sendable, Codable {
        /// Whether it serves.
        public var state: ServiceState

        /// Makes the frontend's part.
        public init(state: ServiceState) {
            self.state = state
        }
    }
}
