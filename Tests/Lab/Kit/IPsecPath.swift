// SPDX-License-Identifier: Apache-2.0

/// The path by IPsec in a site's file.
public struct IPsecPath: Sendable {
    /// How both ends prove who they are.
    public enum Proof: String, CaseIterable, Sendable {
        /// By a key that both have.
        case presharedKey
        /// By certificates (X.509).
        case certificates
    }

    /// Which underlay it goes by, always over IPv4.
    public var underlay = Tunnel.b
    /// How both ends prove who they are.
    public var proof: Proof
    /// Whether the site has a list of what its authority revoked.
    public var hasRevocationList = false
    /// Whether it goes by the gateway's other tunnel.
    public private(set) var isSecond = false
    /// Further keys of the path, each on a line of its own, four spaces in.
    public var more = ""

    /// The usual path.
    public init(_ proof: Proof = .presharedKey) { self.proof = proof }

    /// A path by the gateway's other tunnel, over the other underlay, with an address inside that nobody but its two ends
    /// knows.
    public static var second: IPsecPath {
        var path = IPsecPath()
        (path.isSecond, path.underlay) = (true, .a)
        return path
    }

    /// The path's name in the site's file.
    public var name: String { isSecond ? "ipsec-a" : IPsec.path }
    /// The site's interface.
    public var interface: String { isSecond ? "pn-y" : IPsec.interface }
    /// The gateway's interface.
    public var gatewayLink: String { isSecond ? "ipsec1" : IPsec.gatewayLink }
    /// The number that ties the gateway's interface to its associations.
    var gatewayInterfaceID: Int { isSecond ? 98 : IPsec.gatewayInterfaceID }
    private var siteAddresses: [String] { isSecond ? ["169.254.97.2/30", "fd00:97::6/126"] : IPsec.siteAddresses }
    var gatewayAddresses: [String] {
        isSecond
            ? ["169.254.97.1/30", "fd00:97::5/126"]
            : ["\(IPsec.gatewayAddress)/30", "\(IPsec.gatewayAddress6)/126"]
    }

    /// Where the gateway is.
    public var gateway: String { underlay == .a ? "192.0.2.1" : "198.51.100.1" }

    static let keyFile = "keys/\(IPsec.path).psk"
    static let certificateFile = "certs/plant-7.pem"
    static let certificateKeyFile = "keys/plant-7.key"
    static let authorityFile = "certs/ca.pem"
    static let revocationListFile = "certs/ca.crl"

    var text: String {
        let (own, far) =
            switch proof {
            case .presharedKey: ("", "")
            case .certificates:
                (
                    ", certificate: \(Self.certificateFile), private-key-file: \(Self.certificateKeyFile)",
                    ", ca-certificates: [\(Self.authorityFile)]"
                        + (hasRevocationList ? ", crls: [\(Self.revocationListFile)]" : "")
                )
            }
        return """
              \(name):
                kind: ipsec
                interface: \(interface)
                addresses: [\(siteAddresses.map { "\"\($0)\"" }.joined(separator: ", "))]
                underlay: {interface: \(underlay.underlay)}
                local: {id: \(IPsec.siteName)\(own)}
                remote: {endpoint: \(gateway), id: \(IPsec.gatewayName)\(far)}
                \(proof == .presharedKey ? "preshared-key-file: \(Self.keyFile)" : "")
            \(more)
            """
    }
}

/// What the gateway of the IPsec path offers, and what is wrong with it.
public struct IPsecGateway: Sendable {
    /// The key is another than the site's.
    public var hasWrongKey = false
    /// IKE proposals, best first.
    public var proposals = "aes256gcm16-prfsha384-ecp384,aes256gcm16-prfsha256-x25519,default"
    /// Proposals for ESP, best first.
    public var childProposals = "aes256gcm16-ecp384,aes256gcm16-x25519,aes256gcm16,default"
    /// The gateway's selectors.
    public var localSelectors = ["0.0.0.0/0", "::/0"]
    /// The selectors that it grants the site.
    public var remoteSelectors = ["0.0.0.0/0", "::/0"]
    /// The gateway's certificate has expired.
    public var hasExpired = false
    /// The site's certificate has expired.
    public var siteHasExpired = false
    /// The gateway's certificate is another authority's, which the site does not know.
    public var isForeign = false
    /// The site's certificate is another authority's, which the gateway does not know.
    public var siteIsForeign = false
    /// Where its certificate says that one may ask whether it was revoked.
    public var responder: String?
    /// Who the gateway says it is.
    public var name = IPsec.gatewayName
    /// After how much silence it asks whether the site lives.
    public var deadPeerDelay = "5s"
    /// Further settings of its connection, as swanctl.conf(5) writes them.
    public var more = ""
    /// Further settings of its child.
    public var moreOfChild = ""

    /// One with which nothing is wrong.
    public init() {}
}
