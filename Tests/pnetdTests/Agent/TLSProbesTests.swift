// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import PathHealth
import ProcessLink
import SystemIO
import Testing

@testable import Configuration
@testable import pnetd

/// What the agent hands to the frontend, and what it takes from it.
struct TLSProbesTests {
    private let probes: TLSProbes
    private let asked = Asked()

    private final class Asked {
        var requests: [HandshakeRequest] = []
        var isConnected = true
    }

    /// 2026-11-20, which no test depends on but that of the token.
    private struct Clock: TimeSource {
        var now: Instant { Instant(nanoseconds: 0) }
        var wallNanoseconds: Int64 { 1_795_132_800_000_000_000 }
    }

    init() throws {
        probes = TLSProbes(on: try EventLoop(), clock: Clock())
        probes.ask = { [asked] request, _ in
            if asked.isConnected { asked.requests.append(request) }
            return asked.isConnected
        }
    }

    /// A subject, and what the file says of its target.
    private func subject(
        _ path: String,
        port: UInt16 = 443,
        roots: String? = nil,
        identity: ClientIdentity? = nil,
        request: HTTPRequest? = nil
    ) throws -> ProbeSubject {
        let endpoint = SocketEndpoint(address: .v4(IPv4Address(bits: 0x0a14_0004)), port: port)
        let name = try #require(DomainName("hub1.azure-devices.net"))
        let server = TLSTarget(
            endpoint: endpoint,
            name: name,
            roots: roots,
            identity: identity,
            request: request,
            interval: .seconds(15)
        )
        let subject = ProbeSubject(
            network: try #require(NetworkName("azure")),
            path: try #require(PathName(path)),
            target: Target(.tls(server))
        )
        probes.servers[TLSProbes.Place(subject)] = server
        return subject
    }

    /// Asks, and what comes of it.
    private func end(of subject: ProbeSubject, _ report: HandshakeReport) throws -> TLSProbes.End? {
        #expect(probes.connected(Probe(subject: subject, sequence: 1), by: try connection()))
        return probes.came(try #require(asked.requests.last).request, report)?.end
    }

    private func connection() throws -> FileDescriptor {
        unsafe try FileDescriptor(pn_open("/dev/null", O_RDONLY | O_CLOEXEC, 0), from: "open")
    }

    @Test func anOutcomeIsThatOfItsRequestAndComesOnce() throws {
        let (first, second) = (try subject("vpn-a", roots: "PEM"), try subject("vpn-b", roots: "PEM"))
        #expect(probes.connected(Probe(subject: first, sequence: 7), by: try connection()))
        #expect(probes.connected(Probe(subject: second, sequence: 8), by: try connection()))
        #expect(asked.requests.map(\.roots) == ["PEM", "PEM"], "the roots are the target's, whichever the path")
        let requests = asked.requests.map(\.request)
        let served = try #require(probes.came(requests[1], HandshakeReport(.served, expires: 5)))
        #expect(served.probe == Probe(subject: second, sequence: 8) && served.end == .served)
        #expect(probes.came(requests[1], HandshakeReport(.served, expires: 6)) == nil)
        #expect(probes.came(.max, HandshakeReport(.served, expires: 6)) == nil)
        #expect(probes.expiries == [second: 5])
        let failed = try #require(probes.came(requests[0], HandshakeReport(.hungUp)))
        #expect(failed.probe == Probe(subject: first, sequence: 7) && failed.end == .failed(.hungUp))
    }

    /// The frontend hung and then died with a question, and the next one is asked of its successor.
    @Test func onlyOneQuestionOfATargetIsWithAFrontend() throws {
        let subject = try subject("vpn-a")
        #expect(probes.connected(Probe(subject: subject, sequence: 1), by: try connection()))
        #expect(!probes.connected(Probe(subject: subject, sequence: 2), by: try connection()))
        #expect(asked.requests.count == 1)
        probes.frontendIsGone()
        asked.isConnected = false
        #expect(!probes.connected(Probe(subject: subject, sequence: 2), by: try connection()))
        asked.isConnected = true
        #expect(probes.connected(Probe(subject: subject, sequence: 3), by: try connection()))
        #expect(probes.came(asked.requests[0].request, HandshakeReport(.served)) == nil)
        #expect(probes.came(asked.requests[1].request, HandshakeReport(.served))?.probe.sequence == 3)
    }

    @Test func whatTheFileHasNoMoreIsForgotten() throws {
        let (kept, gone) = (try subject("vpn-a"), try subject("vpn-a", port: 8443))
        for subject in [kept, gone] {
            #expect(probes.connected(Probe(subject: subject, sequence: 1), by: try connection()))
        }
        for request in asked.requests { _ = probes.came(request.request, HandshakeReport(.unable, expires: 5)) }
        #expect(Set(probes.unable.keys) == [kept, gone])
        probes.keep(only: [kept])
        #expect(Set(probes.unable.keys) == [kept] && probes.expiries == [kept: 5])
    }

    /// The end of our certificate is known as long as the file has one.
    @Test func anIdentityGoesWithTheRequest() throws {
        let identity = ClientIdentity(certificates: "PEM", privateKey: Secret([1]))
        let subject = try subject("vpn-a", identity: identity)
        #expect(
            try end(of: subject, HandshakeReport(.certificateDeclined, identityExpires: 7))
                == .failed(.certificateDeclined)
        )
        #expect(asked.requests.last?.identity == identity)
        #expect(probes.identityExpiries == [TLSProbes.Place(subject): 7])
        #expect(try end(of: subject, HandshakeReport(.unfit)) == .unable)
        #expect(probes.unable[subject]?.contains("private-key-file") == true)
        #expect(try end(of: subject, HandshakeReport(.served, identityExpires: 7)) == .served)
        #expect(probes.unable.isEmpty)
        _ = try self.subject("vpn-a")
        probes.keep(only: [subject])
        #expect(probes.identityExpiries.isEmpty)
    }

