// SPDX-License-Identifier: Apache-2.0

import Configuration
import ControlAPI
import Tunnel

extension StatusReport.Path.IPsec.QuantumProtection {
    /// What protects a tunnel that stands, or why nothing does.
    ///
    /// - Parameters:
    ///   - keyExchanges: all that went into its IKE_SA's keys, by charon's names.
    ///   - hasPostQuantumKey: whether a ppk did.
    ///   - tunnel: what the file asks for.
    ///   - charon: who keeps it, where that is known, and what it has.
    init(
        keyExchanges: [String],
        hasPostQuantumKey: Bool,
        of tunnel: IPsecConfiguration,
        charon: CharonVersion?,
        _ known: CharonKeyExchanges
    ) {
        if keyExchanges.contains(where: { $0.hasPrefix("ML_KEM_") }) {
            self.init(by: .mlKEM)
        } else if hasPostQuantumKey {
            self.init(by: .ppk)
        } else {
            self.init(reason: Self.reason(tunnel, charon, known))
        }
    }

    private static func reason(
        _ tunnel: IPsecConfiguration,
        _ charon: CharonVersion?,
        _ known: CharonKeyExchanges
    ) -> String {
        if tunnel.postQuantumKey != nil { return "the peer does not use this ppk, and 'required: false' lets it" }
        let remedy = "; a ppk would do"
        if let gateway = tunnel.gateway, !tunnel.terms.offersMLKEM,
            tunnel.terms.proposals.ike == gateway.terms.proposals.ike
        {
            return "gateways of '\(gateway.rawValue)' document neither ML-KEM nor ppk"
        }
        if !known.hasMLKEM {
            return "\(charon.map { "\($0.daemon) \($0.version)" } ?? "charon") has no ML-KEM" + remedy
        }
        let isOffered = tunnel.terms.offersMLKEM || tunnel.terms.proposals.ike.contains { $0.contains("_mlkem") }
        return isOffered
            ? "the peer took no ML-KEM" + remedy : "'proposals' name no ML-KEM, as ke1_mlkem768 would be" + remedy
    }
}
