// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// A TCP connection of this host, and how far the other end follows it (`struct tcp_info`, linux/tcp.h).
public struct TCPConnection: Hashable, Sendable {
    /// Its number, which no other has until the host starts anew (SO_COOKIE).
    public var cookie: UInt64
    /// Our end. An IPv4 address within IPv6 (RFC 4291 section 2.5.5.2) is given as what it is.
    public var local: SocketEndpoint
    /// The other end.
    public var remote: SocketEndpoint
    /// The number of the interface that it is bound to (SO_BINDTODEVICE); nil where its packets follow the routes.
    public var interface: Int32?
    /// How often in a row the time ran out in which an acknowledgement was due (RFC 6298 section 5).
    public var timeouts: Int
    /// Segments that were sent once more, since it began.
    public var retransmissions: UInt32
    /// Segments that wait to be acknowledged.
    public var unacknowledged: UInt32
    /// Octets that were acknowledged (RFC 4898, tcpEStatsAppHCThruOctetsAcked).
    public var acknowledged: UInt64
    /// Segments that came in, of whatever kind (RFC 4898, tcpEStatsPerfSegsIn).
    public var received: UInt32

    /// Describes a connection.
    public init(
        cookie: UInt64,
        local: SocketEndpoint,
        remote: SocketEndpoint,
        interface: Int32? = nil,
        timeouts: Int = 0,
        retransmissions: UInt32 = 0,
        unacknowledged: UInt32 = 0,
        acknowledged: UInt64 = 0,
        received: UInt32 = 0
    ) {
        self.cookie = cookie
        self.local = local
        self.remote = remote
        self.interface = interface
        self.timeouts = timeouts
        self.retransmissions = retransmissions
        self.unacknowledged = unacknowledged
        self.acknowledged = acknowledged
        self.received = received
    }
}
