// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import PrivateDNS

/// Plays the statements of a scenario, one after the other.
struct ScriptStage {
    /// A zone of the text; its realm is the network's.
    private struct Zone {
        let name: DomainName
        let forward: [SocketEndpoint]
        let records: [String]
        let prefixes: [IPPrefix]?
        let types: Set<UInt16>?
        let lastKnownGood: LastKnownGood?
        let publicAfter: Set<PublicReason>
        let trustsAD: Bool
        let view: String?
    }

    private struct View {
        let name: String
        let clients: [IPPrefix]?
        let interfaces: Set<UInt32>?
        let hasUpstreams: Bool
    }

    private let file: String
    private let scenario = Scenario()
    private var zones: [Zone] = []
    private var views: [View] = []
    private var upstreams: [SocketEndpoint] = []
    private var trusted: [DomainName] = []
    private var trustedUpstreams: Set<SocketEndpoint> = []
    private var whenBlocked = Policy.BlockedAnswer.servfail
    private var realm = Policy.Realm.blocked("not decided")
    private var generation: UInt64 = 0
    private var unrouted: AddressSet?
    private var servers: [IPAddress: ScriptServer] = [:]
    /// Who takes connections, by which interface.
    private var hosts: [SocketEndpoint: InterfaceName] = [:]
    private var told: [[UInt8]] = []
    private var isAdopted = false
    private var asked: [String] = []
    private var nameSets: [Policy.NameSet] = []
    /// Nil where it says nothing.
    private var firewallHolds: Bool? = true
    /// What it has said nothing of, by serial.
    private var unsaid: [(serial: UInt64, count: Int)] = []
    private var learned: [String] = []

    /// Where the network of all scenarios is.
    private static let network = "10.20.0.0/16"
    private static let network6 = "fd00:20::/48"

    init(_ file: String) { self.file = file }

    mutating func play(_ statement: Script.Statement) throws {
        let words = Array(statement.words.dropFirst())
        switch statement.words[0] {
        case "zone": try declare(words, statement)
        case "view": declareView(words)
        case "upstreams": upstreams = try words.map { try endpoint($0, statement) }
        case "trust-ad": trustedUpstreams = Set(try words.map { try endpoint($0, statement) })
        case "trust": trusted = try words.map { try name($0, statement) }
        case "when-blocked": whenBlocked = try blockedAnswer(words, statement)
        case "network": try decide(words, statement)
        case "unrouted": unrouted = words.isEmpty ? nil : AddressSet(words.compactMap { IPPrefix($0) })
        case "server": try serve(words, statement)
        case "host": try settle(words, statement)
        case "ask": try ask(words, statement)
        case "told":
            takeTold()
            #expect(told.isEmpty == statement.body.isEmpty, "\(file):\(statement.line): \(told.count) answers came")
            if !told.isEmpty { try compare(told.removeFirst(), statement) }
        case "asked":
            #expect(asked.first ?? "" == words.joined(separator: " "), "\(file):\(statement.line)")
            if !asked.isEmpty { asked.removeFirst() }
        case "name-set": try declareNameSet(words, statement)
        case "firewall": firewallHolds = words == ["holds"] ? true : words == ["refuses"] ? false : nil
        case "word":
            for (serial, count) in unsaid { scenario.hear(serial, except: words == ["holds"] ? [] : Set(0..<count)) }
            unsaid = []
        case "learned":
            #expect(learned.first ?? "" == words.joined(separator: " "), "\(file):\(statement.line)")
            if !learned.isEmpty { learned.removeFirst() }
        case "unheld":
            #expect(scenario.tally.unheldAnswers == UInt64(words[0]), "\(file):\(statement.line)")
        case "wait":
            try adopt()
            // In small steps: servers answer while clients wait.
            for _ in 0..<Int((Double(words[0]) ?? 0) * 20) {
                scenario.pass(.milliseconds(50))
                playServers()
            }
        default: throw Script.Fault(file, statement.line, "'\(statement.words[0])' is no statement")
        }
        let policy = [
            "zone", "view", "upstreams", "trust", "trust-ad", "when-blocked", "network", "unrouted", "name-set",
        ]
        if policy.contains(statement.words[0]) { isAdopted = false }
    }

    // MARK: - What the file says, and what is decided

