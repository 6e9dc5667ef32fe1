// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import ProcessLink
import SystemIO
import Tunnel

/// Sends the core's probes, each by its own path's sockets, and hands the answers back as evidence.
final class ProbeRunner {
    private struct Probers {
        let link: Int32
        let echo: EchoProber
        let connect: ConnectProber
        let dns: DNSProber
        let streams: StreamOpener
    }

    /// How long a probe waits that would be one too many at once, and how often.
    private static let delay = Duration.milliseconds(100)
    private static let delayLimit = 50

    private let loop: EventLoop
    private let onEvidence: (Evidence) -> Void
    /// The same on all paths: the answer to one path's echo is known when it comes in by another.
    private let echoes = EchoIdentity()
    let tls: TLSProbes
    private var probers: [PathName: Probers] = [:]
    /// A stream's number stands for its subject: it travels in a packet, or names a socket.
    private var streams: [ProbeSubject: UInt32] = [:]
    private var subjects: [UInt32: ProbeSubject] = [:]
    private var nextStream: UInt32 = 0
    /// Who is asked whether large packets get through.
    private var ways: [UInt32: (path: PathName, target: IPAddress)] = [:]
    /// Called where an echo of so many octets came back.
    var onCarried: ((PathName, _ octets: Int) -> Void)?
    /// Called where the answer to a path's probe came in by another path.
    var onDetour: ((_ path: PathName, _ other: PathName) -> Void)?
    private(set) var sent: [PathName: UInt64] = [:]
    private(set) var answered: [PathName: UInt64] = [:]
    /// Probes to which somebody said no: the path carries, the target does not serve.
    private(set) var refused: [PathName: UInt64] = [:]
    private(set) var unsendable: [PathName: UInt64] = [:]

    init(on loop: EventLoop, clock: any TimeSource, onEvidence: @escaping (Evidence) -> Void) {
        self.loop = loop
        self.onEvidence = onEvidence
        tls = TLSProbes(on: loop, clock: clock)
    }

    /// Opens sockets on the paths' interfaces as they come, anew where an interface was made anew; throws nothing away
    /// that still fits.
    func follow(_ paths: [PathName: PathState]) -> [String] {
        var failures: [String] = []
        probers = probers.filter { paths[$0.key]?.link?.index == $0.value.link }
        for (path, state) in paths where probers[path] == nil {
            guard let link = state.link, state.implementation != nil else { continue }
            do {
                probers[path] = try open(on: link, for: path)
            } catch {
                failures.append("\(path): cannot probe: \(error)")
            }
        }
        return failures
    }

    private func open(on link: Link, for path: PathName) throws(SystemError) -> Probers {
        Probers(
            link: link.index,
            echo: try EchoProber(interface: link.name, as: echoes, on: loop) { [weak self] token, source in
                if let way = self?.ways[token.stream] {
                    guard way.path == path, way.target == source else { return }
                    self?.onCarried?(path, Int(token.sequence))
                }
                // From the one who was asked: anything else proves nothing.
                guard self?.subjects[token.stream]?.target == .icmp(source) else { return }
                self?.answered(token, by: path)
            },
            connect: ConnectProber(interface: link.name, on: loop) { [weak self] token, outcome in
                self?.take(outcome, token, by: path)
            },
            dns: DNSProber(interface: link.name, on: loop) { [weak self] token, outcome in
                self?.take(outcome, token, by: path)
            },
            streams: StreamOpener(
                interface: link.name,
                patience: TLSProbes.connectPatience,
                on: loop
            ) { [weak self] token, outcome in
                self?.take(outcome, token, by: path)
            }
        )
    }

    /// Forgets the subjects that a new file has no more.
    func keep(only policies: [NetworkPolicy]) {
        let wanted = policies.flatMap { policy in
            policy.paths.flatMap { path in
                policy.targets.map { ProbeSubject(network: policy.network, path: path, target: $0) }
            }
        }
        streams = streams.filter { wanted.contains($0.key) }
        subjects = Dictionary(streams.map { ($0.value, $0.key) }, uniquingKeysWith: { first, _ in first })
        ways = ways.filter { way in
            wanted.contains { $0.path == way.value.path && $0.target == .icmp(way.value.target) }
        }
        for prober in probers.values { prober.dns.keep(only: Set(subjects.keys)) }
        tls.keep(only: Set(wanted))
    }

