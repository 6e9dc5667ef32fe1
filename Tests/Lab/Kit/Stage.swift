// SPDX-License-Identifier: Apache-2.0

import CLinux

/// What the lab stands on: the running kernel's abilities, found by trying them, and how slow everything is. The same
/// scenario runs on every stage; what differs is asked for here and nowhere else.
public struct Stage: Sendable {
    /// The kernel has WireGuard; where it has not, wireguard-go does it.
    public let hasWireGuard: Bool
    /// The kernel can delay and lose packets, both ways of a link.
    public let hasNetem: Bool
    /// The kernel has ESP and interfaces for it.
    public let hasESP: Bool
    /// The kernel has VLANs.
    public let hasVLAN: Bool
    /// How many times longer than on a host things may take; from PNETD_LAB_PATIENCE, which an emulated machine sets.
    public let patience: Int
    /// The machine's clock may be set, since nothing else goes by it; from PNETD_LAB_OWN_CLOCK.
    public let ownsClock: Bool

    /// The stage that this process is on.
    public static let here = Stage()

    private init() {
        hasWireGuard = Self.can("ip link add probe type wireguard")
        hasNetem = Self.can(
            """
            tc qdisc add dev lo root netem delay 1ms && ip link add probe type ifb && tc qdisc add dev lo ingress &&
            tc filter add dev lo ingress matchall action mirred egress redirect dev probe
            """
        )
        hasESP = Self.can(
            """
            ip link add probe type xfrm dev lo if_id 1 && ip xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp \
            spi 1 mode tunnel aead 'rfc4106(gcm(aes))' 0x0000000000000000000000000000000000000000 128
            """
        )
        hasVLAN = Self.can("ip link add p0 type veth peer name p1 && ip link add probe link p0 type vlan id 1")
        let text = unsafe getenv("PNETD_LAB_PATIENCE").map { unsafe String(cString: $0) }
        patience = max(1, text.flatMap { Int($0) } ?? 1)
        ownsClock = unsafe getenv("PNETD_LAB_OWN_CLOCK") != nil
    }

    /// How many processes of wireguard-go a site has.
    public var userspaceTunnels: Int { hasWireGuard ? 0 : Tunnel.allCases.count }

    /// How long something may take here that may take so long on a host. What a scenario claims about speed is told
    /// to the host alone in this way: on a slow stage what happens is shown, not how fast.
    public func limit(_ onHost: Duration) -> Duration { onHost * patience }

    /// Whether a script works in a network namespace of its own, which goes with it.
    private static func can(_ script: String) -> Bool {
        (try? Program.run(["unshare", "--net", "sh", "-c", script]))?.status == 0
    }
}
