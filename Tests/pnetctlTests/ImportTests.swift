// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import pnetctl

/// Files of wg-quick, read and rendered.
struct ImportTests {
    static let privateKey = "QPOqDwSCpRkBLcc0ZAxsfdnXNOn3EUjP1sUHHSmJ0Vw="
    static let presharedKey = "2kUXTSnUzXJZCFYhoKxgOy1jYO0ugDKmdxAVWJBfcaY="
    static let peers = [
        "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=", "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=",
    ]

    static let ordinary = """
        # A site's way out.
        [Interface]
        PrivateKey = \(privateKey)
        Address = 10.99.0.2/24, fd00:99::2/64
        ListenPort = 51820
        MTU = 1420

        [Peer]
        PublicKey = \(peers[0])   # the cloud
        PresharedKey=\(presharedKey)
        AllowedIPs = 10.20.0.0/16, fd00:20::/48
        AllowedIPs = 10.21.0.7
        Endpoint = 192.0.2.10:51820
        PersistentKeepalive = 15

        [peer]
        publickey = \(peers[1])
        allowedips = 10.30.0.9/16
        endpoint = [2001:db8::10]:51820
        """

    private static func fragment(_ text: String, underlay: String? = nil) -> PathFragment {
        PathFragment(
            name: "wg0",
            folder: "keys",
            underlay: underlay,
            source: "wg0.conf",
            file: WgQuickFile(text)
        )
    }

    private static func errors(_ text: String) -> [String] {
        WgQuickFile(text).notes.filter { $0.severity == .error }.map { "\($0.line): \($0.message)" }
    }

