// SPDX-License-Identifier: Apache-2.0

import CLinux
import Configuration
import ControlAPI
import NetworkTypes
import SystemIO
import Testing
import Tunnel

@testable import pnetd

/// What charon is told of a path, as the file has it.
struct IKEWishTests {
    private func wish(_ lines: String, charonHas names: Set<String> = []) throws -> IKEWish {
        try IKEExample.wish(lines, charonHas: names)
    }

    @Test func withoutAPresetItIsAsEver() throws {
        let connection = try wish("encapsulation: auto").connection
        #expect(connection.rekeyTime == .seconds(14_400) && connection.deadPeerDelay == .seconds(10))
        #expect(connection.uniqueness == .replace && connection.fragmentation == .yes)
        let child = try #require(connection.children.first)
        #expect(child.rekeyTime == .seconds(3_600) && child.replayWindow == nil && child.remoteSelectors.count == 2)
    }

    @Test(arguments: CloudGateway.allCases) func aPresetIsTold(gateway: CloudGateway) throws {
        let connection = try wish("preset: \(gateway.rawValue)").connection
        let terms = gateway.terms
        #expect(connection.proposals == terms.proposals.ike && connection.rekeyTime == terms.lifetimes.ike)
        #expect(connection.uniqueness == (gateway == .aws ? .duplicates : .replace))
        #expect(connection.deadPeerDelay == .seconds(10) && connection.fragmentation == .yes)
        #expect(connection.local.identity == "192.0.2.1" && connection.remote.identity == "198.51.100.1")
        let child = try #require(connection.children.first)
        #expect(child.proposals == terms.proposals.esp && child.rekeyTime == terms.lifetimes.child)
        #expect(child.replayWindow == (gateway == .aws ? 1_024 : nil))
        #expect(child.remoteSelectors.map(\.description) == ["0.0.0.0/0"])
    }

    @Test func whatTheFileSaysIsTold() throws {
        let connection = try wish("preset: gcp\n    lifetimes: {ike: 2h}\n    proposals: {esp: [aes128gcm16-ecp256]}")
            .connection
        #expect(connection.rekeyTime == .seconds(7_200))
        #expect(connection.children[0].proposals == ["aes128gcm16-ecp256"])
        #expect(connection.proposals == CloudGateway.gcp.terms.proposals.ike)
    }

    @Test func aPostQuantumKeyGoesWithTheOther() throws {
        let wish = try wish("ppk: {id: plant.ppk, key-file: ppk, required: false}")
        #expect(wish.connection.postQuantumKey == .init(identity: "plant.ppk", isRequired: false))
        #expect(
            wish.secrets == [
                .preshared(Secret("0123456789abcdef".utf8), owners: ["192.0.2.1", "198.51.100.1"]),
                .postQuantum(Secret("0123456789abcdef0123456789abcdef".utf8), identity: "plant.ppk"),
            ]
        )
        let without = try self.wish("encapsulation: auto")
        #expect(without.secrets.count == 1 && without.connection.postQuantumKey == nil)
    }

    /// Only what is offered for want of a word in the file, and only for IKE.
    @Test func offersMLKEMFirstWhereCharonHasIt() throws {
        let standard = IPsecTerms.standard.proposals
        let wish = try wish("encapsulation: auto", charonHas: ["ML_KEM_768"]).connection
        #expect(wish.proposals == standard.ike.map { $0 + "-ke1_mlkem768" } + standard.ike)
        #expect(wish.children[0].proposals == standard.esp)
        #expect(try self.wish("encapsulation: auto", charonHas: ["CURVE_25519"]).connection.proposals == standard.ike)
        let esp = try self.wish("proposals: {esp: [aes128gcm16]}", charonHas: ["ML_KEM_768"]).connection
        #expect(esp.proposals == wish.proposals)
        for lines in ["proposals: {ike: [aes256gcm16-prfsha384-x25519]}", "preset: aws"] {
            #expect(try self.wish(lines, charonHas: ["ML_KEM_768"]).connection.proposals.count == 1)
        }
    }

    @Test func saysWhatCharonLacks() throws {
        let old = CharonVersion(daemon: "charon-systemd", version: "5.9.8", release: "")
        let new = CharonVersion(daemon: "charon-systemd", version: "6.0.1", release: "")
        let wish = try wish("proposals: {ike: [aes256gcm16-prfsha384-x25519-ke1_mlkem768, aes256-sha256-modp2048]}")
        let text =
            "charon-systemd 5.9.8 has no 'ke1_mlkem768', which 'proposals' name: strongSwan 6.0 or newer has it, with its "
            + "plugin ml or OpenSSL 3.5; or take it out, and give the path a 'ppk'"
        #expect(wish.lack(of: old, CharonKeyExchanges(names: ["ECP_384"])) == text)
        #expect(wish.lack(of: new, CharonKeyExchanges(names: ["ML_KEM_768"])) == nil)
        #expect(
            wish.lack(of: new, CharonKeyExchanges(names: ["ML_KEM_512"]))?.hasPrefix("charon-systemd 6.0.1 has") == true
        )
        let other = try self.wish("proposals: {esp: [aes256gcm16-x25519-ke1_ecp384]}")
        #expect(other.lack(of: old, CharonKeyExchanges(names: ["ECP_384"]))?.contains("'ke1_ecp384'") == true)
        #expect(other.lack(of: new, CharonKeyExchanges(names: ["ECP_384"])) == nil)
        #expect(try self.wish("encapsulation: auto").lack(of: old, CharonKeyExchanges()) == nil)
    }

    /// What protects the tunnel, or what would.
    @Test(arguments: [
        ("encapsulation: auto", ["CURVE_25519", "ML_KEM_768"], false, true, "ml-kem"),
        ("ppk: {id: a, key-file: ppk}", ["CURVE_25519"], true, false, "ppk"),
        (
            "ppk: {id: a, key-file: ppk, required: false}", ["CURVE_25519"], false, false,
            "the peer does not use this ppk, and 'required: false' lets it"
        ),
        (
            "encapsulation: auto", ["CURVE_25519"], false, false,
            "charon-systemd 5.9.8 has no ML-KEM; a ppk would do"
        ),
        ("encapsulation: auto", ["CURVE_25519"], false, true, "the peer took no ML-KEM; a ppk would do"),
        (
            "proposals: {ike: [aes256gcm16-prfsha384-x25519]}", ["CURVE_25519"], false, true,
            "'proposals' name no ML-KEM, as ke1_mlkem768 would be; a ppk would do"
        ),
        ("preset: gcp", ["ECP_384"], false, true, "gateways of 'gcp' document neither ML-KEM nor ppk"),
    ])
    func saysWhatProtectsFromAQuantumComputer(
        lines: String,
        keyExchanges: [String],
        hasPostQuantumKey: Bool,
        charonHasMLKEM: Bool,
        expected: String
    ) throws {
        let protection = StatusReport.Path.IPsec.QuantumProtection(
            keyExchanges: keyExchanges,
            hasPostQuantumKey: hasPostQuantumKey,
            of: try #require(try IKEExample.path(lines).ipsec),
            charon: CharonVersion(daemon: "charon-systemd", version: "5.9.8", release: ""),
            CharonKeyExchanges(names: charonHasMLKEM ? ["ML_KEM_768"] : [])
        )
        #expect(protection.by?.rawValue ?? protection.reason == expected)
    }
}
