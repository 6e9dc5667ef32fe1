// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import PathHealth
import SystemIO
import Tunnel

/// A site with two paths and one network of as many prefixes as asked for.
final class BenchSite {
    let folder: String
    let reconciler: Reconciler
    private static let reserved = ReservedNumbers(
        routeProtocol: 112,
        firstTable: 7000,
        firstPriority: 700,
        markMask: 0x7f00_0000,
        firstNexthop: 7000
    )

    init(folder: String) throws {
        self.folder = folder
        reconciler = try Reconciler(
            reserved: Self.reserved,
            userspace: .child(through: [], logDirectory: folder),
            told: [:]
        )
    }

    func tearDown() { _ = reconciler.removeEverything() }

    static func name<Kind>(_ text: String) -> Name<Kind> {
        guard let name = Name<Kind>(text) else { preconditionFailure("'\(text)' is no name") }
        return name
    }

    static func interface(_ slot: Int) -> InterfaceName {
        guard let name = InterfaceName("pn-\(slot)") else { preconditionFailure("that is a name") }
        return name
    }

    static func prefixes(_ count: Int, _ family: AddressFamily) -> [IPPrefix] {
        (0..<count).compactMap { number in
            family == .ipv4
                ? IPPrefix("10.\(number / 256).\(number % 256).0/24")
                : IPPrefix("fd00:\(String(number, radix: 16))::/48")
        }
    }

    static func key(_ number: Int) -> WireGuardPublicKey {
        let octets = (0..<32).map { UInt8(truncatingIfNeeded: $0 < 4 ? number >> (8 * $0) : $0) }
        guard let key = WireGuardPublicKey(bytes: octets) else { preconditionFailure("32 octets are a key") }
        return key
    }

    /// 32 sevens, as key files have them.
    static let secretText = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="
    private static let secret = WireGuardSecretKey(base64: secretText.utf8)

    private func path(_ slot: Int, _ peers: [WireGuardSettings.Peer]) throws -> Desired.Path {
        guard let address = InterfaceAddress("172.31.\(slot).2/30"), let underlay = InterfaceName("eth\(slot - 1)"),
            let six = InterfaceAddress("fd99:\(slot)::2/126"), let secret = Self.secret
        else { preconditionFailure("these are addresses and names") }
        return Desired.Path(
            name: Self.name("path-\(slot)"),
            slot: slot,
            interface: Self.interface(slot),
            addresses: [address, six],
            mtu: nil,
            kind: .wireGuard(
                Desired.Path.WireGuardTunnel(
                    settings: WireGuardSettings(privateKey: secret, listenPort: nil, mark: 0, peers: peers),
                    callsOverIPv4Only: false,
                    underlay: Desired.Path.Underlay(underlay, gateways: nil)
                )
            )
        )
    }

    /// The wish: both paths, the network on one of them, or on none.
    func wish(
        _ prefixes: [IPPrefix],
        on active: Int?,
        peers: [WireGuardSettings.Peer] = []
    ) throws -> Desired {
        Desired(
            reserved: Self.reserved,
            paths: [try path(1, peers), try path(2, [])],
            networks: [
                Desired.Network(
                    name: Self.name("net"),
                    slot: 1,
                    prefixes: prefixes,
                    paths: [Self.name("path-1"), Self.name("path-2")],
                    outcome: active.map {
                        .active(Self.name("path-\($0)"), standby: Self.name("path-\(3 - $0)"))
                    } ?? .blocked
                )
            ]
        )
    }

    /// Brings the wish about and waits until nothing is left to do.
    func settle(_ wish: Desired) throws {
        for _ in 0..<500 {
            let result = reconciler.reconcile(wish)
            if result.changes.isEmpty, result.failures.isEmpty { return }
            usleep(10_000)
        }
        throw Shell.Failure(command: "settle: \(reconciler.reconcile(wish).failures)")
    }
}
