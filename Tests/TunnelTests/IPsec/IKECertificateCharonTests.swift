// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import PathHealth
import SystemIO
import Testing

@testable import Tunnel

/// What goes wrong with certificates between two of Debian's charons, and what is told of it.
@Suite(
    .enabled(if: getuid() == 0, "network namespaces need root"),
    .enabled(if: RealCharon.isInstalled, "charon-systemd is not installed"),
    .serialized
)
struct IKECertificateCharonTests {
    /// What both ends have.
    struct Scene {
        let authority: TestAuthority
        let pair: IKEPair
        var near: (certificate: [UInt8], key: [UInt8])
        var far: (certificate: [UInt8], key: [UInt8])
        var nearTrusts: [UInt8]
        var farTrusts: [UInt8]
        /// A list that the near end has, and one that the far end has, PEM.
        var lists: (near: [UInt8]?, far: [UInt8]?)
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let expected: IKEFailure?
        let prepare: @Sendable (inout Scene) throws -> Void

        init(
            _ testDescription: String,
            _ expected: IKEFailure?,
            _ prepare: @escaping @Sendable (inout Scene) throws -> Void
        ) {
            self.testDescription = testDescription
            self.expected = expected
            self.prepare = prepare
        }
    }

    static let cases: [Case] = [
        Case("all is well", nil) { _ in },
        Case("the peer is of another authority", .peerUntrusted) {
            let other = try TestAuthority(in: "/run/other", name: "C=CH, O=Plant 8, CN=ca")
            $0.far = try other.issue("b.example")
            try $0.pair.far.ask { $0.load(certificate: other.certificate, .authority, $1) } as Void
        },
        Case("the peer's authority has the name of ours", .peerUntrusted) {
            $0.far = try TestAuthority(in: "/run/other").issue("b.example")
        },
        Case("the peer's certificate expired", .peerCertificateExpired) {
            $0.far = try $0.authority.issue("b.example", .past)
        },
        Case("the peer's certificate is not valid yet", .peerCertificateExpired) {
            $0.far = try $0.authority.issue("b.example", .init(from: "20900101000000Z", to: "20990101000000Z"))
        },
        Case("our certificate expired", .ownCertificateExpired) {
            $0.near = try $0.authority.issue("a.example", .past)
        },
        Case("we are of another authority", .authenticationRefused) {
            $0.near = try TestAuthority(in: "/run/other", name: "C=CH, O=Plant 8, CN=ca").issue("a.example")
        },
        Case("the peer's certificate was revoked", .peerCertificateRevoked) {
            $0.lists.near = try $0.authority.revoke("b.example")
        },
        Case("our certificate was revoked", .authenticationRefused) {
            $0.lists.far = try $0.authority.revoke("a.example")
        },
        Case("a list on which the peer is not", nil) { $0.lists.near = try $0.authority.revoke("a.example") },
        Case("the peer's certificate is of another name", .peerIdentityUnknown) {
            $0.far = try $0.authority.issue("c.example")
            $0.pair.nearConnection.remote.identity = "%any"
        },
        Case("the peer is somebody else of the same authority", .identityMismatch) {
            $0.far = try $0.authority.issue("c.example")
            $0.pair.farConnection.local.identity = "c.example"
            $0.pair.nearConnection.remote.identity = "*.other.example"
        },
        Case("certificates are well, networks are not", .trafficSelectorMismatch) {
            $0.pair.farConnection.children[0].localSelectors = [IPPrefix("10.9.0.0/16")].compactMap { $0 }
        },
        Case("no private key here", .noPrivateKey) { $0.near.key = $0.far.key },
    ]

    @Test(arguments: cases) func tellsWhy(example: Case) throws {
        try RealCharon.inNamespace { loop in
            let authority = try TestAuthority(in: "/run/ca")
            var scene = Scene(
                authority: authority,
                pair: try IKEPair(on: loop),
                near: try authority.issue("a.example"),
                far: try authority.issue("b.example"),
                nearTrusts: authority.certificate,
                farTrusts: authority.certificate,
                lists: (nil, nil)
            )
            try example.prepare(&scene)
            let pair = scene.pair
            try pair.prove(
                near: scene.near,
                far: scene.far,
                nearTrusts: scene.nearTrusts,
                farTrusts: scene.farTrusts
            )
            for (end, list) in [(pair.near, scene.lists.near), (pair.far, scene.lists.far)] {
                guard let list else { continue }
                let revoked = try RevocationList(list)
                try end.ask { $0.load(revoked, $1) } as Void
            }
            try pair.load()
            let (failure, time) = try pair.negotiate(ownCertificates: [try CertificateFacts(scene.near.certificate)])
            #expect(failure == example.expected)
            #expect(time < .seconds(1), "all is said at once")
        }
    }

    /// One that the authority vouches for vouches for us: all but the authority's own certificate is shown (`certificate` of
    /// the file, the end's first). Without it there is no way to the authority.
    @Test(arguments: [true, false]) func whatLeadsToTheAuthorityIsShown(isLoaded: Bool) throws {
        try RealCharon.inNamespace { loop in
            let root = try TestAuthority(in: "/run/root", name: "C=CH, O=Plant 7, CN=root")
            let middle = try TestAuthority(in: "/run/middle", name: "C=CH, O=Plant 7, CN=middle", under: root)
            let pair = try IKEPair(on: loop)
            let near = try middle.issue("a.example")
            try pair.prove(
                near: near,
                far: try root.issue("b.example"),
                nearTrusts: root.certificate,
                farTrusts: root.certificate
            )
            if isLoaded {
                pair.nearConnection.local.proof = .certificate(
                    certificates: [near.certificate, middle.certificate],
                    authorities: []
                )
            }
            try pair.load()
            #expect(try pair.negotiate().failure == (isLoaded ? nil : .authenticationRefused))
        }
    }

    /// What charon lists of its certificates is read as well as what it was given.
    @Test func readsWhatCharonLists() throws {
        try RealCharon.inNamespace { loop in
            let authority = try TestAuthority(in: "/run/ca")
            let (certificate, _) = try authority.issue("a.example", .past)
            let real = try RealCharon("a", on: loop)
            try real.start()
            try real.ask { $0.load(certificate: certificate, .end, $1) } as Void
            let listed = try #require(try real.ask { $0.certificates($1) }.first)
            #expect(try CertificateFacts(listed.octets) == CertificateFacts(certificate))
        }
    }
}
