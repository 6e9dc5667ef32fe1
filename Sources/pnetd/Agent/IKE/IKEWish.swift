// SPDX-License-Identifier: Apache-2.0

import Configuration
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
    ///   - keyExchanges: what charon has.
    init?(
        _ path: PathConfiguration,
        slot: Int,
        from source: IPAddress?,
        to remote: IPAddress?,
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
            certificates = []
        case .certificates(let proof):
            own = .certificate(certificates: proof.own.map { Array($0.utf8) }, authorities: [])
            authorities = .certificate(certificates: [], authorities: proof.authorities.map { Array($0.utf8) })
            secrets.append(.privateKey(proof.privateKey))
            certificates = proof.own.compactMap { try? CertificateFacts(Array($0.utf8)) }
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
        connection.uniqueness = tunnel.terms.allowsDuplicates ? .duplicates : .replace
        connection.certificateSending = .always
        connection.postQuantumKey = tunnel.postQuantumKey.map {
            .init(identity: $0.identity, isRequired: $0.isRequired)
        }
        self.connection = connection
    }
}
