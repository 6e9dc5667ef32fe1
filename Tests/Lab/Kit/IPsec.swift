// SPDX-License-Identifier: Apache-2.0

import SystemIO

/// The lab's path by IPsec: a charon at each end, and the gateway behind the cloud's.
///
///     site  pn-x 10.97.0.2   ════ ESP over an underlay ════   ipsec0 10.97.0.1    cloud
///           fd00:97::2                                               fd00:97::1
///
/// The site's charon knows no connection at first: pnetd brings it, or ``raiseSite(_:)`` in its place.
public final class IPsec {
    /// The path's name in the site's file.
    public static let path = "ipsec-b"
    /// The site's interface.
    public static let interface = "pn-x"
    /// The gateway's interface.
    public static let gatewayLink = "ipsec0"
    /// The site's addresses inside.
    public static let siteAddresses = ["10.97.0.2/30", "fd00:97::2/126"]
    /// The gateway's address inside.
    public static let gatewayAddress = "10.97.0.1"
    /// The same over IPv6.
    public static let gatewayAddress6 = "fd00:97::1"
    /// Who the site says it is.
    public static let siteName = "plant-7.example.net"
    /// Who the gateway is.
    public static let gatewayName = "gw.example.net"
    /// The number that ties the gateway's interface to its associations.
    static let gatewayInterfaceID = 97

    let lab: Lab
    /// What the site's file has.
    public let path: IPsecPath
    /// The path by the gateway's other tunnel; nil where it has one only.
    public let second: IPsecPath?
    /// The site's charon.
    public let site: StrongSwan
    /// The gateway's charon.
    public let gateway: StrongSwan
    /// Who certified both ends.
    public let authority: Authority?
    /// What the site shows; nil where both have a key.
    public private(set) var siteCertificate: Authority.Certified?
    /// What the gateway shows; nil where both have a key.
    public private(set) var gatewayCertificate: Authority.Certified?
    private let key: String

    init(_ lab: Lab, _ path: IPsecPath, _ gateway: IPsecGateway, second: IPsecPath?) throws {
        (self.lab, self.path, self.second) = (lab, path, second)
        try Files.makeDirectory("\(lab.site.folder)/certs")
        // What begins with 0s or 0x charon would decode.
        key = "lab-" + String(try Program.must(["wg", "genpsk"]).prefix { !$0.isNewline })
        authority = path.proof == .certificates ? try Authority(lab, "ca") : nil
        site = try StrongSwan(on: lab.site)
        self.gateway = try StrongSwan(on: lab.cloud)
        try certify(gateway)
        for path in paths { try raiseGateway(path) }
        if second == nil { try answerByIPsec() }
        for charon in [site, self.gateway] { try charon.waitForSocket() }
        try offer(gateway)
    }

    var paths: [IPsecPath] { [path] + [second].compactMap(\.self) }

    /// Makes what proves who each end is, in the files that the site's file names and in those that the gateway reads with
    /// its next offer. The preshared key stays; certificates are new ones.
    public func certify(_ gateway: IPsecGateway) throws {
        guard let authority else {
            try lab.site.write(IPsecPath.keyFile, key + "\n", mode: 0o600)
            return
        }
        let other = gateway.isForeign || gateway.siteIsForeign ? try Authority(lab, "other") : authority
        let forSite = try (gateway.siteIsForeign ? other : authority)
            .certify(Self.siteName, gateway.siteHasExpired ? .past : .current)
        let forGateway = try (gateway.isForeign ? other : authority)
            .certify(gateway.name, gateway.hasExpired ? .past : .current, responder: gateway.responder)
        (siteCertificate, gatewayCertificate) = (forSite, forGateway)
        for (file, name, mode) in [
            (authority.certificate, IPsecPath.authorityFile, 0o644),
            (forSite.certificate, IPsecPath.certificateFile, 0o644),
            (forSite.key, IPsecPath.certificateKeyFile, 0o600),
        ] as [(String, String, UInt32)] {
            try Files.replace("\(lab.site.folder)/\(name)", with: try Files.read(file), mode: mode)
        }
        if path.hasRevocationList { try publish() }
        let folder = "\(lab.cloud.folder)/swanctl"
        try Files.replace("\(folder)/x509/gateway.pem", with: try Files.read(forGateway.certificate))
        try Files.replace("\(folder)/x509ca/ca.pem", with: try Files.read(authority.certificate))
        try Files.replace("\(folder)/private/gateway.key", with: try Files.read(forGateway.key), mode: 0o600)
    }

