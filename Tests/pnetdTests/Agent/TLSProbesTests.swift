// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import PathHealth
import ProcessLink
import SystemIO
import Testing

@testable import pnetd

/// What the agent hands to the frontend, and what it takes from it.
struct TLSProbesTests {
    private let probes: TLSProbes
    private let asked = Asked()

    private final class Asked {
        var requests: [HandshakeRequest] = []
        var isConnected = true
    }

    init() throws {
        probes = TLSProbes(on: try EventLoop())
        probes.ask = { [asked] request, _ in
            if asked.isConnected { asked.requests.append(request) }
            return asked.isConnected
        }
    }

    private func subject(_ path: String, port: UInt16 = 443) throws -> ProbeSubject {
        let endpoint = SocketEndpoint(address: .v4(IPv4Address(bits: 0x0a14_0004)), port: port)
        return ProbeSubject(
            network: try #require(NetworkName("azure")),
            path: try #require(PathName(path)),
            target: .tls(endpoint, name: .root, every: .seconds(15))
        )
    }

    private func connection() throws -> FileDescriptor {
        unsafe try FileDescriptor(pn_open("/dev/null", O_RDONLY | O_CLOEXEC, 0), from: "open")
    }

    @Test func anOutcomeIsThatOfItsRequestAndComesOnce() throws {
        let (first, second) = (try subject("vpn-a"), try subject("vpn-b"))
        probes.roots[TLSProbes.Place(network: first.network, target: first.target)] = "PEM"
        #expect(probes.connected(Probe(subject: first, sequence: 7), .root, by: try connection()))
        #expect(probes.connected(Probe(subject: second, sequence: 8), .root, by: try connection()))
        #expect(asked.requests.map(\.roots) == ["PEM", "PEM"], "the roots are the target's, whichever the path")
        let requests = asked.requests.map(\.request)
        #expect(probes.came(requests[1], .served, expires: 5) == Probe(subject: second, sequence: 8))
        #expect(probes.came(requests[1], .served, expires: 6) == nil)
        #expect(probes.came(.max, .served, expires: 6) == nil)
        #expect(probes.expiries == [second: 5])
        #expect(probes.came(requests[0], .hungUp, expires: nil) == Probe(subject: first, sequence: 7))
    }

    /// The frontend hung and then died with a question, and the next one is asked of its successor.
    @Test func onlyOneQuestionOfATargetIsWithAFrontend() throws {
        let subject = try subject("vpn-a")
        #expect(probes.connected(Probe(subject: subject, sequence: 1), .root, by: try connection()))
        #expect(!probes.connected(Probe(subject: subject, sequence: 2), .root, by: try connection()))
        #expect(asked.requests.count == 1)
        probes.frontendIsGone()
        asked.isConnected = false
        #expect(!probes.connected(Probe(subject: subject, sequence: 2), .root, by: try connection()))
        asked.isConnected = true
        #expect(probes.connected(Probe(subject: subject, sequence: 3), .root, by: try connection()))
        #expect(probes.came(asked.requests[0].request, .served, expires: nil) == nil)
        #expect(probes.came(asked.requests[1].request, .served, expires: nil)?.sequence == 3)
    }

    @Test func whatTheFileHasNoMoreIsForgotten() throws {
        let (kept, gone) = (try subject("vpn-a"), try subject("vpn-a", port: 8443))
        for subject in [kept, gone] {
            #expect(probes.connected(Probe(subject: subject, sequence: 1), .root, by: try connection()))
        }
        for request in asked.requests { _ = probes.came(request.request, .unable, expires: 5) }
        #expect(probes.unable == [kept, gone])
        probes.keep(only: [kept])
        #expect(probes.unable == [kept] && probes.expiries == [kept: 5])
    }

    /// More at once would get the frontend cut off for its answers.
    @Test func noMoreIsBegunThanTheFrontendMayAnswer() {
        #expect((0..<100).count { _ in probes.mayStart() } == 20)
    }

    @Test(arguments: [
        (1_000_000 as Int64?, 1_000_000 as Int64, 0), (1_000_000, 1_086_399, 0), (1_000_000, 1_086_400, 1),
        (nil, 1_000_000, 0), (2_000_000, 1_000_000, 0), (.min, 1_000_000, 0), (.max, 1_000_000, 0),
    ])
    func wholeDaysHavePassedSinceTheEnd(expires: Int64?, now: Int64, days: Int) {
        #expect(TLSFailure(.expired, expires: expires, now: now) == .expired(days: days))
    }

    @Test func onlyWhatIsTheTargetsFaultIsAFailure() {
        let faultless = HandshakeOutcome.allCases.filter { TLSFailure($0, expires: nil, now: 0) == nil }
        #expect(faultless == [.served, .unable])
    }
}
