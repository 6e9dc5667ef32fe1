// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import NetworkTypes
import Testing

struct ControlLineTests {
    @Test func writesARequestAsOneLine() throws {
        let line = try ControlLine.encode(ControlRequest(.status))
        #expect(String(decoding: line, as: UTF8.self) == "{\"command\":\"status\"}\n")
        #expect(try ControlLine.decode(ControlRequest.self, from: line) == ControlRequest(.status))
    }

    @Test(arguments: ["", "{", "[]", "{}", #"{"command":"rm"}"#, #"{"command":1}"#, "\u{0}", "nonsense"])
    func refusesWhatIsNoRequest(text: String) {
        #expect(throws: ControlLine.Malformed.self) {
            try ControlLine.decode(ControlRequest.self, from: Array(text.utf8))
        }
    }

    @Test func carriesAnErrorInsteadOfAResult() throws {
        let error = ControlError(code: .notPermitted, message: "only group pnetd may ask", cause: nil)
        let line = try ControlLine.encode(ControlResponse<DownReport>.error(error))
        #expect(
            String(decoding: line, as: UTF8.self)
                == #"{"error":{"cause":null,"code":"not-permitted","message":"only group pnetd may ask"}}"# + "\n"
        )
        let response = try ControlLine.decode(ControlResponse<StatusReport>.self, from: line)
        #expect(throws: error) { try response.get() }
    }

    @Test func readsKeysOfAnOlderDaemonAsNull() throws {
        let line = #"{"error":{"code":"of-tomorrow","message":"no"},"more":1}"#
        let response = try ControlLine.decode(ControlResponse<DownReport>.self, from: Array(line.utf8))
        let error = ControlError(code: .init(rawValue: "of-tomorrow"), message: "no")
        #expect(response == .error(error))
    }

    @Test func writesAnEventWithBothPaths() throws {
        let event = WatchEvent(
            time: "2026-01-01T00:00:00Z",
            network: try #require(NetworkName("azure")),
            from: .up,
            to: .blocked,
            fromPath: PathName("vpn-a"),
            path: nil,
            reasons: ["vpn-a: 9 probes unanswered for 0.8s"],
            generation: 12
        )
        let line = try ControlLine.encode(event)
        let expected =
            #"{"carriers":[],"from":"up","fromCarriers":["vpn-a"],"fromPath":"vpn-a","generation":12,"network":"azure","path":null,"#
            + #""reasons":["vpn-a: 9 probes unanswered for 0.8s"],"time":"2026-01-01T00:00:00Z","to":"blocked"}"# + "\n"
        #expect(String(decoding: line, as: UTF8.self) == expected)
        #expect(try ControlLine.decode(WatchEvent.self, from: line) == event)
    }
}
