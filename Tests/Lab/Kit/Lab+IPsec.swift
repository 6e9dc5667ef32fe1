// SPDX-License-Identifier: Apache-2.0

import SystemIO

extension Lab {
    /// Starts a charon at each end, and has the gateway await the site. A router belongs there before.
    ///
    /// - Parameter second: the path by the gateway's other tunnel. With two, which one the cloud answers by is for
    ///   ``answerEverything(by:)`` to say.
    public func addIPsec(
        _ path: IPsecPath,
        _ gateway: IPsecGateway = IPsecGateway(),
        second: IPsecPath? = nil
    ) throws -> IPsec {
        try IPsec(self, path, gateway, second: second)
    }

    /// What the charons of the lab have said, one after the other.
    public var charonLogs: String {
        [site, cloud].compactMap { host in
            guard let log = try? Files.read("\(host.folder)/charon.log", limit: 256 << 20) else { return nil }
            return "--- charon's log on \(host.name)\n\(String(decoding: log, as: UTF8.self).suffix(4_000))"
        }.joined(separator: "\n")
    }
}

extension IPsec {
    /// Raises the gateway's interface for a path.
    func raiseGateway(_ path: IPsecPath) throws {
        let link = path.gatewayLink
        let lines =
            [
                "link add \(link) type xfrm dev \(path.underlay.uplink) if_id \(path.gatewayInterfaceID)",
                "link set \(link) up",
            ] + path.gatewayAddresses.map { "address add \($0) dev \(link)" }
        try lab.cloud.ip(lines.joined(separator: "\n"))
    }

    /// What the cloud is asked by IPsec it answers by it, whatever the tunnels are for.
    func answerByIPsec() throws {
        let way = "dev \(Self.gatewayLink)"
        try lab.answer(by: Self.gatewayLink, mark: 4, ways: (way, way))
    }
}
