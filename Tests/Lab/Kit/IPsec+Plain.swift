// SPDX-License-Identifier: Apache-2.0

import SystemIO

/// IPsec without pnetd: strongSwan alone at the site, to show what the lab can do and for comparisons.
extension IPsec {
    /// Raises the site's interface, leads the cloud's prefixes there and has charon know the connection, with further
    /// settings as swanctl.conf(5) writes them; nothing is begun yet.
    public func raiseSite(_ more: String = "") throws {
        try lab.site.ip(
            """
            link add \(Self.interface) type xfrm dev \(path.underlay.underlay) if_id \(Self.siteInterfaceID)
            link set \(Self.interface) up
            \(Self.siteAddresses.map { "address add \($0) dev \(Self.interface)" }.joined(separator: "\n"))
            \(Lab.prefixes.map { "route add \($0) dev \(Self.interface)" }.joined(separator: "\n"))
            """
        )
        // A charon asks the routes which address it has; a site's default route leads by another underlay.
        if lab.router != nil { try lab.site.ip("route add \(path.gateway) via 10.64.0.1 dev eth0") }
        try loadSite(more)
    }

    /// Has the site's charon know the connection, with the certificates of now.
    public func loadSite(_ more: String = "") throws {
        if let key = siteCertificate?.key {
            try Files.replace("\(lab.site.folder)/swanctl/private/site.key", with: try Files.read(key), mode: 0o600)
        }
        try site.load(siteConnection(more))
    }

    /// Begins what ``raiseSite(_:)`` made known, and waits for how it ends.
    @discardableResult
    public func initiate() throws -> Program.Result {
        try site.swanctl("--initiate", "--child", "all", "--timeout", "\(20 * Stage.here.patience)")
    }

    /// How long strongSwan alone takes until it knows that the other end is gone, from the last packet on: the site's
    /// charon has given up its IKE_SA then. The tunnel must stand.
    public func detectionByDeadPeerDetection() throws -> Duration {
        try cut(.everything)
        return try waitUntil("the site's charon gives up", within: .seconds(60)) {
            try !site.associations.contains { $0.contains("state=ESTABLISHED") }
        }
    }
}
