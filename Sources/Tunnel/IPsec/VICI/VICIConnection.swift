// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO

/// One stream to charon: frames out, packets in. Whoever owns it sends one frame at a time.
final class VICIConnection {
    private static let roomSize = 16 << 10
    /// Reads in a row, so that nobody who talks without end holds up the loop's other descriptors.
    private static let readsInTurn = 16

    private let socket: FileDescriptor
    private let loop: EventLoop
    private let onPacket: (VICIPacket) -> Void
    private let onLoss: (VICIError) -> Void
    private var segments = VICISegments()
    private var room = [UInt8](repeating: 0, count: VICIConnection.roomSize)
    private var unsent: VICIFrame?
    private(set) var isOpen = true

    /// Takes a connected, non-blocking stream socket.
    /// - Parameters:
    ///   - onPacket: called for each packet; it may send, and close.
    ///   - onLoss: called at most once, never from within a call of the owner's.
    init(
        _ socket: consuming FileDescriptor,
        on loop: EventLoop,
        onPacket: @escaping (VICIPacket) -> Void,
        onLoss: @escaping (VICIError) -> Void
    ) throws(SystemError) {
        self.socket = socket
        self.loop = loop
        self.onPacket = onPacket
        self.onLoss = onLoss
        try loop.watch(self.socket.raw) { [weak self] readiness in self?.ready(readiness) }
    }

    deinit {
        close()
    }

    /// Sends a frame, now or as soon as there is room.
    func send(_ frame: VICIFrame) {
        unsent = frame
        flush()
    }

    func close() {
        guard isOpen else { return }
        isOpen = false
        unsent = nil
        loop.unwatch(socket.raw)
    }

    private func flush() {
        guard let frame = unsent else { return }
        do throws(SystemError) {
            try frame.write(to: socket)
            try loop.update(socket.raw, for: frame.isSent ? .readable : [.readable, .writable])
            if frame.isSent { unsent = nil }
        } catch {
            unsent = nil
            loop.schedule(at: loop.now) { [weak self] in self?.lose(.connectionLost(error)) }
        }
    }

    private func lose(_ error: VICIError) {
        guard isOpen else { return }
        close()
        onLoss(error)
    }

    private func ready(_ readiness: EventLoop.Readiness) {
        if readiness.contains(.writable) { flush() }
        guard isOpen, !readiness.isDisjoint(with: [.readable, .hungUp]) else { return }
        do throws(SystemError) {
            for _ in 0..<Self.readsInTurn {
                guard let count = try socket.receive(into: &room) else { return }
                guard count > 0 else { return lose(.connectionLost(nil)) }
                segments.append(room[..<count])
                deliver()
                guard isOpen else { return }
            }
        } catch {
            lose(.connectionLost(error))
        }
    }

    private func deliver() {
        do throws(VICIGarbage) {
            while isOpen, let segment = try segments.next() { onPacket(try VICIPacket(segment)) }
        } catch {
            lose(.garbage(error))
        }
    }
}
