// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import NetworkTypes
import Testing

@testable import ProcessLink

/// What resolver and agent say to each other of names in sets.
struct NameSetMessageTests {
    private func again<Message: Codable>(_ message: Message) throws -> Message {
        try JSONDecoder().decode(Message.self, from: JSONEncoder().encode(message))
    }

    @Test func addressesComeAsTheyWent() throws {
        let addresses = try ["10.20.0.4", "fd00:20::4"].map { text in
            NameSetAddress(
                sets: [try #require(NameSetName("cloud")), try #require(NameSetName("web"))],
                address: try #require(IPAddress(text)),
                lifetime: 120
            )
        }
        guard case .learned(.max, let came) = try again(MessageToAgent.learned(request: .max, addresses)) else {
            Issue.record("another message")
            return
        }
        #expect(came == addresses)
        guard case .held(7, [0, 2]) = try again(MessageFromAgent.held(request: 7, except: [0, 2])) else {
            Issue.record("another message")
            return
        }
    }

    /// The agent takes so many octets of a resolver in a second, and no more.
    @Test func anAddressOfASetTakesFewOctets() throws {
        let address = NameSetAddress(
            sets: [try #require(NameSetName(String(repeating: "n", count: 32)))],
            address: try #require(IPAddress("2001:db8:1234:5678:1234:5678:1234:5678")),
            lifetime: NameSetLifetime.bounds.upperBound
        )
        let message = MessageToAgent.learned(
            request: .max,
            Array(repeating: address, count: NameSetAddress.limit)
        )
        #expect(try JSONEncoder().encode(message).count < NameSetAddress.octetLimit * NameSetAddress.limit)
    }

    @Test(arguments: [
        #"{"sets":["a b"],"address":"10.20.0.4","lifetime":1}"#, #"{"sets":["a"],"address":"10.20.0","lifetime":1}"#,
        #"{"sets":["a"],"address":"10.20.0.4","lifetime":-1}"#, #"{"sets":["a"],"address":"10.20.0.4"}"#,
    ])
    func whatIsNoAddressIsRefused(text: String) {
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(NameSetAddress.self, from: Data(text.utf8))
        }
    }
}
