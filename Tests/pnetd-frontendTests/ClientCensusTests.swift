// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import pnetd_frontend

struct ClientCensusTests {
    private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

    @Test func oneClientHasSoManyConnections() throws {
        let census = ClientCensus()
        let (one, same, other) = try (address("2001:db8::1"), address("2001:db8::2"), address("2001:db8:0:1::1"))
        for number in 0..<ClientCensus.limitEach {
            let isIn = census.enter(number.isMultiple(of: 2) ? one : same)
            #expect(isIn)
        }
        #expect(!census.enter(same) && census.enter(other))
        census.left(one)
        #expect(census.enter(same) && !census.enter(one))
    }

    @Test func thereAreSoManyInAll() throws {
        let census = ClientCensus()
        let addresses = try (0..<ClientCensus.limit).map { try address("10.0.\($0 / 250).\($0 % 250)") }
        for address in addresses { #expect(census.enter(address)) }
        let late = try address("192.0.2.1")
        #expect(!census.enter(late))
        census.left(addresses[0])
        #expect(census.enter(late))
    }
}
