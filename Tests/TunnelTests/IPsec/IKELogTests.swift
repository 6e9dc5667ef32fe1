// SPDX-License-Identifier: Apache-2.0

import PathHealth
import Testing

@testable import Tunnel

/// charon's sentences, and what is made of them.
struct IKELogTests {
    private static func failure(_ lines: [String], reason: String = "establishing CHILD_SA 'net' failed") -> IKEFailure
    {
        var log = IKELog()
        for line in lines {
            let parts = line.split(separator: "|", maxSplits: 1)
            log.read(Array(parts[1].utf8), group: String(parts[0]))
        }
        return log.failure(reason: reason)
    }

    static let logs: [(expected: IKEFailure, lines: [String])] = [
        (.authenticationRefused, ["IKE|received AUTHENTICATION_FAILED notify error"]),
        (
            .presharedKeyMismatch,
            [
                "IKE|tried 1 shared key for 'a.example' - 'b.example', but MAC mismatched",
                "ENC|generating INFORMATIONAL",
            ]
        ),
        (.presharedKeyMismatch, ["IKE|tried 3 shared keys for '%any' - 'b.example', but MAC mismatched"]),
        (.noSharedKey, ["IKE|no shared key found for 'a.example' - 'b.example'"]),
        (.noPostQuantumKey, ["CFG|PPK required but no PPK found for 'plant.ppk'"]),
        (.peerLacksPostQuantumKey, ["CFG|PPK required but peer does not support PPK"]),
        (.peerLacksPostQuantumKey, ["CFG|PPK required but peer didn't use PPK for PPK_ID 'plant.ppk'"]),
        (.noPrivateKey, ["IKE|no private key found for 'a.example'"]),
        (.proposalMismatch, ["IKE|received NO_PROPOSAL_CHOSEN notify error"]),
        (.proposalMismatch, ["IKE|peers proposal selection invalid"]),
        (.proposalMismatch, ["IKE|requested DH group MODP_2048 not contained in any of our proposals"]),
        (.proposalMismatch, ["IKE|peer's proposal selection invalid"]),
        (.proposalMismatch, ["IKE|peer's key exchange method selection invalid"]),
        (
            .childProposalMismatch,
            [
                "IKE|establishing CHILD_SA net{2}",
                "IKE|already retried with key exchange method ECP_256, ignore requested ECP_384",
            ]
        ),
        (
            .noAnswer,
            ["IKE|unable to determine source address, faking NAT situation", "IKE|giving up after 5 retransmits"]
        ),
        (.childProposalMismatch, ["IKE|received NO_PROPOSAL_CHOSEN notify, no CHILD_SA built"]),
        (.childProposalMismatch, ["IKE|establishing CHILD_SA net{2}", "IKE|no acceptable proposal found"]),
        (
            .childProposalMismatch,
            [
                "IKE|establishing CHILD_SA net{2} reqid 1",
                "IKE|requested DH group ECP_384 not contained in any of our proposals",
            ]
        ),
        (.trafficSelectorMismatch, ["IKE|received TS_UNACCEPTABLE notify, no CHILD_SA built"]),
        (.trafficSelectorMismatch, ["IKE|no acceptable traffic selectors found"]),
        (
            .peerUntrusted,
            [
                "CFG|  using certificate \"CN=b\"", "CFG|no issuer certificate found for \"CN=b\"",
                "CFG|  issuer is \"CN=ca\"", "IKE|no trusted ECDSA public key found for 'b.example'",
            ]
        ),
        (.peerUntrusted, ["CFG|  self-signed certificate \"CN=b\" is not trusted"]),
        (.peerUntrusted, ["CFG|  using certificate \"CN=b\"", "IKE|no trusted RSA public key found for 'b.example'"]),
        (.peerUntrusted, ["CFG|constraint check failed: peer not authenticated by CA 'CN=ca'"]),
        (.peerIdentityUnknown, ["IKE|no trusted RSA public key found for 'b.example'"]),
        (
            .peerCertificateExpired,
            [
                "CFG|  using certificate \"CN=b\"",
                "CFG|subject certificate invalid (valid from Jan 01 00:00:00 2020 to Jan 01 00:00:00 2021)",
                "IKE|no trusted ECDSA public key found for 'b.example'",
            ]
        ),
        (
            .authorityExpired,
            ["CFG|issuer certificate invalid (valid from Jan 01 00:00:00 2020 to Jan 01 00:00:00 2021)"]
        ),
        (.peerCertificateRevoked, ["CFG|certificate was revoked on Nov 27 22:00:00 UTC 2026, reason: key compromise"]),
        (.identityMismatch, ["CFG|constraint check failed: identity 'c.example' required "]),
        (.noAnswer, ["IKE|giving up after 5 retransmits", "IKE|establishing IKE_SA failed, peer not responding"]),
        (.noAnswer, ["IKE|giving up after 5 retransmits", "IKE|peer not responding, trying again (2/0)"]),
        (.other("PPK required but no PPK_ID configured"), ["CFG|PPK required but no PPK_ID configured", "IKE|x"]),
        (
            .other("received FAILED_CP_REQUIRED notify, no CHILD_SA built"),
            [
                "IKE|received FAILED_CP_REQUIRED notify, no CHILD_SA built",
                "IKE|failed to establish CHILD_SA, keeping IKE_SA",
            ]
        ),
        (
            .peerRevocationUnknown,
            ["CFG|constraint check failed: RULE_CRL_VALIDATION is STALE, but requires at least GOOD"]
        ),
        (
            .other("unable to install IPsec policies (SPD) in kernel"),
            [
                "IKE|unable to install IPsec policies (SPD) in kernel",
                "IKE|failed to establish CHILD_SA, keeping IKE_SA",
            ]
        ),
        (.other("something new"), ["IKE|something new", "NET|sending packet: from a to b", "ENC|generating"]),
        (.other("establishing CHILD_SA 'net' failed"), []),
        // Each end's certificate that was proven by another way does not matter any more.
        (
            .trafficSelectorMismatch,
            [
                "CFG|no issuer certificate found for \"CN=b\"",
                "CFG|  reached end of incomplete trust chain for trusted certificate \"CN=b\"",
                "IKE|authentication of 'CN=b' with ECDSA_WITH_SHA256_DER successful",
                "IKE|received TS_UNACCEPTABLE notify, no CHILD_SA built",
            ]
        ),
        // The cause stands before what comes of it.
        (
            .peerCertificateRevoked,
            [
                "CFG|certificate was revoked on Nov 27 22:00:00 UTC 2026, reason: key compromise",
                "CFG|no issuer certificate found for \"CN=b\"",
            ]
        ),
    ]