    func send(_ probe: Probe) { send(probe, after: 0) }

    private func sendLater(_ probe: Probe, _ delays: Int) {
        guard delays < Self.delayLimit else { return unsendable[probe.subject.path, default: 0] += 1 }
        loop.schedule(after: Self.delay) { [weak self] in self?.send(probe, after: delays + 1) }
    }

    private func send(_ probe: Probe, after delays: Int) {
        let path = probe.subject.path
        guard let probers = probers[path] else { return unsendable[path, default: 0] += 1 }
        let token = ProbeToken(stream: stream(of: probe.subject), sequence: probe.sequence)
        do {
            switch probe.subject.target {
            case .icmp(let address): try probers.echo.send(token, to: address)
            case .tcp(let endpoint): try probers.connect.send(token, to: endpoint)
            case .dns(let server, let zone): try probers.dns.send(token, for: zone, to: server)
            case .tls(let endpoint, _, _), .https(let endpoint, _, _, _):
                guard tls.mayStart() else { return sendLater(probe, delays) }
                try probers.streams.open(token, to: endpoint)
            }
            sent[path, default: 0] += 1
        } catch {
            // What did not leave stays without answer: the core draws the same conclusion.
            unsendable[path, default: 0] += 1
        }
    }

    /// Asks whether a packet of so many octets gets through a path to a target and back.
    func measure(_ path: PathName, to target: IPAddress, octets: Int) {
        let stream = ways.first { $0.value == (path, target) }?.key ?? newStream()
        ways[stream] = (path, target)
        // Its size is its number.
        let token = ProbeToken(stream: stream, sequence: UInt16(clamping: octets))
        try? probers[path]?.echo.send(token, to: target, octets: octets)
    }

    private func newStream() -> UInt32 {
        nextStream += 1
        return nextStream
    }

    private func stream(of subject: ProbeSubject) -> UInt32 {
        if let known = streams[subject] { return known }
        let stream = newStream()
        streams[subject] = stream
        subjects[stream] = subject
        return stream
    }

    private func answered(_ token: ProbeToken, by path: PathName) {
        guard let subject = subjects[token.stream] else { return }
        guard subject.path == path else {
            // What did not come in by the path that it was sent by proves nothing of either.
            onDetour?(subject.path, path)
            return
        }
        answered[path, default: 0] += 1
        onEvidence(.answer(Probe(subject: subject, sequence: token.sequence)))
    }

    private func take(_ outcome: ProbeOutcome, _ token: ProbeToken, by path: PathName) {
        switch outcome {
        case .answered: answered(token, by: path)
        case .refused: refused[path, default: 0] += 1
        }
    }

    private func take(_ outcome: consuming StreamOpener.Outcome, _ token: ProbeToken, by path: PathName) {
        guard let subject = subjects[token.stream], subject.path == path else { return }
        let probe = Probe(subject: subject, sequence: token.sequence)
        switch consume outcome {
        case .stood(let connection):
            if !tls.connected(probe, by: connection) { unsendable[path, default: 0] += 1 }
        case .refused:
            refused[path, default: 0] += 1
            onEvidence(.failure(probe, .refused))
        case .missed: onEvidence(.failure(probe, .unreachable))
        }
    }

    /// Takes the frontend's word of a handshake.
    func shookHands(_ request: UInt64, _ report: HandshakeReport) {
        guard let (probe, end) = tls.came(request, report) else { return }
        let path = probe.subject.path
        switch end {
        case .unable: unsendable[path, default: 0] += 1
        case .served:
            answered[path, default: 0] += 1
            onEvidence(.answer(probe))
        case .failed(let failure):
            if failure != .silent && failure != .unanswered { refused[path, default: 0] += 1 }
            onEvidence(.failure(probe, failure))
        }
    }
}
