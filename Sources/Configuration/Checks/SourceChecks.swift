// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

extension Reading {
    /// An address that a path's packets leave from must be one that answers reach this host by, and that nothing on the way
    /// out changes.
    func checkSources() {
        for source in declared.sources {
            if let other = declared.addresses.first(where: {
                $0.owner != source.owner && $0.value.address == source.value
            }) {
                let message = "source \(source.value) is an address of path '\(other.owner)'"
                error(source.mark, message, hint: "the guard drops what comes to it by any other path")
            }
            if let gateway = declared.gateways.first(where: { $0.value == source.value }) {
                let message = "source \(source.value) is the gateway of path '\(gateway.owner)'"
                error(source.mark, message, hint: "an address of this host belongs here")
            }
            if let changed = declared.natSources.first(where: {
                $0.owner == source.owner && $0.value.contains(source.value)
            }) {
                let message = "source \(source.value) lies in the nat source \(changed.value) of path '\(source.owner)'"
                error(source.mark, message, hint: "it would leave with the path's own address all the same")
            }
        }
        for traffic in declared.localTraffic {
            let sources = declared.sources.filter { $0.owner == traffic.owner }
            for source in sources where !traffic.value.contains(where: { $0.contains(source.value) }) {
                let message = "source \(source.value) lies in nothing of the local traffic of path '\(source.owner)'"
                error(
                    source.mark,
                    message,
                    hint: "the tunnel does not take what leaves from there: add it to 'traffic'"
                )
            }
        }
    }
}
