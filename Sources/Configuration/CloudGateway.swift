// SPDX-License-Identifier: Apache-2.0
// Where each number comes from stands in Configuration.docc/CloudGateways.md.

/// A cloud's gateway whose terms are known, as `preset` of an IPsec path names it.
public enum CloudGateway: String, CaseIterable, Sendable {
    /// Azure VPN Gateway, route-based.
    case azure
    /// AWS Site-to-Site VPN.
    case aws
    /// Google Cloud VPN.
    case gcp

    /// What it accepts. Keys are renewed by this end before the gateway would renew them, and are over before its own are.
    public var terms: IPsecTerms {
        switch self {
        case .azure:
            IPsecTerms(
                proposals: .init(
                    // What a policy of the connection's own can have, then what the gateway's default has: no better key
                    // exchange than group 2 for IKE, and none for ESP.
                    ike: ["aes256gcm16-prfsha384-ecp384", "aes256-sha256-modp1024"],
                    esp: ["aes256gcm16-ecp384", "aes256gcm16"]
                ),
                offersMLKEM: false,
                lifetimes: .init(ike: .seconds(25_200), child: .seconds(21_600)),
                replayWindow: nil,
                largestPacket: 1_400,
                allowsDuplicates: false
            )
        case .aws:
            IPsecTerms(
                // One of each: of several the gateway takes the weakest.
                proposals: .init(ike: ["aes256gcm16-prfsha384-ecp384"], esp: ["aes256gcm16-ecp384"]),
                offersMLKEM: false,
                lifetimes: .init(ike: .seconds(25_200), child: .seconds(2_400)),
                replayWindow: 1_024,
                largestPacket: 1_438,
                allowsDuplicates: true
            )
        case .gcp:
            IPsecTerms(
                // One of each: of several the gateway may take another one each time.
                proposals: .init(ike: ["aes256gcm16-prfsha384-ecp384"], esp: ["aes256gcm16-ecp384"]),
                offersMLKEM: false,
                lifetimes: .init(ike: .seconds(32_400), child: .seconds(9_000)),
                replayWindow: nil,
                largestPacket: 1_390,
                allowsDuplicates: false
            )
        }
    }
}
