// SPDX-License-Identifier: Apache-2.0

import Configuration
import HostDNS
import Logging
import NetworkTypes
import PathHealth
import ProcessLink
import SystemIO
import Tunnel

/// Where the tunnels' far ends are, and what is being asked about it.
struct EndpointWork {
    var book = EndpointBook()
    /// Questions that the resolver has and has not answered, and since when.
    var underWay: [UInt64: (question: EndpointBook.Question, since: Instant)] = [:]
    /// Not from zero: a resolver that outlived an agent may still answer that one's questions.
    var lastRequest = UInt64(UInt32.random(in: 0 ... .max))
    /// Well below what the resolver may say in a second: its answers are messages.
    var pace = RateLimit(burst: 16, perSecond: 16, now: Instant(nanoseconds: 0))
    /// What each peer had sent when last looked at.
    var received: [EndpointBook.Peer: UInt64] = [:]
    /// Why names could not be found, in words.
    var problems: [EndpointBook.Question: String] = [:]
    /// What underlays through which a name was not found had to offer when last looked at.
    var means: [InterfaceName: Means] = [:]
    /// The last handshake of each peer, and when it was first seen here: by the wall clock its age cannot be told where
    /// that was set meanwhile.
    var handshakes: [EndpointBook.Peer: (wallNanoseconds: Int64?, seen: Instant)] = [:]
    /// Octets that the only peer of a path has sent us, and when they were seen to grow last.
    var heard: [PathName: (octets: UInt64, seen: Instant?)] = [:]

    /// What an underlay has for finding names.
    struct Means: Equatable {
        var families: Set<AddressFamily>
        var servers: [SocketEndpoint]
    }

    /// How many questions the resolver gets at once; it takes 16.
    static let limit = 8
    /// How many addresses of a name are tried.
    static let addressLimit = 16
    /// After how long without a handshake a tunnel that is kept alive counts as silent, where nothing is probed through
    /// it: no session is older than that (REJECT_AFTER_TIME, drivers/net/wireguard/messages.h).
    static let longestSession = Duration.seconds(180)
}

extension Agent {
    /// Looks for peers that have gone silent, and asks where they are.
    func watchEndpoints() {
        var signs: [EndpointBook.Peer: EndpointBook.Sign] = [:]
        var received: [EndpointBook.Peer: UInt64] = [:]
        for path in site.paths {
            let isExcused = isUnderlayGone(path) || rotation.map { $0.path == path.name && $0.isInForce } ?? false
            if path.ipsec != nil {
                let isDown = core.verdict(of: path.name)?.verdict == .down
                let id = EndpointBook.Peer(path: path.name, key: nil)
                signs[id] = EndpointBook.Sign(isSilent: isDown && !isExcused, calledAt: endpoints.book.endpoint(of: id))
            }
            let peers = reconciler.device(on: path.interface)?.peers ?? []
            // What is asked through a path speaks for its only peer, by whichever key; of several it says nothing.
            let verdict = path.peers.count == 1 ? core.verdict(of: path.name)?.verdict : nil
            for peer in peers {
                let id = EndpointBook.Peer(path: path.name, key: peer.publicKey)
                received[id] = peer.received
                let isHeard = endpoints.received[id].map { $0 != peer.received } ?? false
                let isMissed = verdict.map { $0 == .down } ?? isOverdue(peer, endpoints.handshakes[id]?.seen)
                signs[id] = EndpointBook.Sign(
                    isSilent: isMissed && !isHeard && !isExcused,
                    calledAt: peer.endpoint
                )
            }
        }
        endpoints.received = received
        watchMeans()
        call(endpoints.book.observe(signs, now: loop.now))
        lookForEndpoints()
    }

    /// Asks again for what was not found as soon as its underlay has an address or a resolver that it had not.
    private func watchMeans() {
        let lacking = Dictionary(grouping: endpoints.problems.keys, by: \.underlay)
        for (underlay, questions) in lacking {
            let means = EndpointWork.Means(families: families(of: underlay), servers: resolvers(of: underlay))
            if let before = endpoints.means[underlay], before != means {
                for question in questions { endpoints.book.hurry(question, now: loop.now) }
            }
            endpoints.means[underlay] = means
        }
        endpoints.means = endpoints.means.filter { lacking[$0.key] != nil }
    }

