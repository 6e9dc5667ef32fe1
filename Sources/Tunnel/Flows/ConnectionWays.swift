// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes
import PathHealth

/// To which network, and by which of its paths, the TCP connections of this host go.
public struct ConnectionWays: Sendable {
    /// A network and one of its paths.
    public struct Way: Hashable, Sendable {
        /// The network that the other end belongs to.
        public let network: NetworkName
        /// The path that the packets leave by.
        public let path: PathName

        /// Names a way.
        public init(to network: NetworkName, by path: PathName) {
            (self.network, self.path) = (network, path)
        }
    }

    private let holders: PrefixHolders
    private let networks: [NetworkName: Desired.Network]
    private let interfaces: [Int32: PathName]
    private let asked: [NetworkName: Set<SocketEndpoint>]

    /// - Parameters:
    ///   - desired: where each network's traffic leads now.
    ///   - interfaces: the numbers of the paths' interfaces.
    ///   - asked: whom pnetd itself asks over TCP, for each network.
    public init(_ desired: Desired, interfaces: [PathName: Int32], asked: [NetworkName: Set<SocketEndpoint>]) {
        holders = PrefixHolders(desired.networks)
        networks = Dictionary(desired.networks.map { ($0.name, $0) }) { first, _ in first }
        self.interfaces = Dictionary(interfaces.map { ($0.value, $0.key) }) { first, _ in first }
        self.asked = asked
    }

    /// The way of a connection; nil where it goes to no network, by no path, or is a probe's.
    public func way(of connection: TCPConnection) -> Way? {
        let remote = connection.remote
        guard let network = holders.network(of: remote.address).flatMap({ networks[$0] }) else { return nil }
        guard let interface = connection.interface else {
            return routed(remote.address, in: network).map { Way(to: network.name, by: $0) }
        }
        // Probes are bound to their path's interface, also once the frontend or nobody has them.
        guard let path = interfaces[interface], network.paths.contains(path),
            asked[network.name]?.contains(remote) != true
        else { return nil }
        return Way(to: network.name, by: path)
    }

    private func routed(_ address: IPAddress, in network: Desired.Network) -> PathName? {
        if let canary = network.canary, canary.prefix.contains(address) { return canary.path }
        // Where several paths carry together, the kernel alone knows which one a connection goes by.
        return network.outcome.carriers.count == 1 ? network.outcome.path : nil
    }
}
