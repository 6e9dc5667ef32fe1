// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes

/// An interface of ours that carries nothing and never goes down, for systemd-resolved to hang names on: it takes none on
/// `lo`, and forgets those on a tunnel with the tunnel.
///
/// It has the address that RFC 7600 sets aside as a dummy, 192.0.0.8, since a link without an address that could be routed
/// is none to systemd-resolved; and with the scope of a site, so that the kernel picks it for no packet to farther away.
public final class NamesLink {
    /// Its name.
    public static let name = "pnetd-names"
    private static let aliasPrefix = "pnetd names "
    private static let mtu = 1500
    /// The first that the kernel has; both drop what they are given.
    private static let drivers = ["dummy", "ifb"]

    private let routing: NetlinkConversation

    /// Opens a socket of its own.
    public init() throws(NetlinkError) {
        routing = NetlinkConversation(over: try NetlinkSocket(bus: NETLINK_ROUTE))
    }

    private func find() throws(NetlinkError) -> Link? {
        guard let name = InterfaceName(Self.name) else { return nil }
        do {
            let replies = try routing.ask(LinkMessages.get(name), "look at interface \(name)")
            return replies.lazy.compactMap(LinkMessages.parse).first
        } catch .refused(_, ENODEV, _) {
            return nil
        }
    }

    /// What the alias says behind ours; nil where there is no such interface of ours.
    public func note() throws(NetlinkError) -> String? {
        guard let alias = try find()?.alias, alias.hasPrefix(Self.aliasPrefix) else { return nil }
        return String(alias.dropFirst(Self.aliasPrefix.count))
    }

    /// Makes it, or brings it up again; changes nothing where it is as it should be.
    ///
    /// - Parameter note: what its alias says behind ours, for whoever takes it away.
    /// - Returns: its number; nil where an interface of that name is somebody else's.
    public func putUp(saying note: String) throws(NetlinkError) -> Int32? {
        var link = try find()
        if link == nil {
            try make()
            link = try find()
        }
        // One that was made and not set up yet is nobody else's.
        guard let link, link.alias?.hasPrefix(Self.aliasPrefix) ?? !link.isUp else { return nil }
        let alias = Self.aliasPrefix + note
        guard !link.isUp || link.alias != alias else { return link.index }
        try routing.change(
            LinkMessages.setUp(link.index, alias: alias, mtu: Self.mtu, withoutLinkLocals: true),
            "set up interface \(Self.name)"
        )
        guard let dummy = IPAddress("192.0.0.8"), let address = InterfaceAddress(address: dummy, length: 32) else {
            return link.index
        }
        try routing.change(
            AddressMessages.add(LinkAddress(link: link.index, address: address), scope: UInt8(RT_SCOPE_SITE.rawValue)),
            "give interface \(Self.name) its address"
        )
        return link.index
    }

    private func make() throws(NetlinkError) {
        guard let name = InterfaceName(Self.name) else { return }
        for (place, driver) in Self.drivers.enumerated() {
            do {
                return try routing.change(LinkMessages.create(name, driver: driver), "make interface \(name)")
            } catch .refused(_, EOPNOTSUPP, _) where place < Self.drivers.count - 1 {
                continue
            }
        }
    }

    /// Takes it away where it is ours.
    ///
    /// - Returns: whether there was one.
    public func remove() throws(NetlinkError) -> Bool {
        guard let link = try find(), link.alias?.hasPrefix(Self.aliasPrefix) == true else { return false }
        try routing.change(LinkMessages.delete(link.index), "remove interface \(Self.name)")
        return true
    }
}