    /// Which status is good is the agent's to say, not the frontend's.
    @Test func aStatusIsGoodWithinTheFilesRange() throws {
        let request = HTTPRequest(path: "/health", statuses: 200...299, access: nil)
        let subject = try subject("vpn-a", port: 8443, request: request)
        #expect("\(subject.target)" == "https 10.20.0.4:8443/health as hub1.azure-devices.net")
        #expect(try end(of: subject, HandshakeReport(.served, status: 204)) == .served)
        let question = try #require(asked.requests.last?.question)
        #expect(question.authority == "hub1.azure-devices.net:8443" && question.path == "/health")
        #expect(question.authorization == nil)
        #expect(try end(of: subject, HandshakeReport(.served, status: 302)) == .failed(.status(302)))
        #expect(try end(of: subject, HandshakeReport(.served, status: .max)) == .failed(.status(.max)))
        #expect(try end(of: subject, HandshakeReport(.served)) == .failed(.notHTTP))
        #expect(try end(of: subject, HandshakeReport(.unanswered, status: 204)) == .failed(.unanswered))
        #expect(TargetFailure.status(401).description.contains("this host's clock"))
    }

    /// As openssl has it, with the key in hexadecimal:
    ///
    ///     printf 'hub1.azure-devices.net%%2Fdevices%%2Fedge-1\n1795136400' |
    ///         openssl dgst -sha256 -mac HMAC -macopt hexkey:000102...1f -binary | base64
    @Test func aTokenIsMadeOfThisMomentAndNotOfTheKeyAlone() throws {
        let access = SharedAccess(
            resource: "hub1.azure-devices.net/devices/edge-1",
            key: Secret(0..<32),
            policy: nil,
            validity: .seconds(3_600)
        )
        let subject = try subject("vpn-a", request: HTTPRequest(path: "/", statuses: 200...399, access: access))
        _ = try end(of: subject, HandshakeReport(.served, status: 200))
        let token = try #require(asked.requests.last?.question?.authorization)
        #expect(
            String(decoding: token.bytes, as: UTF8.self)
                == "SharedAccessSignature sr=hub1.azure-devices.net%2Fdevices%2Fedge-1"
                + "&sig=mffLrVfu%2BIEgqJwtP3Ri5T9nMSj%2F4RQteDMBr1BKYAM%3D&se=1795136400"
        )
        let ofPolicy = SharedAccess(resource: "hub1", key: Secret([1]), policy: "a b", validity: .seconds(60))
        let other = try #require(ofPolicy.token(at: 0))
        #expect(String(decoding: other.bytes, as: UTF8.self).hasSuffix("&se=60&skn=a%20b"))
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
        #expect(TargetFailure(HandshakeReport(.expired, expires: expires), now: now) == .expired(days: days))
    }

    @Test func onlyWhatIsTheTargetsFaultIsAFailure() {
        let faultless = HandshakeOutcome.allCases.filter { TargetFailure(HandshakeReport($0), now: 0) == nil }
        #expect(faultless == [.served, .unable, .unfit])
    }
}
