// SPDX-License-Identifier: Apache-2.0
// What the workers found, as it is told to people.

import ControlAPI
import NetworkTypes
import PrivateDNS

extension NameExplanation {
    /// - Parameter message: the answer; empty where there is none.
    init(_ message: [UInt8], _ steps: [ResolutionStep], to question: NamesRequest) {
        let answer = AnswerText(message)
        self.init(
            name: question.name ?? .root,
            type: question.type ?? "A",
            code: answer?.code.text,
            records: answer?.records ?? [],
            remark: answer?.remark,
            steps: steps.map(NameStep.init)
        )
    }
}

extension NameStep {
    init(_ step: ResolutionStep) {
        self.init(hop: step.hop, name: step.name, event: step.event.word, text: step.event.text(for: step.name))
        switch step.event {
        case .zone(let apex, let network, let generation, _):
            zone = apex
            self.network = network
            if network != nil { self.generation = generation }
        case .asked(let server, let path, _), .unreachable(let server, let path), .silent(let server, let path),
            .doubted(let server, let path, _):
            (self.server, self.path) = ("\(server)", path)
        case .answered(let server, let path, let code, _, let microseconds):
            (self.server, self.path, self.code) = ("\(server)", path, code.text)
            milliseconds = Double(microseconds) / 1_000
        case .cached(let code, _, _), .answer(let code):
            self.code = code.text
        default:
            break
        }
    }
}

extension ResolutionStep.Event {
    fileprivate var word: String {
        switch self {
        case .clientRefused: "client-refused"
        case .view: "view"
        case .zone: "zone"
        case .noZone: "no-zone"
        case .typeLeftOut: "type-left-out"
        case .cached: "cached"
        case .joined: "joined"
        case .looped: "looped"
        case .asked: "asked"
        case .answered: "answered"
        case .doubted: "doubted"
        case .validated: "validated"
        case .unreachable: "unreachable"
        case .silent: "silent"
        case .leftOut: "left-out"
        case .alias: "alias"
        case .barred: "barred"
        case .recalled: "recalled"
        case .proven(_, true): "proven"
        case .proven(_, false): "unproven"
        case .published: "published"
        case .answer: "answer"
        case .inSets: "name-sets"
        }
    }

    fileprivate func text(for name: DomainName) -> String {
        switch self {
        case .clientRefused: "this client may not ask: the resolver's allow does not name it"
        case .view(let name): "the client sees view \(name)"
        case .zone(let apex, let network, let generation, let authority):
            "zone \(apex.withoutRootDot)"
                + (network.map { " of network \($0), decision \(generation)" } ?? ", answered by the resolver itself")
                + ": \(authority.text)"
        case .noZone(hasUpstreams: true): "in no zone: the upstreams are asked"
        case .noZone(hasUpstreams: false): "in no zone, and there are no upstreams"
        case .typeLeftOut: "the zone's types do not name this one: nobody is asked"
        case .cached(let code, let seconds, let isStale):
            "the cache holds \(code.text) for \(seconds)s" + (isStale ? ", which was over and is given again" : "")
        case .looped: "this is the resolver's own question, which came back to it: an upstream leads here"
        case .joined: "the same question is under way"
        case .asked(let server, let path, let transport):
            "\(server) is asked" + Self.by(path) + transport.words
        case .answered(let server, let path, let code, let answers, let microseconds):
            "\(server) answers\(Self.by(path)): \(code.text), \(answers) record\(answers == 1 ? "" : "s"), "
                + "\(Self.milliseconds(microseconds))ms"
        case .doubted(let server, let path, .letters):
            "\(server)\(Self.by(path)) has not kept the case of the name's letters, as a forged answer would not"
        case .doubted(let server, let path, .cookie):
            "\(server)\(Self.by(path)) has shown no cookie though it gave one before, as a forged answer would not"
        case .validated(let what): "the answer was validated: \(what)"
        case .unreachable(let server, let path): "\(server) cannot be reached" + Self.by(path)
        case .silent(let server, let path): "\(server) has not answered" + Self.by(path)
        case .leftOut(let count, let why): "\(count) record\(count == 1 ? " is" : "s are") left out: \(why)"
        case .alias(let target): "an alias of \(target.withoutRootDot)"
        case .barred(let why): "it must not lead there: \(why)"
        case .recalled(let seconds, let hosts):
            "an answer of \(seconds)s ago is of use if \(hosts.map(\.description).joined(separator: ", ")) takes a connection"
        case .proven(let host, true): "\(host) takes a connection"
        case .proven(let host, false): "\(host) does not take a connection"
        case .published(.noSuchName): "its servers know no such name, and the file says that the public is asked then"
        case .published(.noAnswer): "no server answers, and the file says that the public is asked then"
        case .answer(let code): "the answer is \(code.text)"
        case .inSets(let names):
            "of \(names.count == 1 ? "name set" : "name sets") \(names.map(\.text).joined(separator: ", ")): the firewall is "
                + "told of its addresses first"
        }
    }

    private static func by(_ path: String?) -> String { path.map { " by \($0)" } ?? "" }

    private static func milliseconds(_ microseconds: UInt64) -> String {
        "\(microseconds / 1_000).\(microseconds / 100 % 10)"
    }
}

extension ResolutionStep.Authority {
    fileprivate var text: String {
        switch self {
        case .records: "records of the file"
        case .servers(let servers, let paths):
            "its servers are \(Self.list(servers)), by \(paths.joined(separator: ", else "))"
        case .published(let servers): "answered by the upstreams, \(Self.list(servers))"
        case .blocked(let reason): "blocked: \(reason)"
        case .unready(let reason): "not answered: \(reason)"
        case .nobody: "the upstreams would be asked, and there are none"
        }
    }

    private static func list(_ servers: [SocketEndpoint]) -> String {
        servers.map(\.description).joined(separator: ", ")
    }
}

extension NameDump.Entry {
    init(_ answer: KeptAnswer) {
        self.init(
            name: answer.name,
            type: RecordTypeText.text(of: answer.type),
            code: answer.code.text,
            answers: Int(answer.answers),
            zone: answer.zone,
            secondsLeft: answer.secondsLeft,
            secondsOld: answer.secondsOld,
            stale: answer.isStale,
            octets: answer.size
        )
    }
}

extension UpstreamTransport {
    fileprivate var words: String {
        switch self {
        case .datagram: ""
        case .stream: " over TCP"
        case .encrypted(.tls): " over TLS"
        case .encrypted(.https): " over HTTPS"
        }
    }
}
