// SPDX-License-Identifier: Apache-2.0

import NIOSSL
import NetworkTypes
import ProcessLink
import SystemIO

/// What a handshake is made with: whom we trust, and who we are. Kept for a while, as a system trusts more than a
/// hundred certificates that have to be read.
struct HandshakeParties {
    /// One of them.
    struct Party {
        let context: NIOSSLContext
        /// Until when our own certificate is valid, in seconds since 1970.
        let identityExpires: Int64?
    }

    fileprivate struct Terms: Hashable {
        let roots: String?
        let identity: ClientIdentity?
        /// Whether a request follows.
        let isAsking: Bool
    }

    /// So long is one used: trust stores change, and this process lives for months.
    private static let freshness = Duration.seconds(600)
    private static let limit = 64
    /// First a group whose key share alone takes 1,216 octets (X25519MLKEM768), so that the first packet is as large as
    /// any of a browser's, and takes two segments: where large packets are lost, the handshake shows it. A server that
    /// does not know the group takes the second share, of X25519, from the same packet.
    fileprivate static let groups: [NIOTLSCurve] = [.x25519_MLKEM768, .x25519, .secp256r1, .secp384r1]

    private var known: [Terms: (party: Party, made: Instant)] = [:]

    /// Throws where the roots or the identity are of no use.
    mutating func party(to request: HandshakeRequest, at now: Instant) throws(Useless) -> Party {
        known = known.filter { now - $0.value.made < Self.freshness }
        let terms = Terms(roots: request.roots, identity: request.identity, isAsking: request.question != nil)
        if let party = known[terms]?.party { return party }
        let party = try Party(terms)
        if known.count < Self.limit { known[terms] = (party, now) }
        return party
    }

    /// Why there is none.
    struct Useless: Error {
        let outcome: HandshakeOutcome
    }
}

extension HandshakeParties.Party {
    fileprivate init(_ terms: HandshakeParties.Terms) throws(HandshakeParties.Useless) {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.curves = HandshakeParties.groups
        // Else a server may speak HTTP/2 (RFC 7301). Whoever is asked nothing may speak anything.
        if terms.isAsking { configuration.applicationProtocols = ["http/1.1"] }
        do {
            if let roots = terms.roots {
                configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(roots.utf8)))
            }
        } catch {
            throw HandshakeParties.Useless(outcome: .unable)
        }
        do {
            var own: [NIOSSLCertificate] = []
            if let identity = terms.identity {
                own = try NIOSSLCertificate.fromPEMBytes(Array(identity.certificates.utf8))
                let key = try NIOSSLPrivateKey(bytes: identity.privateKey.bytes, format: .pem)
                configuration.certificateChain = own.map { .certificate($0) }
                configuration.privateKey = .privateKey(key)
            }
            // Refuses a key that is not the certificate's.
            context = try NIOSSLContext(configuration: configuration)
            identityExpires = own.first.map { Int64($0.notValidAfter) }
        } catch {
            throw HandshakeParties.Useless(outcome: terms.identity == nil ? .unable : .unfit)
        }
    }
}
