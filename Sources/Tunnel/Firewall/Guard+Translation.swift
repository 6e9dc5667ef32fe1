// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes

extension Guard {
    /// A rule that gives sources the address of the path that they leave by, and the set that they are in; one a path
    /// and family.
    var translation: [(set: NftTable.Set, rule: NftTable.Rule)] {
        paths.flatMap { path -> [(set: NftTable.Set, rule: NftTable.Rule)] in
            // Prefixes in one another would be elements in one another, which no set takes.
            let sources = AddressShares(of: (path.natSources ?? []).map { ($0, path.name) }).ranges[path.name] ?? []
            return AddressFamily.allCases.compactMap { family in
                let ranges = sources.filter { $0.first.family == family }
                guard !ranges.isEmpty else { return nil }
                let set = "nat-\(path.name)-\(family)"
                return (
                    NftTable.Set(name: set, contents: .addresses(family, ranges)),
                    NftTable.Rule(
                        "leaves \(path.name) with its address",
                        [.meta(NFT_META_OIFNAME), .compare(NFT_CMP_EQ, path.interface.paddedKey)]
                            + Self.inSet(set, family, .source) + [.counter, .masquerade]
                    )
                )
            }
        }
    }

    /// Where connections get the source that they keep (NF_IP_PRI_NAT_SRC).
    static func translating(_ rules: [NftTable.Rule]) -> NftTable.Chain {
        NftTable.Chain(
            name: "translate",
            kind: .nat,
            hook: UInt32(NF_INET_POST_ROUTING.rawValue),
            priority: 100,
            rules: rules
        )
    }
}
