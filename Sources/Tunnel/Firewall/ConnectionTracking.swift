// SPDX-License-Identifier: Apache-2.0

import CLinux
public import NetworkTypes
import PathHealth

/// Connections that a switch strands.
///
/// A connection keeps the source that its first packet was translated to. Where that is a path's own address and the
/// network's traffic has moved to another path, answers no longer find back. Once the kernel has forgotten such a
/// connection, its next packet begins it anew, with the right address. All others go on by the new path as they are.
///
/// The kernel deletes by mark with one message, but the mark is the path's, and a path may carry other networks that
/// have not moved. So the mark only narrows down what is read, and each connection is deleted by its name.
public final class ConnectionTracking {
    private let conversation: NetlinkConversation

    /// Opens a socket of its own. Throws where the kernel gives none, as without CAP_NET_ADMIN.
    public init() throws(NetlinkError) {
        conversation = NetlinkConversation(over: try NetlinkSocket(bus: NETLINK_NETFILTER))
    }

    /// Cuts the connections to a network whose source is the address of another of its paths than the one that leads
    /// there now.
    /// - Returns: how many were cut, by the path whose address they had.
    public func cutStranded(_ network: NetworkName, in desired: Desired) throws(NetlinkError) -> [PathName: Int] {
        guard let led = desired.networks.first(where: { $0.name == network }), let active = led.outcome.path else {
            return [:]
        }
        var cut: [PathName: Int] = [:]
        for path in desired.paths where path.name != active && led.paths.contains(path.name) {
            let stranded = try connections(translatedTo: path, desired.reserved).filter {
                desired.network(of: $0.farEnd) == network
            }
            for connection in stranded where try delete(connection) { cut[path.name, default: 0] += 1 }
        }
        return cut
    }

    private func connections(
        translatedTo path: Desired.Path,
        _ reserved: ReservedNumbers
    ) throws(NetlinkError) -> [TrackedConnection] {
        let message = TrackedConnection.dump(mark: reserved.pathMark(path.slot), mask: reserved.markMask)
        let own = Set(path.addresses.map(\.address))
        return try conversation.dump(message, "read the connections of \(path.name)")
            .compactMap(TrackedConnection.init).filter { own.contains($0.answeredAt) }
    }

    /// False where it was gone already.
    private func delete(_ connection: TrackedConnection) throws(NetlinkError) -> Bool {
        do {
            try conversation.change(connection.deletion, "cut a connection to \(connection.farEnd)")
            return true
        } catch  where error.code == ENOENT {
            return false
        }
    }
}

extension Desired {
    /// The network that an address is reached through: that with the longest prefix that holds it.
    fileprivate func network(of address: IPAddress) -> NetworkName? {
        let holders = networks.flatMap { network in
            network.prefixes.filter { $0.contains(address) }.map { (length: $0.length, network: network.name) }
        }
        return holders.max { $0.length < $1.length }?.network
    }
}
