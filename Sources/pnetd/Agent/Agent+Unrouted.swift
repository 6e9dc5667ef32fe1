// SPDX-License-Identifier: Apache-2.0

import Configuration
import NetworkTypes
import PathHealth

/// Where names may not lead, since the kernel leads there by no path: a line without IPv6, a route that was refused.
struct Unrouted: Equatable {
    /// The prefixes.
    private(set) var prefixes: [IPPrefix] = []
    /// The same by their networks, as far as those have a path.
    private(set) var ofNetworks: [NetworkName: [IPPrefix]] = [:]
    /// The networks of which no prefix is led to.
    private(set) var networks: Set<NetworkName> = []

    init() {}

    init(_ prefixes: [IPPrefix], _ site: SiteConfiguration) {
        guard !prefixes.isEmpty else { return }
        self.prefixes = prefixes
        let all = Set(prefixes)
        for network in site.networks {
            let own = network.prefixes.filter(all.contains)
            if !own.isEmpty { ofNetworks[network.name] = own }
            if own.count == network.prefixes.count { networks.insert(network.name) }
        }
    }
}

extension Agent {
    /// Notes where no path leads; what comes next tells the resolver.
    func noteUnrouted(_ prefixes: [IPPrefix]) {
        guard !prefixes.isEmpty || !names.unrouted.prefixes.isEmpty else { return }
        let unrouted = Unrouted(prefixes, site)
        guard unrouted != names.unrouted else { return }
        names.unrouted = unrouted
        names.isUnroutedNews = true
    }

    /// Tells the resolver where no path leads, unless it knows.
    func tellUnrouted() {
        if names.isUnroutedNews { _ = sendSnapshot() }
    }

    var unroutedWarnings: [String] {
        names.unrouted.ofNetworks.sorted { $0.key.text < $1.key.text }.compactMap { network, prefixes in
            guard let path = named[network]?.outcome.path, let first = prefixes.first else { return nil }
            let what = prefixes.count == 1 ? "\(first)" : "\(first) and \(prefixes.count - 1) more prefixes"
            return
                "\(network): \(path) does not lead to \(what); addresses there are not answered (a line needs a gateway "
                + "of each family)"
        }
    }
}
