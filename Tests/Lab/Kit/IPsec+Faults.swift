// SPDX-License-Identifier: Apache-2.0

import SystemIO

/// What goes wrong with IPsec.
extension IPsec {
    /// What is lost of IPsec, at the cloud's end of the underlay: the site sees nothing but silence.
    public enum Cut: Sendable {
        /// What the site says by IKE.
        case ikeFromSite
        /// What the gateway says by IKE.
        case ikeFromGateway
        /// ESP, either way; IKE is answered.
        case sealed
        /// All of it, either way; the rest of the underlay works.
        case everything

        /// On port 4500 IKE begins with four zeros, which no ESP in UDP does (RFC 3948 section 2.2).
        fileprivate var rules: (receiving: [String], sending: [String]) {
            let ike = ["udp dport 500", "udp dport 4500 @th,64,32 0"]
            let answer = ["udp sport 500", "udp sport 4500 @th,64,32 0"]
            switch self {
            case .ikeFromSite: return (ike, [])
            case .ikeFromGateway: return ([], answer)
            case .sealed:
                return (
                    ["meta l4proto esp", "udp dport 4500 @th,64,32 != 0"],
                    ["meta l4proto esp", "udp sport 4500 @th,64,32 != 0"]
                )
            case .everything:
                return (
                    ["meta l4proto esp", "udp dport { 500, 4500 }"], ["meta l4proto esp", "udp sport { 500, 4500 }"]
                )
            }
        }
    }

    /// Begins to lose packets, until ``mend()``.
    ///
    /// - Parameter path: whose; nil for the first path's.
    public func cut(_ cut: Cut, of path: IPsecPath? = nil) throws {
        let rules = cut.rules
        let link = "\"\((path ?? self.path).underlay.uplink)\""
        try lab.cloud.run(
            "nft",
            "-f",
            "-",
            input: """
                table inet cut-ipsec
                delete table inet cut-ipsec
                table inet cut-ipsec {
                  chain receiving {
                    type filter hook prerouting priority -400
                    \(rules.receiving.map { "iifname \(link) \($0) drop" }.joined(separator: "\n"))
                  }
                  chain sending {
                    type filter hook postrouting priority 400
                    \(rules.sending.map { "oifname \(link) \($0) drop" }.joined(separator: "\n"))
                  }
                }
                """
        )
    }

    /// Ends what ``cut(_:)`` began.
    public func mend() throws { try lab.cloud.run("nft", "delete", "table", "inet", "cut-ipsec") }

    /// Revokes what the gateway shows, and puts the list where the site's file says that it is; nobody is told.
    public func revokeGateway() throws {
        guard let authority, let gatewayCertificate else { return }
        try authority.revoke(gatewayCertificate)
        try publish()
    }

    /// Puts the authority's list where the site's file says that it is.
    func publish() throws {
        guard let list = try authority?.issueRevocationList() else { return }
        try Files.replace("\(lab.site.folder)/\(IPsecPath.revocationListFile)", with: try Files.read(list))
    }

    /// Takes all associations, or all policies, out of the site's kernel behind charon's back.
    public func flush(_ what: Flushed) throws { try lab.site.run("ip", "xfrm", what.rawValue, "flush") }

    /// What somebody flushes.
    public enum Flushed: String, CaseIterable, Sendable {
        /// Security associations.
        case associations = "state"
        /// Security policies.
        case policies = "policy"
    }
}
