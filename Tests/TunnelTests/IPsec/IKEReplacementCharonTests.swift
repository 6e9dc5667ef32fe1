// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import PathHealth
import SystemIO
import Testing

@testable import Tunnel

/// Another IKE_SA beside the one that stands, between two of Debian's charons.
@Suite(
    .enabled(if: getuid() == 0, "network namespaces need root"),
    .enabled(if: RealCharon.isInstalled, "charon-systemd is not installed"),
    .serialized
)
struct IKEReplacementCharonTests {
    private struct Scene {
        let authority: TestAuthority
        let pair: IKEPair

        init(on loop: EventLoop) throws {
            authority = try TestAuthority(in: "/run/ca")
            pair = try IKEPair(on: loop)
            try pair.prove(
                near: try authority.issue("a.example"),
                far: try authority.issue("b.example"),
                nearTrusts: authority.certificate,
                farTrusts: authority.certificate
            )
            try pair.load()
            #expect(try pair.negotiate().failure == nil)
        }

        /// The IKE_SAs with a child, by charon's numbers, oldest first; once there are so many: what charon is busy with it
        /// leaves out.
        func standing(_ count: Int) throws -> [UInt32] {
            var found: [UInt32] = []
            try pair.near.wait {
                let all = try? pair.near.ask { $0.associations(of: IKEPair.name, $1) }
                found = (all ?? []).filter { $0.children.contains { $0.state == .installed } }.map(\.uniqueID).sorted()
                return found.count == count
            }
            return found
        }
    }

    @Test func theSameConnectionTakesUpWhatStands() throws {
        try RealCharon.inNamespace { loop in
            let scene = try Scene(on: loop)
            let before = try scene.standing(1)
            try scene.pair.near.ask { $0.load(scene.pair.nearConnection, $1) } as Void
            #expect(try scene.pair.negotiate().failure == nil)
            #expect(try scene.standing(1) == before, "another child of the same IKE_SA")
        }
    }

    @Test func anotherEditionStandsBesideTheFirstUntilThatIsEnded() throws {
        try RealCharon.inNamespace { loop in
            let scene = try Scene(on: loop)
            var before = try scene.standing(1)
            var next = scene.pair.nearConnection
            for edition in UInt8(1)...2 {
                next.edition = edition
                #expect(next.digest == scene.pair.nearConnection.digest)
                try scene.pair.near.ask { $0.load(next, $1) } as Void
                #expect(try scene.pair.negotiate().failure == nil)
                let both = try scene.standing(2)
                #expect(both.first == before.first)
                #expect(try scene.pair.near.ask { $0.terminate(.association(both[0]), isForced: true, $1) } == 1)
                before = try scene.standing(1)
                #expect(before == [both[1]])
            }
        }
    }

    @Test func oneThatIsRefusedLeavesWhatStands() throws {
        try RealCharon.inNamespace { loop in
            let scene = try Scene(on: loop)
            let before = try scene.standing(1)
            let list = try RevocationList(try scene.authority.revoke("b.example"))
            #expect(list.namesItsKey)
            try scene.pair.near.ask { $0.load(list, $1) } as Void
            var next = scene.pair.nearConnection
            next.edition = 1
            try scene.pair.near.ask { $0.load(next, $1) } as Void
            #expect(try scene.pair.negotiate().failure == .peerCertificateRevoked)
            #expect(try scene.standing(1) == before)
        }
    }

    /// Of several lists the newest counts, also where an older one was used.
    @Test func aNewerListTakesThePlaceOfOneThatWasUsed() throws {
        try RealCharon.inNamespace { loop in
            let scene = try Scene(on: loop)
            let first = try RevocationList(try scene.authority.revoke("a.example"))
            var next = scene.pair.nearConnection
            next.edition = 1
            try scene.pair.near.ask { $0.load(first, $1) } as Void
            try scene.pair.near.ask { $0.load(next, $1) } as Void
            #expect(try scene.pair.negotiate().failure == nil)
            let second = try RevocationList(try scene.authority.revoke("b.example"))
            try scene.pair.near.ask { $0.load(second, $1) } as Void
            try scene.pair.near.ask { $0.flushCertificates(type: "X509_CRL", $1) } as Void
            next.edition = 2
            try scene.pair.near.ask { $0.load(next, $1) } as Void
            #expect(try scene.pair.negotiate().failure == .peerCertificateRevoked)
        }
    }

    /// Without a list there is nothing to believe.
    @Test func strictIsRefusedWithoutAList() throws {
        try RealCharon.inNamespace { loop in
            let scene = try Scene(on: loop)
            var next = scene.pair.nearConnection
            (next.edition, next.revocation) = (1, .strict)
            try scene.pair.near.ask { $0.load(next, $1) } as Void
            #expect(try scene.pair.negotiate().failure == .peerRevocationUnknown)
            let list = try RevocationList(try scene.authority.revoke("a.example"))
            try scene.pair.near.ask { $0.load(list, $1) } as Void
            #expect(try scene.pair.negotiate().failure == nil)
        }
    }

    /// A responder that the certificate names says at the next proof what became of it meanwhile (RFC 6960).
    @Test(.enabled(if: RealCharon.canFetch, "libstrongswan-extra-plugins is not installed"))
    func whoeverIsRevokedByAResponderIsRefused() throws {
        try RealCharon.inNamespace { loop in
            let authority = try TestAuthority(in: "/run/ca")
            let pair = try IKEPair(on: loop)
            try pair.prove(
                near: try authority.issue("a.example"),
                far: try authority.issue("b.example", responder: "http://127.0.0.1:8888"),
                nearTrusts: authority.certificate,
                farTrusts: authority.certificate
            )
            pair.nearConnection.revocation = .whereNamed
            func negotiate(_ edition: UInt8) throws -> IKEFailure? {
                let responder = try authority.respond(onPort: 8888)
                defer {
                    kill(responder, SIGKILL)
                    _ = try? ChildProcess.wait(for: responder)
                }
                try pair.near.wait { (try? run("/bin/ss", "-Hlnt", "sport = :8888"))?.isEmpty == false }
                pair.nearConnection.edition = edition
                try pair.load()
                return try pair.negotiate().failure
            }
            #expect(try negotiate(0) == nil)
            _ = try authority.revoke("b.example")
            try pair.near.ask { $0.flushCertificates(type: "OCSP_RESPONSE", $1) } as Void
            #expect(try negotiate(1) == .peerCertificateRevoked)
        }
    }

    /// What the other end showed is known as long as charon keeps it.
    @Test func charonListsWhatTheOtherEndShowed() throws {
        try RealCharon.inNamespace { loop in
            let scene = try Scene(on: loop)
            let shown = try scene.pair.near.ask { $0.certificates($1) }.compactMap { try? CertificateFacts($0.octets) }
            #expect(shown.contains { $0.subject == "C=CH, O=Plant 7, CN=b.example" })
        }
    }
}
