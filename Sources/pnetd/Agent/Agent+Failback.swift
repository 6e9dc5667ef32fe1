// SPDX-License-Identifier: Apache-2.0

import Configuration
import NetworkTypes
import PathHealth
import SystemIO

extension Agent {
    /// Tells the core which networks' traffic may come back to better paths at this time of the week.
    func watchFailbackWindows() {
        for network in site.networks {
            guard case .auto(_, let window?) = network.failback,
                let time = LocalTime(wallNanoseconds: clock.wallNanoseconds)
            else {
                observe(.failback(network.name, isOpen: true))
                continue
            }
            observe(.failback(network.name, isOpen: window.contains(time.day, minute: time.minute)))
        }
    }
}
