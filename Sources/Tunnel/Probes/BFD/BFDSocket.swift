// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO

/// The two UDP sockets of a session: one hears the port that all sessions share, one sends from a port of its own.
struct BFDSocket: ~Copyable {
    private var receiving: PathSocket
    private let sending: PathSocket
    private let port: UInt16

    /// What to watch for readability.
    var descriptor: Int32 { receiving.descriptor }

    /// Throws ENODEV where the interface is not there, EADDRNOTAVAIL where it has not the address yet, and EADDRINUSE where
    /// another program hears the port.
    init(interface: InterfaceName, local: IPAddress, isMultihop: Bool) throws(SystemError) {
        let port: UInt16 = isMultihop ? 4784 : 3784
        let receiving = try PathSocket(interface: interface, local: local, port: port, size: BFDPacket.sizeLimit)
        let sending = try PathSocket(interface: interface, local: local, size: 0)
        self.port = port
        self.receiving = receiving
        self.sending = sending
    }

    /// Whether the packet left.
    func send(_ octets: [UInt8], to peer: IPAddress) -> Bool {
        sending.send(octets, to: SocketEndpoint(address: peer, port: port))
    }

    /// The next datagram; nil where none waits. What is longer than a packet can be is cut off.
    mutating func receive() -> PathSocket.Datagram? { receiving.receive() }
}
