// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import Testing

@testable import Tunnel
@testable import pnetd

/// What is begun, replaced and ended of one tunnel, and when.
struct IKETunnelTests {
    private static let start = Instant(nanoseconds: 1_000_000_000_000)
    private static let day = Duration.seconds(86_400)

    private func tunnel(_ proof: IKEExample.Proof = .certificates, _ lines: String = "encapsulation: auto") throws
        -> IKETunnel
    {
        IKETunnel(try IKEExample.wish(lines, proof), now: Self.start)
    }

    /// An IKE_SA with its child in the kernel, or without one.
    private func association(
        _ number: Int,
        carries: Bool = true,
        childState: String = "INSTALLED"
    ) -> IKEAssociation {
        var (message, children, child) = (VICIMessage(), VICIMessage(), VICIMessage())
        message.append("uniqueid", "\(number)")
        message.append("state", carries ? "ESTABLISHED" : "CONNECTING")
        child.append("state", childState)
        if carries { children.append("pnetd-vpn-\(number)", section: child) }
        message.append("child-sas", section: children)
        return IKEAssociation(name: "pnetd-vpn", message)
    }

    @Test func provesItAnewOnceADay() throws {
        var tunnel = try tunnel()
        tunnel.listed([association(1)], counts: true)
        tunnel.lives(now: Self.start)
        tunnel.lives(now: Self.start + (Self.day * 9 / 10 - .seconds(1)))
        #expect(tunnel.replacement == nil, "and at most a tenth sooner, so that the ends do not do it at once")
        tunnel.lives(now: Self.start + Self.day)
        let replacement = try #require(tunnel.replacement)
        #expect(replacement.due == Self.start + Self.day && !replacement.isForTerms)
        tunnel.isReplaced(now: Self.start + Self.day)
        tunnel.lives(now: Self.start + (Self.day * 19 / 10 - .seconds(1)))
        #expect(tunnel.replacement == nil, "the day begins anew")
    }

    @Test(arguments: [(IKEExample.Proof.shared, "encapsulation: auto"), (.certificates, "reauthentication: never")])
    func hasNothingToProveAnew(_ proof: IKEExample.Proof, _ lines: String) throws {
        var tunnel = try tunnel(proof, lines)
        tunnel.lives(now: Self.start)
        tunnel.lives(now: Self.start + Self.day * 400)
        #expect(tunnel.replacement == nil)
    }

    /// Only after a replacement: what the other end begins besides is its own affair.
    @Test func whatIsOlderGoesAfterAReplacementAlone() throws {
        var tunnel = try tunnel()
        tunnel.listed([association(1), association(2)], counts: true)
        #expect(tunnel.older == [] && tunnel.association?.uniqueID == 2)
        tunnel.isToBeReplaced("its terms changed", now: Self.start)
        tunnel.isBeingReplaced(until: Self.start)
        tunnel.isReplaced(now: Self.start)
        // The third is ours, and the fourth the other end began at the same moment: it would end the third for it.
        tunnel.listed(
            [association(3), association(2), association(4), association(5, carries: false)],
            counts: true
        )
        #expect(tunnel.older.map(\.uniqueID) == [2])
        for _ in 0..<10 { tunnel.listed([association(3)], counts: true) }
        tunnel.listed([association(3), association(5)], counts: true)
        #expect(tunnel.older == [])
    }

    /// Its keys are being renewed, or were by another child: it carries all the same.
    @Test(arguments: ["INSTALLED", "REKEYING", "REKEYED", "UPDATING", "CREATED", "DELETING"])
    func carriesWhileItsKeysAreRenewed(_ state: String) throws {
        var tunnel = try tunnel()
        tunnel.listed([association(1, childState: state)], counts: true)
        #expect(tunnel.stands == !["CREATED", "DELETING"].contains(state))
        #expect(!association(1, childState: state).isHalfDone)
    }

    @Test func aCharonThatComesBackIsToldAtOnce() throws {
        var tunnel = try tunnel()
        for _ in 0..<9 { tunnel.ended(.noAnswer, now: Self.start) }
        tunnel.refusal = "charon refused"
        #expect(tunnel.due > Self.start)
        tunnel.letGo(now: Self.start)
        #expect(tunnel.due == Self.start && tunnel.refusal == nil)
    }

    @Test func otherKeysAreRememberedUntilTheyWereUsed() throws {
        var tunnel = try tunnel(.shared)
        tunnel.take(try IKEExample.wish("ppk: {id: a, key-file: ppk}"), now: Self.start)
        #expect(tunnel.hasOtherSecrets)
        tunnel.take(try IKEExample.wish("ppk: {id: a, key-file: ppk}\n    encapsulation: always"), now: Self.start)
        #expect(tunnel.hasOtherSecrets)
        tunnel.isReplaced(now: Self.start)
        #expect(!tunnel.hasOtherSecrets)
    }

    @Test func isTriedLessAndLessOftenWhileWhatStandsStays() throws {
        var tunnel = try tunnel()
        tunnel.listed([association(1)], counts: true)
        tunnel.isToBeReplaced("its terms changed", now: Self.start)
        var pauses: [Duration] = []
        for _ in 0..<8 {
            tunnel.isNotReplaced(.authenticationRefused, now: Self.start)
            pauses.append(try #require(tunnel.replacement).due - Self.start)
        }
        #expect(pauses == [10, 20, 40, 80, 160, 320, 600, 600].map { .seconds($0) })
        #expect(tunnel.stands && tunnel.failure == nil && tunnel.replacement?.failure == .authenticationRefused)
    }

    @Test func whatBeginsAnewHasNothingToBeReplaced() throws {
        let changes: [(inout IKETunnel) -> Void] = [
            { $0.isIncomplete() }, { $0.isToBeBegunAnew(now: Self.start) },
            { $0.ended(.peerCertificateRevoked, now: Self.start) },
        ]
        for change in changes {
            var tunnel = try tunnel()
            tunnel.isToBeReplaced("its terms changed", now: Self.start)
            change(&tunnel)
            #expect(tunnel.replacement == nil)
        }
    }

    /// The file was read again: what is known of what stands is kept, what was tried of before is not.
    @Test func takesOtherTermsAndKnowsWhatStands() throws {
        var tunnel = try tunnel()
        tunnel.listed([association(1)], counts: true)
        tunnel.isLoaded = true
        tunnel.isToBeReplaced("its terms changed", now: Self.start)
        let wish = try IKEExample.wish("encapsulation: always", .certificates)
        tunnel.take(wish, now: Self.start)
        #expect(tunnel.wish == wish && tunnel.stands && !tunnel.isLoaded && tunnel.replacement == nil)
    }

    @Test func distrustIsOurs() {
        let all: [IKEFailure] = [
            .authenticationRefused, .presharedKeyMismatch, .noSharedKey, .noPrivateKey, .proposalMismatch,
            .childProposalMismatch, .trafficSelectorMismatch, .peerUntrusted, .peerCertificateExpired,
            .authorityExpired,
            .ownCertificateExpired, .peerCertificateRevoked, .peerRevocationUnknown, .identityMismatch,
            .peerIdentityUnknown, .noPostQuantumKey, .peerLacksPostQuantumKey, .postQuantumKeyRefused, .noAnswer,
            .charonLost, .other("x"),
        ]
        #expect(
            all.filter(\.isDistrust) == [
                .peerUntrusted, .peerCertificateExpired, .authorityExpired, .peerCertificateRevoked,
                .identityMismatch, .peerIdentityUnknown,
            ]
        )
    }
}
