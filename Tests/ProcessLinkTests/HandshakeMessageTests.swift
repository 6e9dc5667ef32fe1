// SPDX-License-Identifier: Apache-2.0

import CLinux
import FoundationEssentials
import NetworkTypes
import SystemIO
import Testing

@testable import ProcessLink

/// What agent and frontend say to each other of TLS handshakes.
struct HandshakeMessageTests {
    private func again<Message: Codable>(_ message: Message) throws -> Message {
        try JSONDecoder().decode(Message.self, from: JSONEncoder().encode(message))
    }

    @Test(arguments: [nil, "-----BEGIN CERTIFICATE-----\nMIIB+/==\n-----END CERTIFICATE-----\n"])
    func requestsComeAsTheyWent(certificates: String?) throws {
        let name = try #require(DomainName("hub1.azure-devices.net"))
        let request = HandshakeRequest(
            request: .max,
            name: name,
            roots: certificates,
            identity: certificates.map { ClientIdentity(certificates: $0, privateKey: Secret([0, 255, 10])) },
            question: certificates.map { _ in
                HandshakeRequest.Question(authority: "hub1", path: "/a?b=c", authorization: Secret("token".utf8))
            },
            patience: 2_500
        )
        guard case .shakeHands(let came) = try again(MessageFromAgent.shakeHands(request)) else {
            Issue.record("another message")
            return
        }
        #expect(came == request)
        #expect(!"\(came)".contains("token") && !String(reflecting: came).contains("token"))
    }

    @Test(arguments: HandshakeOutcome.allCases, [nil, Int64.min, 1_796_000_000])
    func outcomesComeAsTheyWent(outcome: HandshakeOutcome, expires: Int64?) throws {
        let report = HandshakeReport(
            outcome,
            expires: expires,
            identityExpires: expires,
            status: expires.map { _ in 401 }
        )
        guard case .shookHands(7, let came) = try again(MessageToAgent.shookHands(request: 7, report)) else {
            Issue.record("another message")
            return
        }
        #expect(came == report)
    }

    @Test func aWordThatNobodyKnowsIsNoOutcome() {
        let text = #"{"shookHands":{"request":1,"_1":{"outcome":"splendid"}}}"#
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(MessageToAgent.self, from: Data(text.utf8))
        }
    }
}