    /// Has the gateway offer this from now on; what stands is left. After ``StrongSwan/start()`` it offers nothing.
    public func offer(_ gateway: IPsecGateway) throws {
        try self.gateway.load(
            """
            connections {
            \(paths.map { connection(of: $0, gateway) }.joined(separator: "\n"))
            }
            \(secrets(gateway.hasWrongKey ? String(key.reversed()) : key, of: Self.siteName))

            """
        )
    }

    /// What the gateway offers the site for a path. It says the same name in all of its tunnels.
    private func connection(of path: IPsecPath, _ gateway: IPsecGateway) -> String {
        let certificates = path.proof == .certificates
        return """
              site\(path.isSecond ? "-2" : "") {
                version = 2
                local_addrs = \(path.gateway)
                mobike = no
                proposals = \(gateway.proposals)
                dpd_delay = \(gateway.deadPeerDelay)
                unique = replace
                if_id_in = \(path.gatewayInterfaceID)
                if_id_out = \(path.gatewayInterfaceID)
                \(gateway.more)
                local {
                  auth = \(certificates ? "pubkey" : "psk")
                  id = \(gateway.name)
                  \(certificates ? "certs = gateway.pem" : "")
                }
                remote {
                  auth = \(certificates ? "pubkey" : "psk")
                  id = \(Self.siteName)
                  \(certificates ? "cacerts = ca.pem" : "")
                }
                children {
                  site\(path.isSecond ? "-2" : "") {
                    local_ts = \(gateway.localSelectors.joined(separator: ","))
                    remote_ts = \(gateway.remoteSelectors.joined(separator: ","))
                    esp_proposals = \(gateway.childProposals)
                    start_action = none
                    dpd_action = clear
                    \(gateway.moreOfChild)
                  }
                }
              }
            """
    }

    func secrets(_ key: String, of name: String) -> String {
        guard path.proof == .presharedKey else { return "" }
        return "secrets {\n  ike-both { id = \(name)\n secret = \"\(key)\" }\n}"
    }

    /// What a plain charon at the site is told, where there is no pnetd.
    func siteConnection(_ more: String) -> String {
        let certificates = path.proof == .certificates
        let folder = lab.site.folder
        return """
            connections {
              \(Self.path) {
                version = 2
                mobike = no
                remote_addrs = \(path.gateway)
                proposals = aes256gcm16-prfsha256-x25519
                if_id_in = \(Self.siteInterfaceID)
                if_id_out = \(Self.siteInterfaceID)
                \(more)
                local {
                  auth = \(certificates ? "pubkey" : "psk")
                  id = \(Self.siteName)
                  \(certificates ? "certs = \(folder)/\(IPsecPath.certificateFile)" : "")
                }
                remote {
                  auth = \(certificates ? "pubkey" : "psk")
                  id = \(Self.gatewayName)
                  \(certificates ? "cacerts = \(folder)/\(IPsecPath.authorityFile)" : "")
                }
                children {
                  all {
                    local_ts = 0.0.0.0/0,::/0
                    remote_ts = 0.0.0.0/0,::/0
                    esp_proposals = aes256gcm16-x25519
                    start_action = none
                  }
                }
              }
            }
            \(secrets(key, of: Self.gatewayName))

            """
    }

    static let siteInterfaceID = 42
}
