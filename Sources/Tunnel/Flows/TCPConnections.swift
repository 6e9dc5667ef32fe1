// SPDX-License-Identifier: Apache-2.0

import CLinux
public import NetworkTypes

/// The TCP connections of this network namespace, as the kernel knows them.
public final class TCPConnections {
    /// What one look found.
    public struct Look: Hashable, Sendable {
        /// The connections, of both families.
        public var connections: [TCPConnection] = []
        /// How many the kernel told too little of.
        public var unreadable = 0
        /// Whether there were no more than may be looked at.
        public var isWhole = true

        /// Finds nothing.
        public init() {}
    }

    /// How many are looked at, at the most: some ten milliseconds' worth.
    public static let limit = 10_000

    private let limit: Int
    private let open: () throws(NetlinkError) -> any NetlinkTransport
    /// None before the first look, and after one that did not come to its end.
    private var standing: NetlinkConversation?

    /// Asks nothing yet.
    public convenience init() {
        self.init { () throws(NetlinkError) in try NetlinkSocket(bus: NETLINK_SOCK_DIAG) }
    }

    init(limit: Int = limit, over open: @escaping () throws(NetlinkError) -> any NetlinkTransport) {
        self.limit = limit
        self.open = open
    }

    /// Looks at those whose other end is in one of these prefixes; where there are many, also at others.
    ///
    /// - Throws: a refusal with ENOENT where the kernel has no such list (INET_TCP_DIAG).
    public func look(at prefixes: [IPPrefix]) throws(NetlinkError) -> Look {
        var look = Look()
        guard !prefixes.isEmpty else { return look }
        let filter = DestinationFilter.program(prefixes)
        for family in [AddressFamily.ipv4, .ipv6] where look.isWhole { try ask(family, filter, &look) }
        return look
    }

    private func ask(_ family: AddressFamily, _ filter: [UInt8]?, _ look: inout Look) throws(NetlinkError) {
        let question = TCPConnectionMessages.dump(family, through: filter)
        let conversation = try conversation()
        standing = nil
        look.isWhole = try conversation.dump(question, "read the TCP connections") { reply in
            guard look.connections.count + look.unreadable < limit else { return false }
            if let connection = TCPConnectionMessages.parse(reply) {
                look.connections.append(connection)
            } else {
                look.unreadable += 1
            }
            return true
        }
        if look.isWhole { standing = conversation }
    }

    private func conversation() throws(NetlinkError) -> NetlinkConversation {
        if let standing { return standing }
        return NetlinkConversation(over: try open())
    }
}