    @Test(arguments: logs) func findsTheReason(expected: IKEFailure, lines: [String]) {
        #expect(Self.failure(lines) == expected)
    }

    /// What a peer puts into its names is no sentence of charon's.
    @Test(arguments: [
        "IKE|received end entity cert \"CN=', but MAC mismatched\"",
        "CFG|  using certificate \"CN=received AUTHENTICATION_FAILED notify error\"",
        "IKE|IDr: tried 1 shared key for 'a' - 'b', but MAC mismatched",
        "CFG|looking for a child config for giving up after 5 retransmits",
    ])
    func isNotToldByThePeer(line: String) {
        let said = line.split(separator: "|", maxSplits: 1)[1].drop { $0 == " " }
        #expect(Self.failure([line]) == .other(String(said)))
    }

    @Test func tellsLateOnesByWhatIsKnown() {
        var log = IKELog()
        log.read(Array("initiating IKE_SA net[1] to 192.0.2.1".utf8), group: "IKE")
        #expect(log.failureInTime == .noAnswer && !log.hasGivenUp)
        log.read(Array("received NO_PROPOSAL_CHOSEN notify error".utf8), group: "IKE")
        #expect(log.failureInTime == .proposalMismatch)
    }

    @Test func keepsOneLineCutAndClean() {
        var log = IKELog()
        for octets: [UInt8] in [[], [0x20, 0x20], Array("\u{1b}[2J\u{202e}\u{7f}\r\nend".utf8)] {
            log.read(octets, group: "IKE")
        }
        #expect(log.failure(reason: "") == .other(" [2J    end"))
        log.read(Array(repeating: 0xff, count: 65_535), group: "IKE")
        #expect(log.failure(reason: "") == .other(String(repeating: "\u{fffd}", count: 200)))
        log.read(Array(repeating: 0x20, count: 65_535) + Array("giving up after 5 retransmits".utf8), group: "IKE")
        #expect(!log.hasGivenUp)
    }

    @Test func saysEachFailureInOneLine() {
        for (failure, _) in Self.logs {
            #expect(!failure.description.isEmpty && !failure.description.contains("\n"))
        }
    }

    @Test func takesOurOwnCertificateIntoAccount() {
        let own = CertificateFacts(
            subject: "",
            issuer: "",
            serial: "",
            notBefore: 100,
            notAfter: 200,
            fingerprint: [],
            alternativeNames: []
        )
        let refused = IKEFailure.authenticationRefused
        #expect(
            [99, 100, 200].map { refused.considering(own: [own], at: $0) } == [
                .ownCertificateExpired, refused, refused,
            ]
        )
        #expect(refused.considering(own: [], at: 300) == refused)
        #expect(IKEFailure.noAnswer.considering(own: [own], at: 300) == .noAnswer)
    }
}
