// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import SystemIO
import Testing

@testable import Tunnel

/// Who should answer on an underlay and does not.
@Suite(.serialized)
struct NeighbourTests {
    @Test func aGatewayThatDoesNotAnswerIsNamed() throws {
        try inFreshNamespace {
            let model = try KernelModel(reserved: Sample.reserved)
            _ = try model.refresh(now: SystemClock().now, auditAfter: .zero)
            let setup = """
                link add eth0 type veth peer name far
                link set eth0 up
                link set far up
                address add 192.0.2.2/24 dev eth0
                route add default via 192.0.2.1
                """
            try run("/bin/sh", "-ec", "echo \"$0\" | ip -batch -", setup)
            func absences() throws -> [String] {
                model.drain()
                var path = Sample.path(Sample.first, slot: 1)
                path.tunnel?.underlay.interface = try #require(InterfaceName("eth0"))
                path.tunnel?.underlay.gateways = nil
                return model.observed.absences(Desired(reserved: Sample.reserved, paths: [path], networks: []))
            }
            func wait(_ done: () throws -> Bool) throws -> Bool {
                for _ in 0..<500 where try !done() { usleep(20_000) }
                return try done()
            }
            #expect(try absences() == [])
            // In vain, and so it is meant: the kernel asks three times, a second apart.
            _ = try run("/bin/sh", "-c", "ping -c 1 -W 1 192.0.2.1; true")
            #expect(try wait { try absences().contains { $0.contains("192.0.2.1 does not answer on eth0") } })
            // A new reading finds the same.
            let fresh = try KernelModel(reserved: Sample.reserved)
            _ = try fresh.refresh(now: SystemClock().now, auditAfter: .zero)
            #expect(fresh.observed.missingNeighbours == model.observed.missingNeighbours)
            try run("/sbin/ip", "neigh", "replace", "192.0.2.1", "lladdr", "02:00:00:00:00:01", "dev", "eth0")
            #expect(try wait { try absences() == [] })
        }
    }
}
