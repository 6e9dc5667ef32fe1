// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import Synchronization
import SystemIO
import Testing

@testable import Tunnel

struct UserspaceWireGuardTests {
    /// A task may have to wait for a thread, and whoever is asked is not waited for that long.
    private static let isListening = Atomic(false)

    /// It reads the beginning of a long request, says what is wrong, and goes.
    @Test func reportsWhatWasRefusedBeforeAllWasSaid() throws {
        try inFreshNamespace {
            let interface = Sample.interface("pn-a")
            let listener = try UnixListener(
                path: UserspaceWireGuard.socketPath(interface),
                mode: 0o600,
                group: nil
            )
            let raw = listener.raw
            let far = Task.detached {
                Self.isListening.store(true, ordering: .relaxed)
                var connection: Int32 = -1
                for _ in 0..<5_000 where connection < 0 {
                    connection = pn_accept(raw)
                    if connection < 0 { usleep(1_000) }
                }
                guard connection >= 0 else { return }
                let socket = FileDescriptor(owning: connection)
                _ = try? socket.read(upTo: 1 << 10)
                let verdict = Array("errno=-22\n\n".utf8)
                _ = try? socket.write(verdict.span)
            }
            defer { far.cancel() }
            for _ in 0..<60_000 where !Self.isListening.load(ordering: .relaxed) { usleep(1_000) }
            let change = WireGuardChange(from: WireGuardDevice(), to: .made(peers: 20_000), toldBefore: [:])
            let error = #expect(throws: WireGuardError.self) {
                try UserspaceWireGuard().apply(change, to: interface)
            }
            #expect("\(try #require(error))".contains("refused the change (errno=-22)"))
            _ = listener.raw
        }
    }
}
