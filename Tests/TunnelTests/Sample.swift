// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import Testing

@testable import Tunnel

/// A site with two paths and a network, and a kernel to plan against.
enum Sample {
    static let reserved = ReservedNumbers(
        routeProtocol: 112,
        firstTable: 7000,
        firstPriority: 700,
        markMask: 0x7f00_0000,
        firstNexthop: 7000
    )
    static let first: PathName = name("vpn-a")
    static let second: PathName = name("vpn-b")

    static func name<Kind>(_ text: String) -> Name<Kind> {
        guard let name = Name<Kind>(text) else { preconditionFailure("'\(text)' is no name") }
        return name
    }

    static func interface(_ text: String) -> InterfaceName {
        guard let name = InterfaceName(text) else { preconditionFailure("'\(text)' is no interface") }
        return name
    }

    static func prefix(_ text: String) -> IPPrefix {
        guard let prefix = IPPrefix(text) else { preconditionFailure("'\(text)' is no prefix") }
        return prefix
    }

    static func address(_ text: String) -> InterfaceAddress {
        guard let address = InterfaceAddress(text) else { preconditionFailure("'\(text)' is no address") }
        return address
    }

    /// A key of equal octets: not clamped as Curve25519 has it, as a careless key file may be.
    static func secret(_ octet: UInt8) -> WireGuardSecretKey {
        guard let key = WireGuardSecretKey(bytes: Array(repeating: octet, count: 32)) else {
            preconditionFailure("32 octets are a key")
        }
        return key
    }

    static func publicKey(_ octet: UInt8) -> WireGuardPublicKey {
        guard let key = WireGuardPublicKey(bytes: Array(repeating: octet, count: 32)) else {
            preconditionFailure("32 octets are a key")
        }
        return key
    }

    static func endpoint(_ text: String) -> SocketEndpoint {
        guard let endpoint = SocketEndpoint(text) else { preconditionFailure("'\(text)' is no endpoint") }
        return endpoint
    }

    static let prefixes = [prefix("10.20.0.0/16"), prefix("fd00:20::/48")]

    static func peer(_ slot: Int) -> WireGuardSettings.Peer {
        WireGuardSettings.Peer(
            publicKey: publicKey(UInt8(100 + slot)),
            presharedKey: nil,
            endpoint: endpoint("198.51.100.1:51820"),
            keepalive: 15,
            allowedIPs: Set(prefixes)
        )
    }

    static func path(_ path: PathName, slot: Int) -> Desired.Path {
        Desired.Path(
            name: path,
            slot: slot,
            interface: interface("pn-\(path.text.suffix(1))"),
            addresses: [address("10.99.\(slot).2/30"), address("fd00:99:\(slot)::2/126")],
            mtu: nil,
            kind: .wireGuard(
                Desired.Path.WireGuardTunnel(
                    settings: WireGuardSettings(
                        privateKey: secret(UInt8(slot)),
                        listenPort: nil,
                        mark: 0,
                        peers: [peer(slot)]
                    ),
                    callsOverIPv4Only: false,
                    underlay: Desired.Path.Underlay(interface("eth\(slot - 1)"), gateways: nil)
                )
            )
        )
    }

    static func desired(_ outcome: Outcome, weights: [PathName: Int] = [:]) -> Desired {
        Desired(
            reserved: reserved,
            paths: [path(first, slot: 1), path(second, slot: 2)],
            networks: [
                Desired.Network(
                    name: name("azure"),
                    slot: 1,
                    prefixes: prefixes,
                    paths: [first, second],
                    weights: weights,
                    outcome: outcome
                )
            ]
        )
    }

    static func link(_ name: String, _ index: Int32, alias: String? = nil) -> Link {
        Link(
            index: index,
            name: interface(name),
            kind: alias == nil ? nil : "wireguard",
            alias: alias,
            isUp: true,
            hasCarrier: true,
            mtu: 1500,
            received: 0,
            sent: 0
        )
    }

    /// Links and default routes are there, nothing of ours is configured yet.
    static var bare: Observed {
        var observed = Observed()
        for link in [
            link("eth0", 2), link("eth1", 3), link("pn-a", 4, alias: "pnetd path vpn-a"),
            link("pn-b", 5, alias: "pnetd path vpn-b"),
        ] { observed.links[link.name] = link }
        observed.addresses = [
            LinkAddress(link: 2, address: address("192.0.2.2/24")),
            LinkAddress(link: 3, address: address("203.0.113.2/24")),
        ]
        for name in ["pn-a", "pn-b"] { observed.tunnels[interface(name)] = WireGuardDevice() }
        for (link, gateway) in [(2, "192.0.2.1"), (3, "203.0.113.1")] as [(Int32, String)] {
            observed.defaultRoutes.insert(
                Observed.DefaultRoute(family: .ipv4, link: link, gateway: IPAddress(gateway), metric: UInt32(link))
            )
        }
        return observed
    }
}

extension Desired.Path {
    /// Its tunnel, for changing it.
    var tunnel: WireGuardTunnel? {
        get { if case .wireGuard(let tunnel) = kind { tunnel } else { nil } }
        set { if let newValue { kind = .wireGuard(newValue) } }
    }
}

extension Observed {
    /// Whether a protected address could leave by something else than a path: no route of the network table matches,
    /// or the table is not asked.
    func leaks(_ prefix: IPPrefix, _ reserved: ReservedNumbers) -> Bool {
        let isAsked = rules.contains { $0.family == prefix.family && $0.action == .lookup(reserved.networkTable) }
        let isRouted = routes.keys.contains { $0.table == reserved.networkTable && $0.prefix == prefix }
        return !(isAsked && isRouted)
    }
}
