// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import Tunnel

/// Connections as messages, SAs and events as values.
struct IPsecConnectionTests {
    private static func sample() throws -> IPsecConnection {
        let local = try #require(IPAddress("192.0.2.1"))
        let remote = try #require(IPAddress("2001:db8::1"))
        var child = IPsecConnection.Child(
            name: "pnetd-a",
            from: [try #require(IPPrefix("0.0.0.0/0")), try #require(IPPrefix("::/0"))],
            to: [try #require(IPPrefix("10.20.0.0/16"))]
        )
        child.proposals = ["aes256gcm16-ecp384"]
        child.interfaceIDs = IPsecInterfaceIDs(7)
        child.outboundMark = IPsecConnection.Mark(value: 0x70, mask: 0xff0)
        child.rekeyTime = .milliseconds(1_500)
        (child.startAction, child.closeAction, child.deadPeerAction) = (.trap, .start, .start)
        var connection = IPsecConnection(
            name: "pnetd-a",
            from: [local],
            to: [remote],
            local: .init(
                identity: "plant-7.example.net",
                proof: .certificate(certificates: [[1, 2]], authorities: [])
            ),
            remote: .init(identity: nil, proof: .presharedKey),
            children: [child]
        )
        connection.remotePort = 4500
        connection.deadPeerDelay = .seconds(5)
        connection.postQuantumKey = .init(identity: "ppk.example", isRequired: false)
        return connection
    }

    /// Key by key, as swanctl.conf(5) names them.
    @Test func saysWhatSwanctlConfNames() throws {
        let section = try Self.sample().message.section("pnetd-a")
        let pairs = section.elements.compactMap { element -> String? in
            switch element.content {
            case .value: "\(element.nameText)=\(section.text(element.nameText) ?? "")"
            case .list: "\(element.nameText)=\(section.texts(element.nameText).joined(separator: ","))"
            case .section: nil
            }
        }
        #expect(
            pairs == [
                "version=2", "local_addrs=192.0.2.1", "remote_addrs=2001:db8::1", "remote_port=4500", "mobike=no",
                "dpd_delay=5", "encap=no", "fragmentation=yes", "keyingtries=0", "unique=replace", "send_cert=ifasked",
                "ppk_id=ppk.example", "ppk_required=no",
            ]
        )
        #expect(
            section.section("local").text("auth") == "pubkey" && section.section("local").list("certs") == [[1, 2]]
        )
        #expect(section.section("remote").elements.map(\.nameText) == ["auth"])
        let child = section.section("children").section("pnetd-a")
        let texts = ["mode", "set_mark_out", "rekey_time", "start_action", "close_action", "dpd_action", "if_id_in"]
        #expect(texts.map { child.text($0) } == ["tunnel", "0x70/0xff0", "2", "trap", "start", "restart", "7"])
        #expect(child.texts("local_ts") == ["0.0.0.0/0", "::/0"] && child.texts("remote_ts") == ["10.20.0.0/16"])
        #expect(child.text("replay_window") == nil && child.text("life_time") == nil)
    }

