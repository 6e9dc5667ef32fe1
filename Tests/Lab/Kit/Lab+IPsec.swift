// SPDX-License-Identifier: Apache-2.0

import SystemIO

extension Lab {
    /// Starts a charon at each end, and has the gateway await the site. A router belongs there before.
    public func addIPsec(_ path: IPsecPath, _ gateway: IPsecGateway = IPsecGateway()) throws -> IPsec {
        try IPsec(self, path, gateway)
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
    /// What the cloud is asked by IPsec it answers by it, whatever the tunnels are for.
    func answerByIPsec() throws {
        let cloud = lab.cloud
        try cloud.ip(
            """
            link add \(Self.gatewayLink) type xfrm dev \(path.underlay.uplink) if_id \(Self.gatewayInterfaceID)
            link set \(Self.gatewayLink) up
            address add \(Self.gatewayAddress)/30 dev \(Self.gatewayLink)
            address add \(Self.gatewayAddress6)/126 dev \(Self.gatewayLink)
            """
        )
        let way = "dev \(Self.gatewayLink)"
        try lab.answer(by: Self.gatewayLink, mark: 4, ways: (way, way))
    }
}
