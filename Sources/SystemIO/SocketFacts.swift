// SPDX-License-Identifier: Apache-2.0

import CLinux
public import NetworkTypes

/// What the kernel says of a socket that came from somebody else.
public struct SocketFacts: Hashable, Sendable {
    /// What is exchanged over it.
    public enum Kind: Hashable, Sendable {
        /// UDP.
        case datagram
        /// TCP.
        case stream
    }

    /// What is exchanged over it.
    public let kind: Kind
    /// The address that it is bound to.
    public let endpoint: SocketEndpoint
    /// Whether it waits for connections.
    public let isListening: Bool
    /// Whether it hears one peer alone.
    public let isConnected: Bool
    /// Whether it hears nothing any more (shutdown(2)).
    public let isShutDown: Bool
    /// Whether it hears what comes by one interface alone (SO_BINDTODEVICE).
    public let isBoundToInterface: Bool

    /// Asks the kernel; nil where the descriptor is no UDP or TCP socket with an address.
    public init?(of descriptor: Int32) {
        switch Self.option(SO_PROTOCOL, of: descriptor) {
        case Int32(IPPROTO_UDP): kind = .datagram
        case Int32(IPPROTO_TCP): kind = .stream
        default: return nil
        }
        guard let endpoint = NetworkSocket.boundEndpoint(of: descriptor) else { return nil }
        self.endpoint = endpoint
        isListening = Self.option(SO_ACCEPTCONN, of: descriptor) == 1
        isConnected = NetworkSocket.peer(of: descriptor) != nil
        isBoundToInterface = Self.option(SO_BINDTOIFINDEX, of: descriptor) != 0
        var poller = pollfd(fd: descriptor, events: Int16(POLLRDHUP), revents: 0)
        let ended = Int16(POLLRDHUP) | Int16(POLLHUP)
        isShutDown = unsafe poll(&poller, 1, 0) > 0 && poller.revents & ended != 0
    }

    private static func option(_ name: Int32, of descriptor: Int32) -> Int32? {
        var value: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard unsafe getsockopt(descriptor, SOL_SOCKET, name, &value, &length) == 0 else { return nil }
        return value
    }
}
