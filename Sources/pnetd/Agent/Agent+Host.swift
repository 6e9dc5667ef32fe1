// SPDX-License-Identifier: Apache-2.0

import Logging
import Tunnel

extension Agent {
    /// Looks whether a setting of the host stands in the way; says each once for as long as it does.
    func lookAtHost() {
        let desired = desired
        let found = HostSettings(for: desired).warnings(for: desired)
        for warning in found where !hostWarnings.contains(warning) { log.warning("\(warning)") }
        hostWarnings = found
    }
}
