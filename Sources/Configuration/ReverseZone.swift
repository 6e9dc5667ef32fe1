// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes
import PrivateDNS

/// A zone of reverse names that a network has without the file naming it: those of its own prefixes.
public struct ReverseZone: Hashable, Sendable {
    /// Where the answers come from.
    public enum Source: Hashable, Sendable {
        /// The addresses in the network's records.
        case pointers
        /// The servers of the network's zones.
        case forward([SocketEndpoint])
    }

    /// The zone's apex.
    public let name: DomainName
    /// The network whose addresses these are.
    public let network: NetworkName
    /// Where the answers come from.
    public let source: Source

    /// The most that one network has; prefixes whose zones would be more are left out.
    public static let limit = 1024
}

extension [NetworkConfiguration] {
    /// The zones of reverse names of all networks. Where networks' prefixes overlap, the longer one has the name; what
    /// lies in a zone of the file is left to that.
    public var reverseZones: [ReverseZone] {
        let named = Set(flatMap(\.zones).map(\.name))
        var found: [DomainName: (length: Int, zone: ReverseZone)] = [:]
        var order: [DomainName] = []
        for network in self {
            guard let source = network.reverseSource else { continue }
            var count = 0
            for prefix in network.prefixes {
                let apexes = prefix.reverseApexes
                count += apexes.count
                guard count <= ReverseZone.limit else { break }
                for name in apexes where name.closest(in: named) == nil {
                    let known = found[name]
                    if let known, known.length >= prefix.length { continue }
                    if known == nil { order.append(name) }
                    found[name] = (prefix.length, ReverseZone(name: name, network: network.name, source: source))
                }
            }
        }
        return order.compactMap { found[$0]?.zone }
    }
}

extension NetworkConfiguration {
    /// Who knows the reverse names; nil where nobody does.
    fileprivate var reverseSource: ReverseZone.Source? {
        guard !zones.contains(where: \.hasPointers) else { return .pointers }
        var servers: [SocketEndpoint] = []
        for case .forward(let more) in zones.map(\.source) {
            servers += more.filter { !servers.contains($0) }
        }
        return servers.isEmpty ? nil : .forward(servers)
    }
}
