// SPDX-License-Identifier: Apache-2.0

import Configuration
import Digests
import NetworkTypes
import Tunnel

/// What charon is to have for an IPsec path.
struct IKEWish: Equatable {
    /// The connection; its one child has the same name.
    let connection: IPsecConnection
    /// What goes with the connection, and is loaded apart from it.
    let secrets: [Secret]
    /// Our own certificate, and those that lead to an authority.
    let certificates: [CertificateFacts]
    /// Whose certificates the other end's may be.
    let authorities: [CertificateFacts]
    /// Lists of what they revoked.
    let revocationLists: [RevocationList]
    /// After so long both ends prove anew who they are; nil: never.
    let reauthentication: Duration?
    /// What cannot be read of what the file names, in words.
    let faults: [String]

    /// What all names begin with that pnetd gives charon: what is called otherwise is somebody else's.
    static func name(_ path: PathName) -> String { "pnetd-\(path)" }
    /// Tells ours from others.
    static let names = CharonNames(prefix: "pnetd-")

    /// The other end is asked after so long a silence; how long its answer may take is strongswan.conf's to say.
    private static let deadPeerDelay = Duration.seconds(10)

    /// Nil as long as the tunnel has no address to begin from, or none to go to.
    ///
    /// - Parameters:
    ///   - source: the underlay's address for the other end.
    ///   - remote: the other end's.
    ///   - isOneOfSeveral: whether another path's tunnel is between the same identities.
    ///   - keyExchanges: what charon has.
    init?(
        _ path: PathConfiguration,
        slot: Int,
        from source: IPAddress?,
        to remote: IPAddress?,
        isOneOfSeveral: Bool,
        _ reserved: ReservedNumbers,
        _ keyExchanges: CharonKeyExchanges
    ) {
        guard let tunnel = path.ipsec, let source, let remote else { return nil }
        let name = Self.name(path.name)
        let (own, authorities): (IPsecConnection.Proof, IPsecConnection.Proof)
        var secrets: [Secret] = []
        switch tunnel.proof {
        case .presharedKey(let key):
            (own, authorities) = (.presharedKey, .presharedKey)
            secrets.append(.preshared(key, owners: [tunnel.localID ?? "\(source)", tunnel.remoteID]))
            (certificates, self.authorities, revocationLists, reauthentication, faults) = ([], [], [], nil, [])
        case .certificates(let proof):
            own = .certificate(certificates: proof.own.map { Array($0.utf8) }, authorities: [])
            authorities = .certificate(certificates: [], authorities: proof.authorities.map { Array($0.utf8) })
            secrets.append(.privateKey(proof.privateKey))
            certificates = proof.own.compactMap { try? CertificateFacts(Array($0.utf8)) }
            self.authorities = proof.authorities.compactMap { try? CertificateFacts(Array($0.utf8)) }
            let (lists, odd) = Self.read(proof.revocationLists)
            let fits =
                proof.own.first.map { CertificateFacts.fits(Array($0.utf8), privateKey: proof.privateKey) } ?? false
            revocationLists = lists
            faults =
                odd
                + (fits
                    ? [] : ["its certificate and its private key do not belong together: see to both files in 'local'"])
            reauthentication = tunnel.reauthentication
        }
        if let key = tunnel.postQuantumKey { secrets.append(.postQuantum(key.key, identity: key.identity)) }
        self.secrets = secrets
        var child = IPsecConnection.Child(name: name, from: tunnel.localTraffic, to: tunnel.remoteTraffic)
        child.proposals = tunnel.terms.proposals.esp
        child.interfaceIDs = IPsecInterfaceIDs(reserved.xfrmInterfaceID(slot))
        // The guard knows by it what is about to be sealed.
        child.requestID = reserved.xfrmInterfaceID(slot)
        child.outboundMark = .init(value: reserved.underlayMark(slot), mask: reserved.markMask)
        child.rekeyTime = tunnel.terms.lifetimes.child
        child.replayWindow = tunnel.terms.replayWindow
        var connection = IPsecConnection(
            name: name,
            from: [source],
            to: [remote],
            local: .init(identity: tunnel.localID ?? (certificates.isEmpty ? "\(source)" : nil), proof: own),
            remote: .init(identity: tunnel.remoteID, proof: authorities),
            children: [child]
        )
        connection.proposals = tunnel.terms.ikeProposals(charonHasMLKEM: keyExchanges.hasMLKEM)
        connection.deadPeerDelay = Self.deadPeerDelay
        connection.forcesEncapsulation = tunnel.forcesEncapsulation
        connection.rekeyTime = tunnel.terms.lifetimes.ike
        connection.certificateSending = .always
        // To say at the first contact that there is no other would end the other at a gateway that believes it.
        connection.uniqueness = isOneOfSeveral ? .never : tunnel.terms.allowsDuplicates ? .duplicates : .replace
        if case .certificates(let proof) = tunnel.proof { connection.revocation = .init(proof.revocation) }
        connection.postQuantumKey = tunnel.postQuantumKey.map {
            .init(identity: $0.identity, isRequired: $0.isRequired)
        }
        self.connection = connection
    }

    /// charon finds a list only by the key that it names, and what it does not find it does not heed.
    private static func read(_ files: [[UInt8]]) -> (lists: [RevocationList], faults: [String]) {
        var (lists, faults): ([RevocationList], [String]) = ([], [])
        for file in files {
            do throws(RevocationListError) {
                let list = try RevocationList(file)
                lists.append(list)
                guard !list.namesItsKey else { continue }
                faults.append(
                    "its list of certificates that \(list.issuer) revoked names no key, and charon does not find it by "
                        + "anything else: have it made with authorityKeyIdentifier"
                )
            } catch {
                faults.append("\(error): 'crls' in the file")
            }
        }
        return (lists, faults)
    }

    /// The connection as it is loaded for the so manieth time.
    func connection(edition: UInt8) -> IPsecConnection {
        var connection = connection
        connection.edition = edition
        return connection
    }

    /// Of all that makes a tunnel another one; nil where the host's library makes none.
    var digest: [UInt8]? {
        guard !revocationLists.isEmpty else { return connection.digest }
        return connection.digest.flatMap { Digest.sha256.of($0 + revocationLists.flatMap(\.octets)) }
    }
}

extension IPsecConnection.RevocationPolicy {
    fileprivate init?(_ revocation: IPsecConfiguration.Revocation) {
        switch revocation {
        case .relaxed: return nil
        case .ifuri: self = .whereNamed
        case .strict: self = .strict
        }
    }
}

extension IPsecConfiguration {
    /// Whether another tunnel is between the same identities, as far as the file says. Where it does not, they are taken to
    /// be.
    func isBetweenTheSame(as other: IPsecConfiguration) -> Bool {
        remoteID == other.remoteID && localID == other.localID
            && (localID != nil || ownCertificate == other.ownCertificate)
    }

    private var ownCertificate: String? {
        guard case .certificates(let proof) = proof else { return nil }
        return proof.own.first
    }
}
