// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import SystemIO

/// A listening socket on a free port of 127.0.0.1.
struct LoopbackSocket: ~Copyable {
    let descriptor: FileDescriptor
    let endpoint: SocketEndpoint

    init() throws {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = try FileDescriptor(socket(AF_INET, type, 0), from: "open a socket")
        let raw = descriptor.raw
        let any = SocketAddressStorage(SocketEndpoint(address: .v4(IPv4Address(bits: 0x7F00_0001)), port: 0))
        guard unsafe any.withPointer({ unsafe pn_bind(raw, $0, $1) }) == 0, CLinux.listen(raw, 512) == 0 else {
            throw SystemError.last("listen")
        }
        var bound = SocketAddressStorage()
        guard unsafe bound.withMutablePointer({ unsafe pn_getsockname(raw, $0, $1) }) == 0,
            let endpoint = bound.endpoint
        else { throw SystemError.last("getsockname") }
        self.descriptor = descriptor
        self.endpoint = endpoint
    }

    /// Connects to a port of the loopback; reading does not block.
    static func connect(to endpoint: SocketEndpoint) throws -> FileDescriptor {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = try FileDescriptor(socket(AF_INET, type, 0), from: "open a socket")
        let raw = descriptor.raw
        guard unsafe SocketAddressStorage(endpoint).withPointer({ unsafe pn_connect(raw, $0, $1) }) == 0 else {
            throw SystemError.last("connect")
        }
        pn_set_nonblocking(raw)
        return descriptor
    }
}