    /// The families in which an underlay leads anywhere.
    private func families(of underlay: InterfaceName) -> Set<AddressFamily> {
        guard let path = site.paths.first(where: { $0.underlay?.interface == underlay }) else { return [] }
        guard case .addresses(let gateways) = path.underlay?.gateways else {
            return reconciler.families(of: underlay, gateways: nil)
        }
        return reconciler.families(of: underlay, gateways: gateways)
    }

    /// Whether there is nobody to ask and nothing to learn: the fault lies below the tunnel.
    private func isUnderlayGone(_ path: PathConfiguration) -> Bool {
        switch paths[path.name]?.condition {
        case .unusable(.underlayMissing), .unusable(.underlayDown): true
        default: false
        }
    }

    /// Whether a peer that is kept alive has not shaken hands for longer than a session lasts.
    private func isOverdue(_ peer: WireGuardDevice.Peer, _ seen: Instant?) -> Bool {
        guard peer.keepalive > 0, let seen else { return false }
        let limit = EndpointWork.longestSession + .seconds(peer.keepalive)
        return loop.now - seen > (peer.lastHandshake == nil ? EndpointBook.patience : limit)
    }

    /// Asks the resolver for what is due.
    func lookForEndpoints() {
        guard processes.isConnected(.resolver) else { return }
        let now = loop.now
        endpoints.underWay = endpoints.underWay.filter { now - $0.value.since < EndpointBook.answerPatience }
        while endpoints.underWay.count < EndpointWork.limit, endpoints.pace.take(at: now),
            let question = endpoints.book.takeQuestions(atMost: 1, now: now).first
        {
            let servers = resolvers(of: question.underlay)
            guard !servers.isEmpty else {
                let text = "no resolver is known for \(question.underlay) (set 'resolvers' of the underlay)"
                counters.lookups[.unasked, default: 0] += 1
                note([], for: .zero, text, question)
                continue
            }
            endpoints.lastRequest += 1
            endpoints.underWay[endpoints.lastRequest] = (question, now)
            processes.send(
                .find(
                    request: endpoints.lastRequest,
                    host: question.host,
                    servers: servers,
                    interface: question.underlay
                ),
                to: .resolver
            )
        }
    }

    private func resolvers(of underlay: InterfaceName) -> [SocketEndpoint] {
        var given: [SocketEndpoint] = []
        for path in site.paths where path.underlay?.interface == underlay {
            guard case .endpoints(let endpoints) = path.underlay?.resolvers else { continue }
            given += endpoints.filter { !given.contains($0) }
        }
        guard given.isEmpty else { return given }
        let own = Set(site.resolver?.listen.map(\.address) ?? [])
        return UnderlayResolvers(before: hostNames.conf.original).find(index: reconciler.index(of: underlay)) {
            server in
            !own.contains(server) && !isProtected(server)
        }.map { SocketEndpoint(address: $0, port: 53) }
    }

    private func isProtected(_ address: IPAddress) -> Bool {
        site.networks.contains { $0.prefixes.contains { $0.contains(address) } }
    }

    /// Takes what the resolver found. It faces strangers: what cannot be a far end is not taken.
    func found(_ request: UInt64, _ addresses: [IPAddress], lifetime: UInt32, _ problem: FindingProblem?) {
        guard let question = endpoints.underWay.removeValue(forKey: request)?.question else { return }
        let usable = order(addresses.prefix(EndpointWork.addressLimit).filter(\.isUnicastHost), question)
        let outside = usable.filter { !isProtected($0) }
        var text: String?
        if outside.isEmpty {
            let servers = resolvers(of: question.underlay).map(\.description).joined(separator: ", ")
            text =
                switch problem {
                case .noSuchName: "there is no such name, says \(servers)"
                case .noAddress: "the name has no address, says \(servers)"
                case .noAnswer: "no answer from \(servers) through \(question.underlay)"
                case nil:
                    usable.isEmpty
                        ? "\(question.underlay) leads to none of its addresses"
                        : "its address \(usable[0]) lies in a protected prefix"
                }
        }
        counters.lookups[text == nil ? .found : .failed, default: 0] += 1
        note(outside, for: .seconds(Int64(lifetime)), text, question)
        lookForEndpoints()
    }

