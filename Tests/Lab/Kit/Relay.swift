// SPDX-License-Identifier: Apache-2.0

import CLinux
public import NetworkTypes
import SystemIO

/// A relay for a tunnel's outer packets in the cloud, in front of its gateway: it delays them, each way by itself, where
/// the kernel cannot. It runs as a program of its own, `lab-relay`.
public final class Relay {
    private let loop: EventLoop
    private let outside: FileDescriptor
    private let inside: FileDescriptor
    private let delay: Delay
    private let state = State()

    private final class State {
        var client: SocketAddressStorage?
    }

    /// Listens on one endpoint and passes on to another.
    public init(from listening: SocketEndpoint, to gateway: SocketEndpoint, _ delay: Delay) throws {
        loop = try EventLoop()
        self.delay = delay
        func open(_ endpoint: SocketEndpoint) throws -> FileDescriptor {
            let type = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
            let family = endpoint.address.family == .ipv4 ? AF_INET : AF_INET6
            return try FileDescriptor(socket(family, type, 0), from: "open a relay's socket")
        }
        let outside = try open(listening)
        let inside = try open(gateway)
        let raw = (outside.raw, inside.raw)
        guard unsafe SocketAddressStorage(listening).withPointer({ unsafe pn_bind(raw.0, $0, $1) }) == 0,
            unsafe SocketAddressStorage(gateway).withPointer({ unsafe pn_connect(raw.1, $0, $1) }) == 0
        else { throw SystemError.last("set up a relay") }
        self.outside = outside
        self.inside = inside
    }

    /// Relays for ever.
    public func run() throws {
        let (outside, inside) = (outside.raw, inside.raw)
        try loop.watch(outside) { [state, loop, delay] _ in
            while let (packet, from) = Self.receive(outside) {
                state.client = from
                loop.schedule(after: Self.hold(delay)) {
                    _ = unsafe packet.withUnsafeBytes { unsafe send(inside, $0.baseAddress, $0.count, 0) }
                }
            }
        }
        try loop.watch(inside) { [state, loop, delay] _ in
            while let (packet, _) = Self.receive(inside) {
                guard let client = state.client else { continue }
                loop.schedule(after: Self.hold(delay)) {
                    _ = unsafe client.withPointer { address, length in
                        unsafe packet.withUnsafeBytes {
                            unsafe pn_sendto(outside, $0.baseAddress, $0.count, 0, address, length)
                        }
                    }
                }
            }
        }
        try loop.run()
    }

    private static func hold(_ delay: Delay) -> Duration {
        delay.eachWay + .nanoseconds(Int64.random(in: 0...max(0, delay.jitter.nanoseconds)))
    }

    private static func receive(_ socket: Int32) -> (packet: [UInt8], from: SocketAddressStorage)? {
        var buffer = [UInt8](repeating: 0, count: 2048)
        var from = SocketAddressStorage()
        let count = unsafe from.withMutablePointer { address, length in
            unsafe buffer.withUnsafeMutableBytes {
                unsafe pn_recvfrom(socket, $0.baseAddress, $0.count, 0, address, length)
            }
        }
        guard count >= 0 else { return nil }
        return (Array(buffer[..<count]), from)
    }
}
