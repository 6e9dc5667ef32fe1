// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import pnetd

struct ManagementFlowTests {
    private let tcp = """
          sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
           0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 17 1 0
           1: 020200C0:0016 4D01010A:C350 01 00000000:00000000 02:000A7214 00000000     0        0 18 4 0
           2: 020200C0:0016 4E01010A:C351 06 00000000:00000000 03:00000F2C 00000000     0        0 0 3 0

        """
    private let tcp6 = """
          sl  local_address                         remote_address                        st tx_queue rx_queue
           0: B80D0120000000000000000002000000:0016 B80D0120000000000000000001000000:D431 01 00000000:00000000
           1: 0000000000000000FFFF0000020200C0:0016 0000000000000000FFFF00004D01010A:C352 01 00000000:00000000

        """

    private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }
    private func prefix(_ text: String) throws -> IPPrefix { try #require(IPPrefix(text)) }

    @Test func readsWhatIsEstablished() throws {
        let four = ManagementFlow(local: try address("192.0.2.2"), port: 22, remote: try address("10.1.1.77"))
        #expect(ManagementFlow.parse(tcp) == [four])
        let six = ManagementFlow(local: try address("2001:db8::2"), port: 22, remote: try address("2001:db8::1"))
        // An IPv4 connection of a socket that takes both families is an IPv4 connection.
        #expect(ManagementFlow.parse(tcp6) == [six, four])
    }

    @Test(arguments: [
        "", "\n\n", "head\n 0: zz:0016 00000000:0000 01", "head\n 0: 0:16 0:0 01", "head\n 0: 020200C0 1 01",
    ])
    func makesNothingOfWhatIsNoTable(text: String) {
        #expect(ManagementFlow.parse(text) == [])
    }

    @Test func isCutWhereItsWayChanges() throws {
        let flow = ManagementFlow(local: try address("10.99.0.2"), port: 22, remote: try address("10.20.0.77"))
        func reach(_ prefixes: String..., up: Bool = true, own: String? = nil) throws -> ManagementFlow.Reach {
            let prefixes = try prefixes.map(prefix)
            return ManagementFlow.Reach(
                protected: prefixes,
                reachable: up ? prefixes : [],
                addresses: try own.map { [try #require(InterfaceAddress($0))] } ?? []
            )
        }
        let cases: [(after: ManagementFlow.Reach, before: ManagementFlow.Reach, why: String?)] = [
            (try reach("10.20.0.0/16"), try reach(), "leave 10.20.0.77 out of it"),
            (try reach(), try reach("10.20.0.0/16"), "10.20.0.0/16 would have no path any more"),
            (try reach("10.20.0.0/16", up: false), try reach("10.20.0.0/16"), "no path of 10.20.0.0/16 would be up"),
            (try reach(), try reach(own: "10.99.0.2/30"), "the address 10.99.0.2/30 goes"),
            (try reach(own: "10.0.0.2/8"), try reach(), "10.0.0.2/8 takes 10.20.0.77 for a neighbour"),
            (try reach("10.20.0.0/16"), try reach("10.20.0.0/16"), nil),
            (try reach("10.20.0.0/24"), try reach("10.20.0.0/16"), nil),
            (try reach("10.20.0.0/16", up: false), try reach("10.20.0.0/16", up: false), nil),
            (try reach("10.30.0.0/16", own: "10.99.0.2/30"), try reach(), nil),
        ]
        for (after, before, why) in cases {
            let reason = flow.isCut(by: after, after: before)
            #expect(
                why.map { reason?.contains($0) == true } ?? (reason == nil),
                "\(why ?? "nothing"): \(reason ?? "nil")"
            )
        }
    }
}
