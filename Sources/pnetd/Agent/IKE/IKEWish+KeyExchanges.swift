// SPDX-License-Identifier: Apache-2.0

import Tunnel

extension IKEWish {
    /// What the proposals ask for and charon does not have, and what helps; nil where it has all. charon itself says no more
    /// than that a proposal is not valid, or nothing until it is about to negotiate.
    func lack(of charon: CharonVersion, _ exchanges: CharonKeyExchanges) -> String? {
        let words = (connection.proposals + connection.children.flatMap(\.proposals)).flatMap {
            $0.split(separator: "-")
        }
        let missing = words.first { word in
            guard let method = Self.additionalKeyExchange(word) else { return false }
            let isMLKEM = method.hasPrefix("mlkem")
            return isMLKEM
                ? !exchanges.names.contains("ML_KEM_\(method.dropFirst(5))") : charon.isBeforeMultipleKeyExchanges
        }
        return missing.map {
            "\(charon.daemon) \(charon.version) has no '\($0)', which 'proposals' name: strongSwan 6.0 or newer has it, with its "
                + "plugin ml or OpenSSL 3.5; or take it out, and give the path a 'ppk'"
        }
    }

    /// What stands behind `ke1_` to `ke7_` (RFC 9370), as strongSwan writes them.
    private static func additionalKeyExchange(_ word: Substring) -> Substring? {
        let parts = word.split(separator: "_", maxSplits: 1)
        guard parts.count == 2, let number = parts[0].last, parts[0].dropLast() == "ke", ("1"..."7").contains(number)
        else { return nil }
        return parts[1]
    }
}

extension CharonVersion {
    /// strongSwan has RFC 9370 since 6.0.
    fileprivate var isBeforeMultipleKeyExchanges: Bool {
        Int(version.prefix { $0.isWholeNumber }).map { $0 < 6 } ?? false
    }
}
