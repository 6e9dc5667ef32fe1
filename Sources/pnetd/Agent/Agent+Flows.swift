// SPDX-License-Identifier: Apache-2.0

import Logging
import NetworkTypes
import PathHealth
import SystemIO
import Tunnel

extension Agent {
    /// Cuts the flows to a network that have the address of another path than the one that leads there now. Where that
    /// fails, every pass over the kernel tries it again.
    func cutStranded(_ network: NetworkName, since started: Instant) {
        // What went down meanwhile, or is no network any more, has nothing to mend.
        flowProblems[network] = nil
        guard !kernelWork.isOver, routed[network]?.path != nil else { return }
        do {
            let cut = try tracking.cutStranded(network, in: desired)
            counters.took(.flows, loop.now - started)
            for (path, count) in cut.sorted(by: { $0.key < $1.key }) {
                counters.flowsCut[path, default: 0] += UInt64(count)
                log.notice("\(network): \(count) flows with the address of \(path) are cut; they begin anew")
            }
        } catch {
            counters.failures += 1
            let problem = "\(network): flows may be stuck with the address of a path that it has left: \(error)"
            log.error("\(problem)")
            flowProblems[network] = problem
        }
    }
}
