// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import SystemIO
import Tunnel

/// Sends the core's probes, each by its own path's socket, and hands the answers back as evidence.
final class ProbeRunner {
    private struct Sockets {
        let link: Int32
        let prober: EchoProber
    }

    private let loop: EventLoop
    private let onAnswer: (Probe) -> Void
    private var sockets: [PathName: Sockets] = [:]
    /// A stream's number travels in the packet and names its subject.
    private var streams: [ProbeSubject: UInt32] = [:]
    private var subjects: [UInt32: ProbeSubject] = [:]
    private var nextStream: UInt32 = 0
    private(set) var sent: [PathName: UInt64] = [:]
    private(set) var answered: [PathName: UInt64] = [:]
    private(set) var unsendable: [PathName: UInt64] = [:]

    init(on loop: EventLoop, onAnswer: @escaping (Probe) -> Void) {
        self.loop = loop
        self.onAnswer = onAnswer
    }

    /// Opens sockets on the paths' interfaces as they come, anew where an interface was made anew; throws nothing away
    /// that still fits.
    func follow(_ paths: [PathName: PathState]) -> [String] {
        var failures: [String] = []
        sockets = sockets.filter { paths[$0.key]?.link?.index == $0.value.link }
        for (path, state) in paths where sockets[path] == nil {
            guard let link = state.link, state.implementation != nil else { continue }
            do {
                let prober = try EchoProber(interface: link.name, on: loop) { [weak self] token in
                    self?.receive(token, from: path)
                }
                sockets[path] = Sockets(link: link.index, prober: prober)
            } catch {
                failures.append("\(path): cannot probe: \(error)")
            }
        }
        return failures
    }

    func send(_ probe: Probe) {
        let path = probe.subject.path
        guard case .icmp(let address) = probe.subject.target, let prober = sockets[path]?.prober else {
            return unsendable[path, default: 0] += 1
        }
        let stream = stream(of: probe.subject)
        do {
            try prober.send(EchoProber.Token(address: address, stream: stream, sequence: probe.sequence))
            sent[path, default: 0] += 1
        } catch {
            // What did not leave stays without answer: the core draws the same conclusion.
            unsendable[path, default: 0] += 1
        }
    }

    private func stream(of subject: ProbeSubject) -> UInt32 {
        if let known = streams[subject] { return known }
        nextStream += 1
        streams[subject] = nextStream
        subjects[nextStream] = subject
        return nextStream
    }

    private func receive(_ token: EchoProber.Token, from path: PathName) {
        // By the path that it was sent by, from the one who was asked: anything else proves nothing.
        guard let subject = subjects[token.stream], subject.path == path, subject.target == .icmp(token.address) else {
            return
        }
        answered[path, default: 0] += 1
        onAnswer(Probe(subject: subject, sequence: token.sequence))
    }
}
