// SPDX-License-Identifier: Apache-2.0

import Configuration
import NetworkTypes
import Tunnel

/// What charon is to have for each path, made anew only where something of it changed: certificates and lists of revoked ones
/// are long to read.
struct IKEWishes {
    /// All that a wish follows from.
    struct Terms: Equatable {
        let path: PathConfiguration
        let slot: Int
        let source: IPAddress?
        let remote: IPAddress
        let isOneOfSeveral: Bool
        let reserved: ReservedNumbers
        let keyExchanges: CharonKeyExchanges
    }

    private var known: [PathName: (terms: Terms, wish: IKEWish?)] = [:]

    mutating func wish(_ terms: Terms) -> IKEWish? {
        if let before = known[terms.path.name], before.terms == terms { return before.wish }
        let wish = IKEWish(
            terms.path,
            slot: terms.slot,
            from: terms.source,
            to: terms.remote,
            isOneOfSeveral: terms.isOneOfSeveral,
            terms.reserved,
            terms.keyExchanges
        )
        known[terms.path.name] = (terms, wish)
        return wish
    }
}
