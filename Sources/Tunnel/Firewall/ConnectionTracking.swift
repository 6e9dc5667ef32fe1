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
/// have not moved. So the mark only narrows down what is read, and each connection is deleted by its name, many in one
/// message.
public final class ConnectionTracking {
    private let conversation: NetlinkConversation

    /// Opens a socket of its own. Throws where the kernel gives none, as without CAP_NET_ADMIN.
    public init() throws(NetlinkError) {
        conversation = NetlinkConversation(over: try NetlinkSocket(bus: NETLINK_NETFILTER))
    }

    /// Cuts the connections to a network whose source is the address of another of its paths than those that lead
    /// there now.
    /// - Returns: how many were cut, by the path whose address they had.
    public func cutStranded(_ network: NetworkName, in desired: Desired) throws(NetlinkError) -> [PathName: Int] {
        var cut: [PathName: Int] = [:]
        for (path, connections) in try stranded(network, in: desired) {
            let count = try delete(connections)
            if count > 0 { cut[path] = count }
        }
        return cut
    }

    /// How many connections ``cutStranded(_:in:)`` would cut, by the path whose address they have.
    public func countStranded(_ network: NetworkName, in desired: Desired) throws(NetlinkError) -> [PathName: Int] {
        try stranded(network, in: desired).mapValues(\.count)
    }

    /// Whether anything came from a far UDP endpoint to a port of one of our addresses; nil where the kernel tracks
    /// nothing between them, or cannot be asked.
    func wasHeard(from far: SocketEndpoint, at addresses: Set<IPAddress>, port: UInt16) -> Bool? {
        let answers = addresses.compactMap { address in
            let question = TrackedConnection.between(far, SocketEndpoint(address: address, port: port))
            let replies = (try? conversation.ask(question, "look for packets from \(far)")) ?? []
            return replies.lazy.compactMap { TrackedConnection.wasHeard(far.address, $0) }.first
        }
        return answers.isEmpty ? nil : answers.contains(true)
    }

    private func stranded(
        _ network: NetworkName,
        in desired: Desired
    ) throws(NetlinkError) -> [PathName: [TrackedConnection]] {
        guard let led = desired.networks.first(where: { $0.name == network }), led.outcome.path != nil else {
            return [:]
        }
        let holders = PrefixHolders(desired.networks)
        var stranded: [PathName: [TrackedConnection]] = [:]
        for path in desired.paths where !led.outcome.carriers.contains(path.name) {
            let found = try connections(translatedTo: path, desired.reserved).filter {
                holders.network(of: $0.farEnd) == network
            }
            if !found.isEmpty { stranded[path.name] = found }
        }
        return stranded
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

    /// How many go into one datagram.
    private static let batchSize = 128

    /// - Returns: how many were still there.
    private func delete(_ connections: [TrackedConnection]) throws(NetlinkError) -> Int {
        var count = 0
        var rest = connections[...]
        while !rest.isEmpty {
            let batch = Array(rest.prefix(Self.batchSize))
            rest = rest.dropFirst(Self.batchSize)
            let errors = try conversation.change(batch.map(\.deletion)) { "cut a connection to \(batch[$0].farEnd)" }
            if let error = errors.values.first(where: { $0.code != ENOENT }) { throw error }
            count += batch.count - errors.count
        }
        return count
    }
}
