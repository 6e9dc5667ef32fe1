// SPDX-License-Identifier: Apache-2.0
// What charon logs at level 1 about an IKE_SA that it begins, by strongSwan 5.9.8 and 6.0: ike_init.c, ike_auth.c,
// child_create.c, psk_authenticator.c, pubkey_authenticator.c, task_manager_v2.c, credential_manager.c, auth_cfg.c and
// revocation_validator.c.

import PathHealth

/// A sentence of charon's by what it begins, holds and ends with: what stands between may come from the peer, which must
/// not be able to put a sentence into another one.
struct IKESentence {
    enum Meaning {
        /// It went wrong for this reason.
        case cause(IKEFailure)
        /// It went wrong for a reason that the sentence itself says best.
        case causeItself
        /// It went wrong, as the sentence says, where no cause was told.
        case effectItself
        /// There is no proposal in common, for whatever is negotiated just now.
        case proposals
        /// A CHILD_SA is negotiated from now on.
        case childBegins
        /// A certificate of the peer's is looked at.
        case certificateFound
        /// The peer's proof by a certificate failed, where no cause was told.
        case certificateMissing
        /// An end proved who it is: what went wrong with one of its certificates did not matter.
        case proven
        /// Nothing comes back, and charon begins again from the start.
        case givenUp
        /// The CHILD_SA is there already.
        case present
    }

    let begins: String
    var holds = ""
    var ends = ""
    let meaning: Meaning

    init(_ begins: String, holds: String = "", ends: String = "", _ meaning: Meaning) {
        self.begins = begins
        self.holds = holds
        self.ends = ends
        self.meaning = meaning
    }

    /// By octets: what the peer puts behind a word must not make another letter of its last one.
    func fits(_ line: ArraySlice<UInt8>) -> Bool {
        guard line.starts(with: begins.utf8), line.count >= begins.utf8.count + ends.utf8.count,
            line.reversed().starts(with: ends.utf8.reversed())
        else { return false }
        return holds.isEmpty
            || line.dropFirst(begins.utf8.count).dropLast(ends.utf8.count).contains(Array(holds.utf8))
    }

    static let all: [IKESentence] = [
        // The peer's answers.
        IKESentence("received AUTHENTICATION_FAILED notify error", .cause(.authenticationRefused)),
        IKESentence("received NO_PROPOSAL_CHOSEN notify error", .proposals),
        IKESentence("received NO_PROPOSAL_CHOSEN notify, no CHILD_SA built", .cause(.childProposalMismatch)),
        IKESentence("received TS_UNACCEPTABLE notify", .cause(.trafficSelectorMismatch)),
        IKESentence("received INVALID_SELECTORS notify", .cause(.trafficSelectorMismatch)),
        IKESentence("received ", ends: " notify, no CHILD_SA built", .causeItself),
        IKESentence("received ", ends: " notify error", .causeItself),
        // What the peer chose is none of ours.
        IKESentence("requested DH group ", ends: " not contained in any of our proposals", .proposals),
        IKESentence("already retried with ", .proposals),
        IKESentence("peers proposal selection invalid", .proposals),
        IKESentence("peer's proposal selection invalid", .proposals),
        IKESentence("peer DH group selection invalid", .proposals),
        IKESentence("peer's key exchange method selection invalid", .proposals),
        IKESentence("no acceptable proposal found", .proposals),
        IKESentence("no acceptable traffic selectors found", .cause(.trafficSelectorMismatch)),
        IKESentence("peer selected invalid traffic selectors: ", .cause(.trafficSelectorMismatch)),
        // Shared keys, post-quantum ones among them, and our own proof.
        IKESentence("tried ", holds: " shared key", ends: "', but MAC mismatched", .cause(.presharedKeyMismatch)),
        IKESentence("no shared key found for '", .cause(.noSharedKey)),
        IKESentence("no private key found for '", .cause(.noPrivateKey)),
        IKESentence("PPK required but no PPK found for '", .cause(.noPostQuantumKey)),
        IKESentence("PPK required but peer ", .cause(.peerLacksPostQuantumKey)),
        IKESentence("PPK required but ", .causeItself),
        // The peer's certificates.
        IKESentence("using certificate \"", .certificateFound),
        IKESentence("using trusted certificate \"", .certificateFound),
        IKESentence("no issuer certificate found for \"", .cause(.peerUntrusted)),
        IKESentence("self-signed certificate \"", ends: "\" is not trusted", .cause(.peerUntrusted)),
        IKESentence("subject certificate invalid (valid from ", .cause(.peerCertificateExpired)),
        IKESentence("issuer certificate invalid (valid from ", .cause(.authorityExpired)),
        IKESentence("certificate was revoked on ", .cause(.peerCertificateRevoked)),
        IKESentence("signature validation failed, looking for another key", .causeItself),
        IKESentence("no trusted ", holds: " public key found for '", .certificateMissing),
        IKESentence("constraint check failed: identity '", .cause(.identityMismatch)),
        IKESentence("constraint check failed: peer not authenticated by CA '", .cause(.peerUntrusted)),
        IKESentence("constraint check failed: peer not authenticated with peer cert '", .cause(.peerUntrusted)),
        IKESentence("constraint check failed: RULE_CRL_VALIDATION is ", .cause(.peerRevocationUnknown)),
        IKESentence("constraint check failed: RULE_OCSP_VALIDATION is ", .cause(.peerRevocationUnknown)),
        IKESentence("constraint check failed: ", .causeItself),
        IKESentence("constraint requires ", .causeItself),
        IKESentence("authentication of '", ends: " successful", .proven),
        // This host.
        IKESentence("unable to install ", .effectItself),
        IKESentence("unable to allocate SPIs from kernel", .effectItself),
        IKESentence("unable to create ", .effectItself),
        IKESentence("unable to resolve ", .effectItself),
        IKESentence("allocating SPI", .effectItself),
        IKESentence("key derivation failed", .effectItself),
        // The course of it.
        IKESentence("establishing CHILD_SA ", .childBegins),
        IKESentence("giving up after ", .givenUp),
        IKESentence("not establishing CHILD_SA ", holds: " due to existing duplicate ", .present),
    ]
}
