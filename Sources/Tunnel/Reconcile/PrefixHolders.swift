// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// Which network an address is reached through: that with the longest prefix that holds it.
struct PrefixHolders {
    private var networks: [IPPrefix: NetworkName] = [:]
    private var lengths: [AddressFamily: [Int]] = [:]

    init(_ networks: [Desired.Network]) {
        var lengths: [AddressFamily: Set<Int>] = [:]
        for network in networks {
            for prefix in network.prefixes {
                self.networks[prefix] = network.name
                lengths[prefix.family, default: []].insert(prefix.length)
            }
        }
        self.lengths = lengths.mapValues { $0.sorted(by: >) }
    }

    func network(of address: IPAddress) -> NetworkName? {
        for length in lengths[address.family] ?? [] {
            if let prefix = IPPrefix(holding: address, length: length), let network = networks[prefix] {
                return network
            }
        }
        return nil
    }
}
