// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import SystemIO
import Testing

@testable import Tunnel

/// The client against the charon that Debian has.
@Suite(
    .enabled(if: getuid() == 0, "network namespaces need root"),
    .enabled(if: RealCharon.isInstalled, "charon-systemd is not installed"),
    .serialized
)
struct VICICharonTests {
    static let near = IPAddress.v4(IPv4Address(bits: 0x7f00_0001))
    static let far = IPAddress.v4(IPv4Address(bits: 0x7f00_0002))

    private static func connection(
        from local: IPAddress,
        to remote: IPAddress,
        ports: (UInt16, UInt16),
        identities: (String, String),
        selectors: (String, String)
    ) throws -> IPsecConnection {
        var child = IPsecConnection.Child(
            name: "pnetd-net",
            from: [try #require(IPPrefix(selectors.0))],
            to: [try #require(IPPrefix(selectors.1))]
        )
        child.proposals = ["aes256gcm16-ecp256"]
        child.rekeyTime = .seconds(1_800)
        child.deadPeerAction = .start
        child.closeAction = .trap
        child.outboundMark = IPsecConnection.Mark(value: 1, mask: 0xff)
        child.replayWindow = 128
        var connection = IPsecConnection(
            name: "pnetd-a",
            from: [local],
            to: [remote],
            local: .init(identity: identities.0, proof: .presharedKey),
            remote: .init(identity: identities.1, proof: .presharedKey),
            children: [child]
        )
        (connection.localPort, connection.remotePort) = ports
        connection.proposals = ["aes256gcm16-prfsha256-ecp256"]
        connection.deadPeerDelay = .seconds(5)
        connection.forcesEncapsulation = true
        connection.rekeyTime = .seconds(3_600)
        connection.overTime = .seconds(300)
        connection.randomTime = .seconds(300)
        return connection
    }

    private static func sample(_ change: (inout IPsecConnection) -> Void = { _ in }) throws -> IPsecConnection {
        var connection = try connection(
            from: near,
            to: far,
            ports: (4500, 1450),
            identities: ("a.example", "b.example"),
            selectors: ("10.1.0.0/16", "10.2.0.0/16")
        )
        change(&connection)
        return connection
    }

    @Test func knowsWhichItIsAndWhatItLacks() throws {
        try RealCharon.inNamespace { loop in
            let real = try RealCharon("a", on: loop)
            try real.wait { !real.lost.isEmpty }
            guard case .absent(let cause) = try #require(real.lost.first) else {
                Issue.record("\(real.lost)")
                return
            }
            #expect(cause?.code == ENOENT)
            try real.start()
            let version = try #require(real.versions.first)
            #expect(version.daemon == "charon-systemd" && version.version.hasPrefix("5."))
            #expect(real.lacks.events == ["alert"] && real.lacks.commands == [])
            let statistics = try real.ask { $0.statistics($1) }
            #expect(statistics.workers > 0 && statistics.idleWorkers > 0 && statistics.associations == 0)
            #expect(statistics.plugins.contains("vici") && statistics.since != "")
            let keyExchanges = try #require(real.charon).keyExchanges
            #expect(
                keyExchanges.names.isSuperset(of: ["CURVE_25519", "ECP_384", "MODP_2048"]) && !keyExchanges.hasMLKEM
            )
            let beyond = try Self.sample { $0.proposals = ["aes256gcm16-prfsha384-x25519-ke1_mlkem768"] }
            #expect(throws: VICIError.refused("load-conn", reason: "invalid value for: proposals, config discarded")) {
                try real.ask { $0.load(beyond, $1) } as Void
            }
            #expect(throws: VICIError.unknownCommand("nonsense")) {
                try real.ask { charon, done in charon.client.ask("nonsense") { done($0) } }
            }
            #expect(try real.ask { $0.version($1) } == version)
        }
    }

    /// What charon writes, read and written again, is the same octet for octet; what we write, charon understands.
    @Test func writesTheSameOctetsAsCharon() throws {
        try RealCharon.inNamespace { loop in
            let real = try RealCharon("a", on: loop)
            try real.start()
            let sample = try Self.sample()
            try real.ask { $0.load(sample, $1) } as Void
            let questions: [(VICIPacket, Int)] = [
                (.register(name: Array("alert".utf8)), 1), (.register(name: Array("list-conn".utf8)), 1),
                (.request(name: Array("version".utf8), VICIMessage()), 1),
                (.request(name: Array("stats".utf8), VICIMessage()), 1),
                (.request(name: Array("list-conns".utf8), VICIMessage()), 2),
                (.request(name: Array("get-conns".utf8), VICIMessage()), 1),
                (.request(name: Array("nonsense".utf8), VICIMessage()), 1),
                (.unregister(name: Array("list-conn".utf8)), 1),
            ]
            var packets: [VICIPacket] = []
            for segment in try real.exchange(questions) {
                let packet = try VICIPacket(segment)
                let again = try packet.segment()
                #expect(again.dropFirst(4).elementsEqual(segment))
                packets.append(packet)
            }
            #expect(packets[0] == .eventUnknown && packets[1] == .eventConfirmed && packets[7] == .commandUnknown)
            #expect(packets[6] == .response(.made { $0.append("conns", texts: ["pnetd-a"]) }))
        }
    }

    @Test func loadsListsAndUnloadsConnections() throws {
        try RealCharon.inNamespace { loop in
            let real = try RealCharon("a", on: loop)
            try real.start()
            let names = try #require(CharonNames(prefix: "pnetd-"))
            let sample = try Self.sample()
            var foreign = sample
            foreign.name = "somebody-else"
            for connection in [sample, foreign] { try real.ask { $0.load(connection, $1) } as Void }
            #expect(names.ours(among: try real.ask { $0.connectionNames($1) }) == ["pnetd-a"])
            var told = try #require(try real.ask { $0.connections(named: "pnetd-a", $1) }.first)
            #expect(sample.differences(from: told) == [])
            #expect(told.version == "IKEv2" && told.local.first?.identity == "a.example" && told.rekeySeconds == 3_600)
            // Another one takes its place, and each change that charon tells of is found.
            let changed = try Self.sample {
                $0.remoteAddresses = [Self.near]
                $0.deadPeerDelay = .seconds(7)
                $0.rekeyTime = .seconds(7_200)
                $0.remote.identity = "c.example"
                $0.postQuantumKey = .init(identity: "ppk.example", isRequired: true)
                $0.children[0].rekeyTime = .seconds(900)
                $0.children[0].closeAction = .none
                $0.children[0].deadPeerAction = .none
                $0.children[0].remoteSelectors += [IPPrefix("10.3.0.0/16"), IPPrefix("10.3.1.0/24")].compactMap { $0 }
            }
            #expect(
                changed.differences(from: told) == [
                    "remote_addrs", "dpd_delay", "rekey_time", "ppk_id", "ppk_required", "remote",
                    "children.pnetd-net.rekey_time", "children.pnetd-net.dpd_action",
                    "children.pnetd-net.close_action", "children.pnetd-net.remote_ts",
                ]
            )
            try real.ask { $0.load(changed, $1) } as Void
            told = try #require(try real.ask { $0.connections(named: "pnetd-a", $1) }.first)
            #expect(changed.differences(from: told) == [], "a selector in another one is left out by charon")
            try real.ask { $0.unload(connection: "pnetd-a", $1) } as Void
            #expect(try real.ask { $0.connectionNames($1) } == ["somebody-else"])
            #expect(throws: VICIError.refused("unload-conn", reason: "unload: connection 'pnetd-a' not found")) {
                try real.ask { $0.unload(connection: "pnetd-a", $1) } as Void
            }
            let wrong = try Self.sample { $0.proposals = ["rot13"] }
            #expect(throws: VICIError.refused("load-conn", reason: "invalid value for: proposals, config discarded")) {
                try real.ask { $0.load(wrong, $1) } as Void
            }
        }
    }

    /// Everything that a connection can say is taken by this charon.
    @Test func takesAllThatAConnectionCanSay() throws {
        try RealCharon.inNamespace { loop in
            let real = try RealCharon("a", on: loop)
            try real.start()
            let (certificate, _) = try Self.makeCertificate()
            let full = try Self.sample {
                $0.local.proof = .certificate(certificates: [certificate], authorities: [])
                $0.remote.proof = .certificate(certificates: [], authorities: [certificate])
                $0.fragmentation = .accept
                $0.certificateSending = .always
                $0.reauthenticationTime = .seconds(86_400)
                $0.interfaceIDs = IPsecInterfaceIDs(0x7001)
                $0.children[0].interfaceIDs = IPsecInterfaceIDs(inbound: 1, outbound: 2)
                $0.children[0].lifeTime = .seconds(2_000)
                $0.children[0].randomTime = .seconds(100)
                $0.children[0].startAction = .trap
                $0.children.append(IPsecConnection.Child(name: "pnetd-dynamic", from: [], to: []))
            }
            try real.ask { $0.load(full, $1) } as Void
            let told = try #require(try real.ask { $0.connections($1) }.first)
            #expect(full.differences(from: told) == [])
            #expect(told.local.first?.certificates == ["CN=ca.example"])
            #expect(told.children.map(\.name) == ["pnetd-net", "pnetd-dynamic"])
            let policies = try real.ask { $0.policies($1) }
            #expect(policies.map(\.child) == ["pnetd-net"] && policies.first?.connection == "pnetd-a")
            #expect(policies.first?.remoteSelectors == ["10.2.0.0/16"])
            try real.ask { $0.unload(connection: "pnetd-a", $1) } as Void
            #expect(try real.ask { $0.policies($1) } == [])
        }
    }

    /// An identity is told in charon's own way of writing it.
    @Test(arguments: [
        "@a.example", "C=CH, O=Plant 7, CN=a", "C=CH,O=Plant 7,CN=a", "a@example", "192.0.2.1", "2001:DB8::1",
    ])
    func knowsAnIdentityAgain(identity: String) throws {
        try RealCharon.inNamespace { loop in
            let real = try RealCharon("a", on: loop)
            try real.start()
            let sample = try Self.sample { $0.local.identity = identity }
            try real.ask { $0.load(sample, $1) } as Void
            let told = try #require(try real.ask { $0.connections($1) }.first)
            #expect(sample.differences(from: told) == [], "\(told.local)")
        }
    }

    @Test func loadsListsAndUnloadsCredentials() throws {
        try RealCharon.inNamespace { loop in
            let real = try RealCharon("a", on: loop)
            try real.start()
            let secret = Secret(Array("a shared key of some length".utf8))
            for kind in [CharonSharedKeyKind.preshared, .postQuantum] {
                let name = "pnetd-\(kind)"
                try real.ask { $0.load(sharedKey: name, secret, as: kind, owners: ["a.example"], $1) } as Void
            }
            #expect(try real.ask { $0.sharedKeyNames($1) }.sorted() == ["pnetd-postQuantum", "pnetd-preshared"])
            try real.ask { $0.unload(sharedKey: "pnetd-preshared", $1) } as Void
            try real.ask { $0.unload(sharedKey: "pnetd-none", $1) } as Void
            #expect(try real.ask { $0.sharedKeyNames($1) } == ["pnetd-postQuantum"])

            let (certificate, key) = try Self.makeCertificate()
            let name = try real.ask { $0.load(privateKey: Secret(key), $1) }
            #expect(try real.ask { $0.privateKeyNames($1) } == [name] && name.count == 40)
            #expect(throws: VICIError.refused("load-key", reason: "parsing ANY private key failed")) {
                try real.ask { $0.load(privateKey: secret, $1) }
            }
            try real.ask { $0.load(certificate: certificate, .authority, $1) } as Void
            let loaded = try #require(try real.ask { $0.certificates($1) }.first)
            #expect(loaded.type == "X509" && loaded.flag == "CA" && loaded.hasPrivateKey && loaded.octets.first == 0x30)
            try real.ask { $0.unload(privateKey: name, $1) } as Void
            #expect(throws: VICIError.refused("unload-key", reason: "key not found")) {
                try real.ask { $0.unload(privateKey: name, $1) } as Void
            }
            let authority = CharonAuthority(
                name: "pnetd-ca",
                certificate: loaded.octets,
                revocationLists: ["http://198.51.100.1/ca.crl"]
            )
            try real.ask { $0.load(authority, $1) } as Void
            #expect(try real.ask { $0.authorityNames($1) } == ["pnetd-ca"])
            try real.ask { $0.unload(authority: "pnetd-ca", $1) } as Void
            #expect(try real.ask { $0.authorityNames($1) } == [])
            try real.ask { $0.flushCertificates(type: "X509_CRL", $1) } as Void
            try real.ask { $0.flushCertificates($1) } as Void
        }
    }

    private static func makeCertificate() throws -> (certificate: [UInt8], key: [UInt8]) {
        let arguments = [
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "/run/key.pem",
            "-out", "/run/certificate.pem", "-subj", "/CN=ca.example", "-days", "2", "-addext",
            "basicConstraints=critical,CA:TRUE",
        ]
        try run("/usr/bin/openssl", arguments)
        return (try Files.read("/run/certificate.pem"), try Files.read("/run/key.pem"))
    }

    @Test func asksNobodyAndGivesUp() throws {
        try RealCharon.inNamespace { loop in
            let real = try RealCharon("a", on: loop)
            try real.start()
            let nowhere = try Self.sample { $0.interfaceIDs = IPsecInterfaceIDs(inbound: 0x2a, outbound: 0x2b) }
            try real.ask { $0.load(nowhere, $1) } as Void
            try real.ask { $0.initiate(child: "pnetd-net", of: "pnetd-a", $1) } as Void
            let association = try real.association()
            #expect(association.name == "pnetd-a" && association.state == .connecting && association.isInitiator)
            #expect(association.remote.endpoint == SocketEndpoint(address: Self.far, port: 1450))
            #expect(association.interfaceIDs == IPsecInterfaceIDs(inbound: 0x2a, outbound: 0x2b))
            #expect(association.tasksActive.contains("CHILD_CREATE") && association.establishedSeconds == nil)
            #expect(association.initiatorSPI != 0 && association.responderSPI == 0)
            let count = try real.ask { $0.terminate(.association(association.uniqueID), isForced: true, $1) }
            #expect(count == 1)
            try real.wait { (try? real.ask { $0.associations($1) }) == [] }
            let refusal = VICIError.refused("terminate", reason: "no matching SAs to terminate found")
            #expect(throws: refusal) { try real.ask { $0.terminate(.connection("pnetd-a"), $1) } }
            #expect(throws: VICIError.refused("initiate", reason: "CHILD_SA config 'pnetd-none' not found")) {
                try real.ask { $0.initiate(child: "pnetd-none", of: "pnetd-a", $1) } as Void
            }
        }
    }

    /// SIGKILL: what waits fails, and the next charon is found, without what the first one was told.
    @Test func findsTheNextCharonWhenOneIsKilled() throws {
        try RealCharon.inNamespace { loop in
            let real = try RealCharon("a", on: loop)
            try real.start()
            let sample = try Self.sample()
            try real.ask { $0.load(sample, $1) } as Void
            CLinux.kill(real.pid, SIGSTOP)
            var answers: [Result<[String], VICIError>] = []
            for _ in 0..<2 { real.charon?.connectionNames { answers.append($0) } }
            real.kill()
            try real.wait { answers.count == 2 }
            for answer in answers {
                guard case .failure(.connectionLost) = answer else {
                    Issue.record("\(answer)")
                    continue
                }
            }
            try real.start()
            #expect(real.versions.count == 2)
            #expect(try real.ask { $0.connectionNames($1) } == [])
        }
    }

    /// Two charons: an IKE_SA and a CHILD_SA from the first packet to the last, by what is listed and by what is raised.
    @Test func followsATunnelThroughItsLife() throws {
        try RealCharon.inNamespace { loop in
            let (real, other) = try Self.pair(on: loop, try Self.sample())
            #expect(real.events.contains { if case .association(_, isUp: true) = $0 { true } else { false } })
            let first = try real.association()
            #expect(first.state == .established && first.local.identity == "a.example")
            #expect(first.remote == IKEEnd(endpoint: .init(address: Self.far, port: 1450), identity: "b.example"))
            #expect(first.algorithms.encryption == "AES_GCM_16" && first.algorithms.encryptionKeySize == 256)
            #expect(first.algorithms.keyExchange == "ECP_256" && first.algorithms.integrity == nil)
            #expect(first.establishedSeconds != nil && (3_200...3_600).contains(first.rekeySeconds ?? 0))
            #expect(first.nat.contains(.any) && !first.hasPostQuantumKey)
            let child = try #require(first.children.first)
            #expect(child.name == "pnetd-net" && child.state == .installed && child.mode == "TUNNEL")
            #expect(child.protocol == "ESP" && child.isEncapsulated && child.reqid == 1)
            #expect(child.localSelectors == ["10.1.0.0/16"] && child.remoteSelectors == ["10.2.0.0/16"])
            #expect(child.inbound.spi != 0 && child.outbound.spi != 0 && child.outbound.secondsSinceLast == nil)
            let theirs = try #require(try other.association().children.first)
            #expect(theirs.inbound.spi == child.outbound.spi && theirs.outbound.spi == child.inbound.spi)

            #expect(try real.ask { $0.rekey(.child("pnetd-net", of: "pnetd-a"), $1) } == 1)
            try real.wait { real.events.contains { if case .childRekeyed = $0 { true } else { false } } }
            #expect(try real.ask { $0.rekey(.association(first.uniqueID), $1) } == 1)
            try real.wait { real.events.contains { if case .associationRekeyed = $0 { true } else { false } } }
            for event in real.events {
                switch event {
                case .childRekeyed(let parent, let old, let new):
                    #expect(parent.uniqueID == first.uniqueID && old.uniqueID == child.uniqueID)
                    #expect(new.name == "pnetd-net" && new.inbound.spi != old.inbound.spi)
                case .associationRekeyed(let old, let new):
                    #expect(old.uniqueID == first.uniqueID && new.uniqueID != old.uniqueID)
                case .other(let name): Issue.record("\(name)")
                default: break
                }
            }
            // While the one before still goes, charon says no, although the one that is there was told to end.
            try real.wait { (try? real.ask { $0.associations($1) })?.map(\.state) == [.established] }
            #expect(try real.ask { $0.terminate(.connection("pnetd-a"), $1) } == 1)
            for end in [real, other] {
                try end.wait {
                    end.events.contains { if case .association(_, isUp: false) = $0 { true } else { false } }
                }
            }
        }
    }

    /// Two charons with a tunnel between them.
    private static func pair(on loop: EventLoop, _ there: IPsecConnection) throws -> (RealCharon, RealCharon) {
        let real = try RealCharon("a", on: loop)
        let other = try RealCharon("b", port: 1500, natPort: 1450, on: loop)
        try real.start()
        try other.start()
        let back = try connection(
            from: far,
            to: near,
            ports: (1450, 4500),
            identities: ("b.example", "a.example"),
            selectors: ("10.2.0.0/16", "10.1.0.0/16")
        )
        let key = Secret(Array("a shared key of some length".utf8))
        for end in [real, other] {
            try end.ask { $0.load(sharedKey: "pnetd-a", key, owners: ["a.example", "b.example"], $1) } as Void
        }
        try other.ask { $0.load(back, $1) } as Void
        try real.ask { $0.load(there, $1) } as Void
        if there.children.allSatisfy({ $0.startAction != .start }) {
            try real.ask { $0.initiate(child: "pnetd-net", of: "pnetd-a", $1) } as Void
        }
        try real.wait { real.events.contains { if case .child(_, isUp: true) = $0 { true } else { false } } }
        return (real, other)
    }

    /// What starts by itself ends with its connection, and with each change of it; what was asked for stays.
    @Test(arguments: [IPsecConnection.Action.none, .trap, .start])
    func keepsATunnelOrEndsItWithItsConnection(action: IPsecConnection.Action) throws {
        try RealCharon.inNamespace { loop in
            var connection = try Self.sample { $0.children[0].startAction = action }
            let (real, other) = try Self.pair(on: loop, connection)
            let first = try real.association()
            #expect(first.state == .established && first.children.map(\.state) == [.installed])
            try real.ask { $0.load(connection, $1) } as Void
            #expect(try real.association().uniqueID == first.uniqueID, "the same again changes nothing")
            connection.deadPeerDelay = .seconds(9)
            try real.ask { $0.load(connection, $1) } as Void
            if action == .start {
                try real.wait { (try? real.association().uniqueID) != first.uniqueID }
                try real.ask { $0.unload(connection: "pnetd-a", $1) } as Void
                try real.wait { (try? real.ask { $0.associations($1) }) == [] }
            } else {
                try real.ask { $0.unload(connection: "pnetd-a", $1) } as Void
                let last = try real.association()
                #expect(
                    last.uniqueID == first.uniqueID && last.children.first?.uniqueID == first.children.first?.uniqueID
                )
            }
            withExtendedLifetime(other) {}
        }
    }
}
