// SPDX-License-Identifier: Apache-2.0

import CLinux
import Configuration
import NetworkTypes
import SystemIO
import Testing
import Tunnel

@testable import pnetd

/// A path by IPsec as a file may have it.
enum IKEExample {
    /// How both ends prove who they are. The certificates say nothing that libcrypto could read.
    enum Proof: String {
        case shared = """
            local: {}
                remote: {endpoint: 198.51.100.1}
                preshared-key-file: psk
            """
        case certificates = """
            local: {certificate: pem, private-key-file: key}
                remote: {endpoint: 198.51.100.1, ca-certificates: [pem]}
            """
    }

    private static let files = [
        "psk": "0123456789abcdef", "ppk": "0123456789abcdef0123456789abcdef",
        "pem": "-----BEGIN CERTIFICATE-----\nTUlJ\n-----END CERTIFICATE-----\n",
        "key": "-----BEGIN PRIVATE KEY-----\nTUlJ\n-----END PRIVATE KEY-----\n",
    ]

    /// The path that a file has with these lines.
    static func path(_ lines: String, _ proof: Proof = .shared) throws -> PathConfiguration {
        let folder = "/tmp/pnetd-test-\(UInt32.random(in: 0 ... .max))"
        try Files.makeDirectory(folder)
        for (name, text) in files { try Files.replace("\(folder)/\(name)", with: Array(text.utf8), mode: 0o600) }
        defer {
            for name in ["file"] + files.keys { try? Files.remove("\(folder)/\(name)") }
            unsafe rmdir(folder)
        }
        let text = """
            version: 1
            site: plant
            paths:
              vpn:
                kind: ipsec
                interface: pn-a
                addresses: [169.254.6.2/30]
                underlay: {interface: eth0}
                \(proof.rawValue)
                \(lines)
            networks:
              cloud: {prefixes: [10.20.0.0/16], paths: [vpn], targets: {list: [{icmp: 10.20.0.4}]}}
            """
        try Files.replace("\(folder)/file", with: Array(text.utf8))
        return try Configuration.load(path: "\(folder)/file").configuration.paths[0]
    }

    /// What charon is to have of it.
    static func wish(
        _ lines: String,
        _ proof: Proof = .shared,
        charonHas names: Set<String> = []
    ) throws -> IKEWish {
        try #require(
            IKEWish(
                try path(lines, proof),
                slot: 3,
                from: IPAddress("192.0.2.1"),
                to: IPAddress("198.51.100.1"),
                isOneOfSeveral: false,
                ReservedNumbers(.standard),
                CharonKeyExchanges(names: names)
            )
        )
    }
}
