// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import ProcessLink
import Testing

struct RememberedNamesTests {
    private func read(_ octets: [UInt8]) throws -> [UInt8] {
        let message = MessageToAgent.rememberedNames(RememberedNames(octets))
        let body = try JSONEncoder().encode(message)
        guard case .rememberedNames(let names) = try JSONDecoder().decode(MessageToAgent.self, from: body) else {
            return []
        }
        return names.octets
    }

    @Test func areReadAsTheyAreWritten() throws {
        #expect(try read([0, 1, 0xff]) == [0, 1, 0xff])
        let most = [UInt8](repeating: 0xa5, count: RememberedNames.limit)
        #expect(try read(most) == most)
    }

    /// A resolver that says more has been taken over.
    @Test func areRefusedWhereTheyAreTooMany() {
        #expect(throws: DecodingError.self) { try read([UInt8](repeating: 0, count: RememberedNames.limit + 1)) }
    }

    /// They must fit into what the agent reads of the resolver at once.
    @Test func fitIntoAMessage() throws {
        let most = MessageToAgent.rememberedNames(
            RememberedNames((0..<RememberedNames.limit).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 8) })
        )
        #expect(try JSONEncoder().encode(most).count <= 512 << 10)
    }
}
