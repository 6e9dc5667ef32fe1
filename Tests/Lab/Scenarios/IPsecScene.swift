// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import Lab
import NetworkTypes
import Testing

extension SiteFile {
    /// A path by IPsec first, a tunnel of WireGuard on another underlay behind it.
    static func ipsecFirst(_ path: IPsecPath = IPsecPath()) -> SiteFile {
        var options = SiteFile()
        options.ipsec = path
        options.paths = [.a]
        return options
    }
}

extension Daemon {
    /// What is said of the path by IPsec, by its network and by itself.
    func ipsecReasons() throws -> [String] {
        let network = try network().paths.first { $0.path.text == IPsec.path }?.reasons ?? []
        return try network + (status().paths.first { $0.name.text == IPsec.path }?.reasons ?? [])
    }
}

/// Both kinds of path stand, and traffic is on IPsec.
func scenarioOnIPsec(
    _ label: String,
    _ options: SiteFile,
    before: (Lab) throws -> Void = { _ in },
    _ body: (Lab, Daemon, IPsec) throws -> Void
) throws {
    try scenario(label, options) { lab, daemon in
        try before(lab)
        let ipsec = try lab.addIPsec(try #require(options.ipsec))
        try daemon.start()
        try daemon.waitFor(path: IPsec.path, within: .seconds(20))
        try daemon.waitFor(.a, .up)
        try body(lab, daemon, ipsec)
    }
}