    /// The addresses that the underlay leads to, IPv6 first and the families in turn (RFC 8305 section 4): the next
    /// one to be tried is of the other family.
    private func order(_ addresses: [IPAddress], _ question: EndpointBook.Question) -> [IPAddress] {
        let families = families(of: question.underlay)
        func of(_ family: AddressFamily) -> [IPAddress] {
            families.contains(family) ? addresses.filter { $0.family == family } : []
        }
        let (six, four) = (of(.ipv6), of(.ipv4))
        return (0..<max(six.count, four.count)).flatMap { index in
            [six, four].compactMap { index < $0.count ? $0[index] : nil }
        }
    }

    private func note(
        _ addresses: [IPAddress],
        for lifetime: Duration,
        _ problem: String?,
        _ question: EndpointBook.Question
    ) {
        let text = problem.map { "\(question.host.withoutRootDot): \($0)" }
        if let text, endpoints.problems[question] != text { log.warning("endpoint \(text)") }
        endpoints.problems[question] = text
        call(endpoints.book.found(addresses, for: lifetime, question, now: loop.now))
    }

    /// Tells peers their endpoints, also those that had been told the same and roamed since.
    private func call(_ peers: Set<EndpointBook.Peer>) {
        guard !peers.isEmpty else { return }
        for peer in peers {
            guard let path = site.paths.first(where: { $0.name == peer.path }) else { continue }
            if let key = peer.key { reconciler.forgetTold(key, on: path.interface) } else { rememberGateway(peer) }
            counters.endpointChanges[path.name, default: 0] += 1
            let endpoint = endpoints.book.endpoint(of: peer).map(\.description) ?? "nowhere"
            log.notice("\(path.name): the peer is called at \(endpoint)", metadata: ["peer": "\(peer.name)"])
        }
        scheduleReconcile(after: .zero)
    }

    /// Keeps where a gateway was found, for a run that begins before its name can be asked for.
    private func rememberGateway(_ gateway: EndpointBook.Peer) {
        guard let address = endpoints.book.endpoint(of: gateway)?.address else { return }
        var known = saved.gateways ?? [:]
        known[gateway.path.text] = address
        saved.gateways = known
        save()
    }

    /// Where an earlier run, or an earlier file, called a peer.
    func toldEndpoint(_ peer: EndpointBook.Peer) -> SocketEndpoint? {
        guard let key = peer.key else {
            return saved.gateways?[peer.path.text].map { SocketEndpoint(address: $0, port: 500) }
        }
        return site.paths.first { $0.name == peer.path }.flatMap { reconciler.told[$0.interface]?[key] }
    }

    /// Takes the peers of the file that is in force.
    func followPlaces() {
        let places = site.places
        endpoints.book.follow(places, told: toldEndpoint, now: loop.now)
        let questions = Set(places.values.compactMap(\.question))
        endpoints.problems = endpoints.problems.filter { questions.contains($0.key) }
    }

    /// Names of the file that cannot be found, as warnings.
    var endpointWarnings: [String] {
        if site.hasNamedEndpoints, !processes.isConnected(.resolver), loop.now - started > .seconds(5) {
            return ["endpoints by name cannot be found: the resolver's process is not connected"]
        }
        return endpoints.problems.values.map { "endpoint \($0)" }.sorted()
    }
}

extension SiteConfiguration {
    /// Where the file says that the peers are.
    var places: [EndpointBook.Peer: EndpointBook.Place] {
        var places: [EndpointBook.Peer: EndpointBook.Place] = [:]
        for path in paths {
            guard let underlay = path.underlay?.interface else { continue }
            if let tunnel = path.ipsec {
                places[EndpointBook.Peer(path: path.name, key: nil)] =
                    EndpointBook.Place(host: tunnel.remote, underlay: underlay)
            }
            for peer in path.peers {
                guard let host = peer.endpoint else { continue }
                for key in [peer.publicKey, peer.nextPublicKey].compactMap({ $0 }) {
                    places[EndpointBook.Peer(path: path.name, key: key)] =
                        EndpointBook.Place(host: host, underlay: underlay)
                }
            }
        }
        return places
    }

    /// Whether a name has to be found before a tunnel stands.
    var hasNamedEndpoints: Bool { places.values.contains { $0.question != nil } }
}
