// SPDX-License-Identifier: Apache-2.0

import CLinux
import Configuration
import NetworkTypes
import SystemIO
import Testing

@testable import Tunnel

/// The terms of each preset against a charon that has what the cloud documents of its gateway, and nothing else.
@Suite(
    .enabled(if: getuid() == 0, "network namespaces need root"),
    .enabled(if: RealCharon.isInstalled, "charon-systemd is not installed"),
    .serialized
)
struct CloudGatewayCharonTests {
    /// A gateway as its cloud documents it (CloudGateways.md), and what has to come of it.
    struct Gateway: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let preset: CloudGateway
        let ike: [String]
        let esp: [String]
        /// What IKE agrees on, and with what key exchange ESP's keys are renewed.
        let agreed: (ike: String, renewal: String?)

        init(
            _ testDescription: String,
            _ preset: CloudGateway,
            ike: [String],
            esp: [String],
            agreed: (ike: String, renewal: String?)
        ) {
            self.testDescription = testDescription
            self.preset = preset
            self.ike = ike
            self.esp = esp
            self.agreed = agreed
        }
    }

    private static let strong = "AES_GCM_16-256/PRF_HMAC_SHA2_384/ECP_384"
    /// Groups 14 to 24 but 17, which charon calls modp6144, and 22 to 24, which OpenSSL 3 has no more.
    private static let groupsOfAWS = "modp1024-modp2048-modp3072-modp4096-modp6144-modp8192-ecp256-ecp384-ecp521"
    private static let groupsOfGCP =
        "modp2048-modp1536-modp3072-modp4096-modp8192-modp1024-ecp256-ecp384-ecp521-curve25519"
    private static let functions = "prfsha1-prfsha256-prfsha384-prfsha512"

    static let gateways: [Gateway] = [
        Gateway(
            "Azure with its default policy",
            .azure,
            ike: [
                "aes256-sha1-modp1024", "aes256-sha256-modp1024", "aes128-sha1-modp1024", "aes128-sha256-modp1024",
            ],
            esp: [
                "aes256gcm16", "aes256-sha1", "aes256-sha256", "aes128-sha1", "aes256-sha1-modp1024",
                "aes256-sha1-modp2048", "aes128-sha1-modp2048", "aes256-sha256-modp2048", "aes128-sha256",
            ],
            agreed: ("AES_CBC-256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_1024", nil)
        ),
        Gateway(
            "Azure with the one weak proposal of its default policy that is offered",
            .azure,
            ike: ["aes256-sha256-modp1024"],
            esp: ["aes256gcm16"],
            agreed: ("AES_CBC-256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_1024", nil)
        ),
        Gateway(
            "Azure with a policy of GCMAES256, SHA384, ECP384 and PFS ECP384",
            .azure,
            ike: ["aes256gcm16-prfsha384-ecp384"],
            esp: ["aes256gcm16-ecp384"],
            agreed: (strong, "ECP_384")
        ),
        Gateway(
            "AWS with all its defaults",
            .aws,
            ike: [
                "aes128-aes256-sha1-sha256-sha384-sha512-\(groupsOfAWS)",
                "aes128gcm16-aes256gcm16-\(functions)-\(groupsOfAWS)",
            ],
            esp: [
                "aes128-aes256-sha1-sha256-sha384-sha512-\(groupsOfAWS)", "aes128gcm16-aes256gcm16-\(groupsOfAWS)",
            ],
            agreed: (strong, "ECP_384")
        ),
        Gateway(
            "AWS with AES256-GCM-16, SHA2-384 and group 20 alone",
            .aws,
            ike: ["aes256gcm16-prfsha384-ecp384"],
            esp: ["aes256gcm16-ecp384"],
            agreed: (strong, "ECP_384")
        ),
        Gateway(
            "Google with all its AEAD ciphers",
            .gcp,
            ike: ["aes128gcm16-aes192gcm16-aes256gcm16-\(functions)-\(groupsOfGCP)"],
            esp: ["aes128gcm16-aes256gcm16-aes192gcm16-\(groupsOfGCP)"],
            agreed: (strong, "ECP_384")
        ),
        Gateway(
            "Google with AES-GCM-16-256, PRF-HMAC-SHA2-384 and group 20 alone",
            .gcp,
            ike: ["aes256gcm16-prfsha384-ecp384"],
            esp: ["aes256gcm16-ecp384"],
            agreed: (strong, "ECP_384")
        ),
    ]

    /// IKE and its first child agree; so do the child's next keys, whichever end renews them: only there ESP has a key
    /// exchange of its own (RFC 7296 section 1.2).
    @Test(arguments: gateways) func agreesWithWhatTheCloudDocuments(gateway: Gateway) throws {
        try RealCharon.inNamespace { loop in
            let pair = try IKEPair(on: loop)
            for end in [pair.near, pair.far] { try pair.share("a shared key of some length", with: end) }
            Self.apply(gateway.preset.terms, to: &pair.nearConnection)
            pair.farConnection.proposals = gateway.ike
            pair.farConnection.children[0].proposals = gateway.esp
            try pair.load()
            #expect(try pair.negotiate().failure == nil)
            let first = try pair.near.association()
            #expect(Self.text(first.algorithms) == gateway.agreed.ike)
            var child = try #require(first.children.first)
            #expect(Self.text(child.algorithms) == "AES_GCM_16-256")
            for end in [pair.near, pair.far] {
                let own = try #require(try end.association().children.first { $0.state == .installed })
                #expect(try end.ask { $0.rekey(.child(own.uniqueID), $1) } == 1)
                let before = child.inbound.spi
                try pair.near.wait {
                    let children = (try? pair.near.association().children) ?? []
                    guard let next = children.first(where: { $0.state == .installed && $0.inbound.spi != before })
                    else { return false }
                    child = next
                    return true
                }
                #expect(child.algorithms.encryption == "AES_GCM_16" && child.algorithms.encryptionKeySize == 256)
                #expect(child.algorithms.keyExchange == gateway.agreed.renewal)
            }
        }
    }

    /// What charon tells of a connection is what it was given.
    @Test(arguments: CloudGateway.allCases) func charonTakesThem(preset: CloudGateway) throws {
        try RealCharon.inNamespace { loop in
            let real = try RealCharon("a", on: loop)
            try real.start()
            var connection = try IKEPair.connection(
                ("127.0.0.1", 4500),
                ("127.0.0.2", 1450),
                ("a.example", "b.example"),
                (1, 2)
            )
            Self.apply(preset.terms, to: &connection)
            try real.ask { $0.load(connection, $1) } as Void
            let loaded = try #require(try real.ask { $0.connections(named: IKEPair.name, $1) }.first)
            #expect(connection.differences(from: loaded) == [])
            #expect(loaded.uniqueness == (preset == .aws ? "UNIQUE_NO" : "UNIQUE_REPLACE"))
            connection.uniqueness = connection.uniqueness == .replace ? .duplicates : .replace
            #expect(connection.differences(from: loaded) == ["unique"])
        }
    }

    private static func apply(_ terms: IPsecTerms, to connection: inout IPsecConnection) {
        connection.proposals = terms.proposals.ike
        connection.rekeyTime = terms.lifetimes.ike
        connection.uniqueness = terms.allowsDuplicates ? .duplicates : .replace
        connection.children[0].proposals = terms.proposals.esp
        connection.children[0].rekeyTime = terms.lifetimes.child
        connection.children[0].replayWindow = terms.replayWindow
    }

    private static func text(_ algorithms: IPsecAlgorithms) -> String {
        let encryption = algorithms.encryption.map { $0 + (algorithms.encryptionKeySize.map { "-\($0)" } ?? "") }
        return [encryption, algorithms.integrity, algorithms.pseudoRandomFunction, algorithms.keyExchange].compactMap(
            \.self
        )
        .joined(separator: "/")
    }
}