    @Test func carriesAnOrdinaryFileOver() {
        let fragment = Self.fragment(Self.ordinary)
        #expect(fragment.notes.isEmpty)
        #expect(
            fragment.text == """
                # Made of wg0.conf by pnetctl import. The old interface must go before pnetd makes its own:
                # wg-quick down wg0; systemctl disable wg-quick@wg0
                paths:
                  wg0:
                    kind: wireguard
                    interface: wg0
                    addresses: [10.99.0.2/24, "fd00:99::2/64"]
                    private-key-file: keys/wg0.key
                    listen-port: 51820
                    mtu: 1420
                    underlay:
                      interface: eth0                   # TO DO: the interface that faces outwards
                    peers:
                      - public-key: \(Self.peers[0])
                        preshared-key-file: keys/wg0-1.psk
                        endpoint: "192.0.2.10:51820"
                        persistent-keepalive: 15s
                        allowed-ips: [10.20.0.0/16, "fd00:20::/48", 10.21.0.7/32]
                      - public-key: \(Self.peers[1])
                        endpoint: "[2001:db8::10]:51820"
                        allowed-ips: [10.30.0.0/16]

                networks:
                  wg0:
                    prefixes: [10.20.0.0/16, 10.21.0.7/32, 10.30.0.0/16, "fd00:20::/48"]
                    paths: [wg0]
                    targets:
                      list:                             # TO DO: an address there that answers ping
                        - icmp: 10.20.0.1

                """
        )
        #expect(fragment.keyFiles.map(\.name) == ["keys/wg0.key", "keys/wg0-1.psk"])
        #expect(
            fragment.keyFiles.map(\.key.keyFile) == [Self.privateKey, Self.presharedKey].map { Array("\($0)\n".utf8) }
        )
    }

    /// As an editor of Windows saves it.
    @Test func readsLinesOfAnyEnding() {
        let text = Self.ordinary.replacing("\n", with: "\r\n")
        #expect(Self.fragment(text).text == Self.fragment(Self.ordinary).text)
        #expect(Self.fragment(text).keyFiles.map(\.key) == Self.fragment(Self.ordinary).keyFiles.map(\.key))
        #expect(Self.errors("[Interface]\r\n\r\nFrob = 1\r\n") == Self.errors("[Interface]\n\nFrob = 1\n"))
    }

    @Test func namesWhatItCannotCarryOver() {
        let text = """
            [Interface]
            PrivateKey = \(Self.privateKey)
            Address = 10.99.0.2
            DNS = 10.20.0.53
            Table = off
            FwMark = 0x1234
            MTU = 576
            SaveConfig = true
            PostUp = iptables -A INPUT -j ACCEPT # secret
            [Peer]
            PublicKey = \(Self.peers[0])
            Endpoint = gw.example.net:51820
            AllowedIPs = 0.0.0.0/0, 10.20.0.0/16
            [Peer]
            PublicKey = \(Self.peers[1])
            Endpoint = 10.40.0.1:51820
            AllowedIPs = 10.40.0.0/16, 10.20.0.0/16
            """
        let fragment = Self.fragment(text, underlay: "ppp0")
        #expect(!fragment.file.hasErrors)
        #expect(fragment.notes.map(\.line) == [4, 5, 6, 7, 8, 9, 13, 13, 17])
        for (note, word) in zip(
            fragment.notes,
            [
                "DNS", "Table", "FwMark", "MTU 576", "SaveConfig", "PostUp", "10.20.0.0/16", "0.0.0.0/0",
                "10.40.0.0/16",
            ]
        ) {
            #expect(note.message.hasPrefix(word) || note.message.contains(word))
            #expect(note.remedy != nil && fragment.text.contains("# line \(note.line): \(note.messageAndRemedy)\n"))
        }
        for line in [
            "allowed-ips: [0.0.0.0/0]", "allowed-ips: [10.40.0.0/16, 10.20.0.0/16]", "prefixes: [10.20.0.0/16]",
            "interface: ppp0", "endpoint: \"gw.example.net:51820\"",
        ] { #expect(fragment.text.contains(line + "\n"), "\(line)") }
        #expect(!fragment.text.contains("iptables") && !fragment.text.contains("576\n    underlay"))
    }

    @Test func saysEverythingThatIsWrongAtOnce() {
        let text = """
            stray = 1
            [Interface]
            PrivateKey = \(Self.privateKey.dropLast(2))
            Adress = 10.0.0.1/24
            Address = 10.0.0.1/33,
            ListenPort = 65536
            MTU = many
            nonsense
            [Peer]
            PublicKey = \(Self.peers[0])
            AllowedIPs = 10.0.0.0/8/8
            Endpoint = 192.0.2.1
            PersistentKeepalive = -1
            [Pear]
            anything = 1
            [Peer]
            PublicKey = \(Self.peers[0])
            [Peer]
            Endpoint = 192.0.2.1:1
            """
        #expect(
            Self.errors(text) == [
                "1: this line is before any section", "3: PrivateKey is not a WireGuard key", "4: unknown key 'Adress'",
                "5: Address has an empty item", "5: Address is not an address with or without a prefix length",
                "6: ListenPort is not a port", "7: MTU is not a number",
                "8: this line is neither a section nor KEY = VALUE",
                "11: AllowedIPs holds what is no prefix", "12: Endpoint is not a host and a port",
                "13: PersistentKeepalive is not a number of seconds", "14: unknown section",
                "17: this PublicKey is already that of another [Peer]", "18: [Peer] has no PublicKey",
            ]
        )
    }

    @Test func saysWhatIsMissing() {
        #expect(Self.errors("") == ["1: there is no [Interface]", "1: there is no [Peer]"])
        #expect(
            Self.errors("[Interface]\n") == [
                "1: [Interface] has no PrivateKey", "1: [Interface] has no Address", "1: there is no [Peer]",
            ]
        )
    }

    /// A key with a slip in it, a key where none belongs, a key without a name.
    @Test func neverRepeatsAKey() {
        let slip = Self.privateKey.dropLast(3)
        let text = """
            \(Self.privateKey)
            [Interface]
            \(Self.privateKey)
            \(slip)
            PrivateKey = \(slip)
            Address = \(Self.privateKey)
            DNS = \(Self.privateKey)
            [\(slip)]
            [Peer]
            PublicKey = \(slip)
            Endpoint = \(slip):1
            AllowedIPs = \(slip)
            """
        let notes = WgQuickFile(text).notes
        #expect(notes.count >= 9)
        for note in notes { #expect(!note.text(of: "wg0.conf").contains(slip.prefix(8)), "\(note.line)") }
    }

    @Test func takesAPeerWithoutPrefixesForWhatItIs() {
        let interface = "[Interface]\nPrivateKey=\(Self.privateKey)\nAddress=10.99.0.2/24\n"
        let alone = Self.fragment(interface + "[Peer]\nPublicKey=\(Self.peers[0])\nAllowedIPs=\n")
        #expect(alone.text.contains("- public-key") && !alone.text.contains("allowed-ips:"))
        let both = Self.fragment(
            interface
                + "[Peer]\nPublicKey=\(Self.peers[0])\n[Peer]\nPublicKey=\(Self.peers[1])\nAllowedIPs=10.0.0.0/8\n"
        )
        #expect(both.notes.map(\.line) == [4] && !both.text.contains(Self.peers[0]))
    }

    /// Octets at random, lines at random, lines cut anywhere: nothing traps.
    @Test func readsHostileTextWithoutHarm() {
        var random = SystemRandomNumberGenerator()
        let lines =
            Self.ordinary.split(separator: "\n").map(String.init) + ["[", "]", "=", "#", "[Peer]", ",", "AllowedIPs=,"]
        for _ in 0..<2_000 {
            var octets = Array(
                (0..<12).compactMap { _ in lines.randomElement(using: &random) }.joined(separator: "\n").utf8
            )
            for _ in 0..<Int.random(in: 0...8, using: &random) {
                octets[Int.random(in: octets.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            let fragment = Self.fragment(String(decoding: octets, as: UTF8.self))
            _ = (fragment.text, fragment.notes, fragment.keyFiles)
        }
    }
}
