// SPDX-License-Identifier: Apache-2.0

import Configuration
import Logging
import NetworkTypes
import PathHealth
import Tunnel

/// How large packets get through the paths: measured, and kept to.
extension Agent {
    /// Measures the paths that stand, by their interfaces as they are.
    func measureMTUs() {
        var ways: [PathName: MTUProbing.Way] = [:]
        for path in site.paths {
            guard site.asksEchoes(through: path.name) else {
                // Nobody could take it back.
                if saved.carriedMTUs?[path.name.text] != nil { forgetMTU(of: path.name) }
                continue
            }
            guard let state = paths[path.name], state.condition == .ready, let link = state.link else { continue }
            ways[path.name] = MTUProbing.Way(
                link: link.index,
                largest: link.mtu,
                isMetered: path.isMetered
            )
        }
        let known = (saved.carriedMTUs ?? [:]).compactMap { entry in PathName(entry.key).map { ($0, entry.value) } }
        mtuProbing?.follow(ways, known: Dictionary(known, uniquingKeysWith: { first, _ in first }))
    }

    private func forgetMTU(of path: PathName) {
        saved.carriedMTUs?[path.text] = nil
        save()
        log.notice(
            "\(path): how large packets get through is not measured any more: no icmp target is asked through it"
        )
        scheduleReconcile(after: .zero)
    }

    /// Keeps what was found, and has the routes follow.
    func carriedMTUChanged(_ path: PathName) {
        let carried = mtuProbing?.carried(by: path)
        saved.carriedMTUs = saved.carriedMTUs ?? [:]
        saved.carriedMTUs?[path.text] = carried
        save()
        if let carried {
            log.warning("\(path): packets of more than \(carried) octets are lost on the way")
        } else {
            log.notice("\(path): packets of all sizes that its interface takes get through")
        }
        scheduleReconcile(after: .zero)
        tellLivingWays()
    }

    /// The wish with routes that allow no more than gets through, save where the file says how much a path takes.
    func narrowed(_ desired: Desired) -> Desired {
        var desired = desired
        for place in desired.paths.indices where desired.paths[place].mtu == nil {
            desired.paths[place].carriedMTU = saved.carriedMTUs?[desired.paths[place].name.text]
        }
        return desired
    }

    /// What is to be known of paths that carry less than their interfaces take.
    var mtuWarnings: [String] {
        site.paths.compactMap { path in
            guard let carried = saved.carriedMTUs?[path.name.text], let link = paths[path.name]?.link,
                carried < link.mtu
            else { return nil }
            let lost = "\(path.name): packets of more than \(carried) octets are lost on the way, without a word"
            return path.mtu == nil
                ? "\(lost): its routes allow no more than that (its interface takes \(link.mtu))"
                : "\(lost), and the file's mtu of \(link.mtu) has them sent: lower it, or leave it out"
        }
    }
}

extension SiteConfiguration {
    /// Whether a target of any network is asked by ICMP through a path.
    fileprivate func asksEchoes(through path: PathName) -> Bool {
        networks.contains { network in
            network.paths.contains(path)
                && network.targets.list.contains { if case .icmp = $0 { true } else { false } }
        }
    }
}