    private mutating func declare(_ words: [String], _ statement: Script.Statement) throws {
        var lists: [String: [String]] = [:]
        var key = "name"
        for word in words {
            if ["forward", "prefixes", "types", "last-known-good", "public-after", "trust-ad", "view"].contains(word) {
                key = word
                lists[key] = []
            } else {
                lists[key, default: []].append(word)
            }
        }
        let zone = Zone(
            name: try name(lists["name"]?.first ?? "", statement),
            forward: try (lists["forward"] ?? []).map { try endpoint($0, statement) },
            records: statement.body.map(\.text),
            prefixes: lists["prefixes"]?.compactMap { IPPrefix($0) },
            types: lists["types"].map { Set($0.compactMap(RecordTypeText.number)) },
            lastKnownGood: lists["last-known-good"].map {
                LastKnownGood(port: UInt16($0[0]), age: UInt32($0[1]) ?? 0)
            },
            publicAfter: try Set((lists["public-after"] ?? []).map { try reason($0, statement) }),
            trustsAD: lists["trust-ad"] != nil,
            view: lists["view"]?.first
        )
        zones.removeAll { $0.name == zone.name && $0.view == zone.view }
        zones.append(zone)
    }

    private mutating func declareView(_ words: [String]) {
        var lists: [String: [String]] = [:]
        var key = ""
        for word in words.dropFirst() {
            if ["clients", "interfaces", "no-upstreams"].contains(word) { key = word }
            lists[key, default: []].append(word)
        }
        let view = View(
            name: words[0],
            clients: lists["clients"]?.dropFirst().compactMap { IPPrefix($0) },
            interfaces: lists["interfaces"].map { Set($0.compactMap { UInt32($0) }) },
            hasUpstreams: lists["no-upstreams"] == nil
        )
        views.removeAll { $0.name == view.name }
        views.append(view)
    }

    private mutating func declareNameSet(_ words: [String], _ statement: Script.Statement) throws {
        let set = try #require(NameSetName(words[0]), "\(file):\(statement.line)")
        let domains = try words.dropFirst().map { try name($0, statement) }
        nameSets.removeAll { $0.name == set }
        // Without domains it is no more.
        if !domains.isEmpty { nameSets.append(Policy.NameSet(name: set, domains: domains)) }
    }

    private func reason(_ word: String, _ statement: Script.Statement) throws -> PublicReason {
        switch word {
        case "no-such-name": .noSuchName
        case "no-answer": .noAnswer
        default: throw Script.Fault(file, statement.line, "no-such-name or no-answer")
        }
    }

    private mutating func decide(_ words: [String], _ statement: Script.Statement) throws {
        let before = realm
        switch words[0] {
        case "via": realm = .private(try words.dropFirst().map(Scenario.way))
        case "blocked": realm = .blocked(words.dropFirst().joined(separator: " "))
        case "public": realm = .public
        default: throw Script.Fault(file, statement.line, "'\(words[0])' is no decision")
        }
        // Between private paths it stays: names do not change.
        if case .private = before, case .private = realm { return }
        generation += 1
    }

    private func blockedAnswer(_ words: [String], _ statement: Script.Statement) throws -> Policy.BlockedAnswer {
        switch words.first {
        case "servfail": .servfail
        case "nxdomain": .nxdomain
        case "nodata": .nodata
        default: throw Script.Fault(file, statement.line, "servfail, nxdomain or nodata")
        }
    }

    private mutating func adopt() throws {
        guard !isAdopted else { return }
        isAdopted = true
        let name = try #require(NetworkName("azure"))
        let network = AddressSet([Self.network, Self.network6].compactMap { IPPrefix($0) })
        func policyZone(_ zone: Zone) -> Policy.Zone {
            var content = Policy.Content.forward(zone.forward)
            if zone.forward.isEmpty {
                do {
                    let records = try ZoneRecords(zone: zone.name, records: zone.records)
                    content = .records(StaticZone(unrouted.map(records.leavingOut) ?? records))
                } catch {
                    Issue.record("\(file): zone \(zone.name): \(error)")
                }
            }
            return Policy.Zone(
                name: zone.name,
                network: name,
                content: content,
                realm: realm,
                generation: generation,
                addresses: zone.prefixes.map { AddressSet($0) } ?? network,
                types: zone.types,
                lastKnownGood: zone.lastKnownGood,
                publicAfter: zone.publicAfter,
                trustsAD: zone.trustsAD,
                unrouted: unrouted
            )
        }
        scenario.adopt(
            zones.filter { $0.view == nil }.map(policyZone),
            views: views.map { view in
                Policy.View(
                    name: view.name,
                    clients: view.clients.map { AddressSet($0) },
                    interfaces: view.interfaces,
                    zones: zones.filter { $0.view == view.name }.map(policyZone),
                    hasUpstreams: view.hasUpstreams
                )
            },
            upstreams: upstreams,
            trustedUpstreams: trustedUpstreams,
            protection: Policy.Protection(of: network, trusting: trusted),
            nameSets: nameSets,
            whenBlocked: whenBlocked,
            allow: ["0.0.0.0/0", "::/0"]
        )
        playServers()
    }

