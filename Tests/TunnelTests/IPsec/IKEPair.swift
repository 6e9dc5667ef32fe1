// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import SystemIO
import Testing

@testable import Tunnel

/// Two charons on one host, and what each is told: the near one negotiates, the far one answers.
final class IKEPair {
    static let name = "pnetd-a"
    static let child = "pnetd-net"

    let loop: EventLoop
    let near: RealCharon
    let far: RealCharon
    var nearConnection: IPsecConnection
    var farConnection: IPsecConnection

    /// Silence is given up after 0.5 s, 0.5 s and 0.5 s.
    init(on loop: EventLoop) throws {
        let patience = "retransmit_timeout = 0.5\nretransmit_base = 1"
        self.loop = loop
        near = try RealCharon("a", settings: patience, on: loop)
        far = try RealCharon("b", port: 1500, natPort: 1450, settings: patience, on: loop)
        nearConnection = try Self.connection(
            ("127.0.0.1", 4500),
            ("127.0.0.2", 1450),
            ("a.example", "b.example"),
            (1, 2)
        )
        farConnection = try Self.connection(
            ("127.0.0.2", 1450),
            ("127.0.0.1", 4500),
            ("b.example", "a.example"),
            (2, 1)
        )
        try near.start()
        try far.start()
    }

    static func connection(
        _ from: (String, UInt16),
        _ to: (String, UInt16),
        _ identities: (String, String),
        _ networks: (Int, Int)
    ) throws -> IPsecConnection {
        var child = IPsecConnection.Child(
            name: Self.child,
            from: [try #require(IPPrefix("10.\(networks.0).0.0/16"))],
            to: [try #require(IPPrefix("10.\(networks.1).0.0/16"))]
        )
        child.proposals = ["aes256gcm16-ecp256"]
        var connection = IPsecConnection(
            name: name,
            from: [try #require(IPAddress(from.0))],
            to: [try #require(IPAddress(to.0))],
            local: .init(identity: identities.0, proof: .presharedKey),
            remote: .init(identity: identities.1, proof: .presharedKey),
            children: [child]
        )
        (connection.localPort, connection.remotePort) = (from.1, to.1)
        connection.proposals = ["aes256gcm16-prfsha256-ecp256"]
        connection.forcesEncapsulation = true
        return connection
    }

    /// Gives an end a shared key.
    func share(_ key: String, with end: RealCharon, owners: [String] = ["a.example", "b.example"]) throws {
        let secret = Secret(Array(key.utf8))
        try end.ask { $0.load(sharedKey: "pnetd-\(key)", secret, owners: owners, $1) } as Void
    }

    /// Lets both ends prove themselves by certificates.
    func prove(
        near own: (certificate: [UInt8], key: [UInt8]),
        far other: (certificate: [UInt8], key: [UInt8]),
        nearTrusts: [UInt8],
        farTrusts: [UInt8]
    ) throws {
        for (end, key) in [(near, own.key), (far, other.key)] {
            _ = try end.ask { $0.load(privateKey: Secret(key), $1) }
        }
        nearConnection.local.proof = .certificate(certificates: [own.certificate], authorities: [])
        nearConnection.remote.proof = .certificate(certificates: [], authorities: [nearTrusts])
        farConnection.local.proof = .certificate(certificates: [other.certificate], authorities: [])
        farConnection.remote.proof = .certificate(certificates: [], authorities: [farTrusts])
    }

    func load() throws {
        try far.ask { $0.load(farConnection, $1) } as Void
        try near.ask { $0.load(nearConnection, $1) } as Void
    }

    /// Negotiates to the end.
    func negotiate(
        within limit: Duration = .seconds(8),
        ownCertificates: [CertificateFacts] = [],
        hasPostQuantumKey: Bool = false
    ) throws -> (failure: IKEFailure?, time: Duration) {
        var end: IKEFailure??
        let start = loop.now
        try #require(near.charon).negotiate(
            child: Self.child,
            of: Self.name,
            within: limit,
            ownCertificates: ownCertificates,
            hasPostQuantumKey: hasPostQuantumKey
        ) { end = .some($0.failure) }
        try near.wait { end != nil }
        let time = loop.now - start
        return (try #require(end), time)
    }
}

extension Result<Void, IKEFailure> {
    /// Why it failed; nil where it did not.
    var failure: IKEFailure? {
        if case .failure(let failure) = self { failure } else { nil }
    }
}