    @Test func hasAnotherDigestForEachDifference() throws {
        let sample = try Self.sample()
        var digests: Set<[UInt8]> = []
        let changes: [(inout IPsecConnection) -> Void] = [
            { _ in }, { $0.remotePort = 4501 }, { $0.localPort = 4500 }, { $0.proposals = ["aes128-sha256-ecp256"] },
            { $0.interfaceIDs = IPsecInterfaceIDs(7) }, { $0.children[0].interfaceIDs = nil },
            { $0.children[0].outboundMark = nil }, { $0.children[0].startAction = .none },
            { $0.local.proof = .certificate(certificates: [[1, 3]], authorities: []) },
            { $0.children[0].replayWindow = 0 }, { $0.forcesEncapsulation = true }, { $0.children = [] },
        ]
        for change in changes {
            var connection = sample
            change(&connection)
            digests.insert(try #require(connection.digest))
        }
        #expect(digests.count == changes.count)
        #expect(try Self.sample().digest == sample.digest)
        var one = sample
        one.uniqueness = .never
        #expect(one.message.section("pnetd-a").text("unique") == "never" && one.digest == sample.digest)
    }

    @Test func tellsOursFromThoseOfOthers() throws {
        let names = try #require(CharonNames(prefix: "pnetd-"))
        #expect(names.name("a") == "pnetd-a" && names.rest(of: "pnetd-a") == "a")
        #expect(names.ours(among: ["pnetd-", "pnetd", "xpnetd-a", "pnetd-a", "PNETD-a", ""]) == ["pnetd-a"])
        #expect(CharonNames(prefix: "") == nil)
        #expect(names.rest(of: "pnetd-\u{301}") == "\u{301}", "by octets, not by what they look like together")
    }

    /// What charon leaves out, and what nobody ever writes, is read as nothing.
    @Test func readsAssociationsThatSayNothing() {
        let nothing = IKEAssociation(name: "x", VICIMessage())
        #expect(nothing.uniqueID == 0 && nothing.local == IKEEnd(endpoint: nil, identity: "%any") && nothing.nat == [])
        let odd = IKEAssociation(
            name: "x",
            .made {
                $0.append("uniqueid", "-1")
                $0.append("state", "NEW")
                $0.append("local-host", "%any")
                $0.append("remote-port", "70000")
                $0.append("if-id-in", "xyz")
                $0.append("child-sas", section: .made { $0.append("c-1", section: VICIMessage()) })
            }
        )
        #expect(odd.uniqueID == 0 && odd.state.rawValue == "NEW" && odd.interfaceIDs == nil)
        #expect(odd.children.map(\.name) == ["c-1"])
    }

    /// As strongSwan 6 tells of several key exchanges.
    @Test func readsAdditionalKeyExchanges() {
        let association = IKEAssociation(
            name: "x",
            .made {
                $0.append("dh-group", "CURVE_25519")
                $0.append("ke1", "ML_KEM_768")
                $0.append("ke3", "ECP_384")
            }
        )
        #expect(association.algorithms.keyExchange == "CURVE_25519")
        #expect(association.algorithms.additionalKeyExchanges == ["ML_KEM_768", "ECP_384"])
    }

    @Test func readsTheKeysOfAChild() throws {
        let child = ChildAssociation(
            key: "pnetd-a-12",
            .made {
                for (key, value) in [
                    ("name", "pnetd-a"), ("uniqueid", "12"), ("reqid", "3"), ("state", "INSTALLED"),
                    ("mode", "TUNNEL"), ("protocol", "ESP"), ("encap", "yes"), ("spi-in", "c3f1a2b4"),
                    ("spi-out", "0000ffff"), ("if-id-in", "0000002a"), ("if-id-out", "0000002a"),
                    ("encr-alg", "AES_GCM_16"), ("encr-keysize", "256"), ("esn", "1"),
                    ("bytes-in", "18446744073709551615"),
                    ("packets-in", "9"), ("use-in", "2"), ("bytes-out", "840"), ("packets-out", "10"),
                    ("rekey-time", "3011"), ("life-time", "3955"), ("install-time", "5"),
                ] {
                    $0.append(key, value)
                }
                $0.append("local-ts", texts: ["10.1.0.0/16"])
                $0.append("remote-ts", texts: ["10.2.0.0/16", "10.3.0.1/32[tcp/https]"])
            }
        )
        #expect(child.name == "pnetd-a" && child.uniqueID == 12 && child.reqid == 3 && child.isEncapsulated)
        #expect(child.inbound == .init(spi: 0xc3f1_a2b4, octets: .max, packets: 9, secondsSinceLast: 2))
        #expect(child.outbound == .init(spi: 0xffff, octets: 840, packets: 10, secondsSinceLast: nil))
        #expect(child.interfaceIDs == IPsecInterfaceIDs(42) && child.algorithms.hasExtendedSequenceNumbers)
        #expect([child.rekeySeconds, child.lifeSeconds, child.installedSeconds] == [3_011, 3_955, 5])
    }

    @Test func readsAMoveAndWhatIsNoEventOfOurs() {
        let moved = VICIMessage.made {
            $0.append("local-host", "192.0.2.9")
            $0.append("local-port", 4500)
            $0.append("remote-host", "198.51.100.1")
            $0.append("remote-port", 4500)
            $0.append(
                "pnetd-a",
                section: .made {
                    $0.append("local-host", "192.0.2.1")
                    $0.append("local-port", 500)
                    $0.append("local-id", "a")
                }
            )
        }
        guard case .associationMoved(let before, let local, _) = CharonEvent(name: "ike-update", moved) else {
            Issue.record("no move")
            return
        }
        #expect(before.local.endpoint == SocketEndpoint("192.0.2.1:500"))
        #expect(local == IKEEnd(endpoint: SocketEndpoint("192.0.2.9:4500"), identity: "a"))
        for name in ["ike-updown", "child-updown", "ike-rekey", "child-rekey", "ike-update", "alert", "log", ""] {
            #expect(CharonEvent(name: name, VICIMessage()) == .other(name: name))
        }
        let alert = VICIMessage.made { $0.append("type", "cert-expired") }
        #expect(CharonEvent(name: "alert", alert) == .alert(kind: "cert-expired", nil))
        let association = VICIMessage.made { $0.append("uniqueid", 3) }
        let aboutOne = VICIMessage.made {
            $0.append("type", "retransmit-send")
            $0.append("ikesa", section: .made { $0.append("pnetd-a", section: association) })
        }
        #expect(
            CharonEvent(name: "alert", aboutOne)
                == .alert(kind: "retransmit-send", IKEAssociation(name: "pnetd-a", association))
        )
    }

    /// A secret is in the octets that are sent, and nowhere else.
    @Test func printsNoSecret() throws {
        let fake = try FakeCharon()
        let charon = fake.client { _ in }
        charon.start()
        try fake.turn()
        var seen: [[UInt8]] = []
        fake.answer = { link, command, message in
            seen.append(message.octets("data") ?? [])
            try link.send(.response(.made { $0.append("success", false) }))
        }
        let secret = Secret(Array("hunter2".utf8))
        var errors: [String] = []
        charon.load(sharedKey: "pnetd-a", secret, owners: ["a"]) {
            if case .failure(let error) = $0 { errors.append("\(error) \(String(reflecting: error))") }
        }
        charon.load(privateKey: secret) {
            if case .failure(let error) = $0 { errors.append("\(error) \(String(reflecting: error))") }
        }
        charon.load(privateKey: Secret(Array(repeating: 0x68, count: 70_000))) {
            if case .failure(let error) = $0 { errors.append("\(error) \(String(reflecting: error))") }
        }
        try fake.turn()
        #expect(seen == [secret.bytes, secret.bytes] && errors.count == 3)
        #expect(errors.allSatisfy { !$0.contains("hunter2") && !$0.contains("hhh") && !$0.contains("104") })
        #expect(errors.contains { $0.hasPrefix("charon refused 'load-shared': it gives no reason") })
    }
}