    // MARK: - Servers

    private mutating func serve(_ words: [String], _ statement: Script.Statement) throws {
        let address = try #require(IPAddress(words[0]), "\(file):\(statement.line)")
        servers[address] = try ScriptServer(statement.body.map(\.text), words.dropFirst().first)
    }

    private mutating func settle(_ words: [String], _ statement: Script.Statement) throws {
        let address = try #require(IPAddress(words[0]), "\(file):\(statement.line)")
        guard words.last != "gone" else {
            hosts = hosts.filter { $0.key.address != address }
            return
        }
        let port = try #require(UInt16(words[1]), "\(file):\(statement.line)")
        let interface: InterfaceName = try #require(InterfaceName(words[3]))
        hosts[SocketEndpoint(address: address, port: port)] = interface
    }

    /// Answers all that is asked of servers that answer, has the firewall say what it holds, and takes connections to hosts that are there.
    private mutating func playServers() {
        while true {
            let questions = scenario.takeAsked()
            let proofs = scenario.takeProofs()
            let tellings = scenario.takeLearned()
            guard !questions.isEmpty || !proofs.isEmpty || !tellings.isEmpty else { return }
            for (serial, addresses) in tellings {
                learned += addresses.map {
                    "\($0.address) \($0.lifetime) \($0.sets.map(\.text).joined(separator: " "))"
                }
                // An answer that left before its addresses were held would be here.
                #expect(scenario.answered.isEmpty, "\(file)")
                guard let firewallHolds else {
                    unsaid.append((serial, addresses.count))
                    continue
                }
                scenario.hear(serial, except: firewallHolds ? [] : Set(addresses.indices))
            }
            for proof in proofs where hosts[proof.host] != nil && hosts[proof.host] == proof.interface {
                scenario.prove(proof.attempt)
            }
            for question in questions {
                let way = question.interface.map { " via \($0)" } ?? ""
                asked.append("\(question.server.address)\(way) \(ScriptServer.text(of: question.message))")
                let reply = servers[question.server.address]?.answer(question.message, question.transport)
                if let reply { scenario.reply(reply, to: question) }
            }
        }
    }

    // MARK: - Clients

    private mutating func ask(_ words: [String], _ statement: Script.Statement) throws {
        try adopt()
        let owner = try name(words[0], statement)
        let type = RecordType(rawValue: try number(of: words[1], statement))
        let isSigned = words.contains("do")
        var query = MessageText.query(owner.withoutRootDot, type, edns: MessageText.opt(dnssecOK: isSigned))
        if words.contains("ad") { query.flags |= 0x20 }
        if words.contains("cd") { query.flags |= 0x10 }
        let client = words.firstIndex(of: "from").flatMap { IPAddress(words[$0 + 1]) } ?? Scenario.client
        let interface = words.firstIndex(of: "on").flatMap { UInt32(words[$0 + 1]) } ?? 0
        var message = scenario.ask(query.bytes, from: client, on: interface)
        playServers()
        takeTold()
        if message == nil, !told.isEmpty { message = told.removeFirst() }
        guard !statement.body.isEmpty else { return }
        guard let message else {
            Issue.record("\(file):\(statement.line): no answer")
            return
        }
        try compare(message, statement)
    }

    private mutating func takeTold() { told += scenario.takeAnswers().map(\.bytes) }

    private func compare(_ message: [UInt8], _ statement: Script.Statement) throws {
        guard let expected = statement.body.first else { return }
        let reply = ScriptReply(message)
        #expect(reply.head == expected.text, "\(file):\(expected.line)")
        let records = try statement.body.dropFirst().map { try ScriptReply.normal($0.text) }
        #expect(reply.records == records, "\(file):\(statement.line)")
    }

    private func number(of type: String, _ statement: Script.Statement) throws -> UInt16 {
        if type == "ANY" { return RecordType.any.rawValue }
        guard let number = RecordTypeText.number(of: type) else {
            throw Script.Fault(file, statement.line, "'\(type)' is no type")
        }
        return number
    }

    private func name(_ text: String, _ statement: Script.Statement) throws -> DomainName {
        guard let name = DomainName(text) else { throw Script.Fault(file, statement.line, "'\(text)' is no name") }
        return name
    }

    private func endpoint(_ text: String, _ statement: Script.Statement) throws -> SocketEndpoint {
        guard let address = IPAddress(text) else { throw Script.Fault(file, statement.line, "'\(text)' is no address") }
        return SocketEndpoint(address: address, port: 53)
    }
}
