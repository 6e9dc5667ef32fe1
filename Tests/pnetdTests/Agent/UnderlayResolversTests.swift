// SPDX-License-Identifier: Apache-2.0

import CLinux
import HostDNS
import NetworkTypes
import SystemIO
import Testing

@testable import pnetd

/// The files of those who manage interfaces, in a folder instead of the host's root.
struct UnderlayResolversTests {
    private func find(_ files: [String: String], index: Int32? = 3, unusable: Set<String> = []) throws -> [String] {
        let root = "/tmp/pnetd-test-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        var folders: [String] = [root]
        try Files.makeDirectory(root)
        for (file, text) in files.sorted(by: { $0.key < $1.key }) {
            var folder = root
            for part in file.split(separator: "/").dropLast() {
                folder += "/\(part)"
                try Files.makeDirectory(folder)
                folders.append(folder)
            }
            try Files.replace(root + file, with: Array(text.utf8))
        }
        defer {
            for file in files.keys { try? Files.remove(root + file) }
            for folder in folders.reversed() { unsafe rmdir(folder) }
        }
        return UnderlayResolvers(root: root).find(index: index) { !unusable.contains($0.description) }
            .map(\.description)
    }

    @Test func thoseOfTheInterfaceComeFirst() throws {
        let links = "/run/systemd/netif/links/"
        let files = [
            links + "3":
                "# private\nADMIN_STATE=configured\nDNS=192.0.2.53 [2001:db8::53]:53#dns.example fe80::1%eth0\n",
            links + "4": "DNS=198.51.100.53\n", "/etc/resolv.conf": "nameserver 203.0.113.53\n",
        ]
        #expect(
            try find(files) == ["192.0.2.53", "2001:db8::53"],
            "a link-local one would need its interface beside it"
        )
        #expect(try find(files, index: 4) == ["198.51.100.53"])
        #expect(try find(files, index: nil) == ["203.0.113.53"])
    }

    /// As a file copied from Windows has them.
    @Test func linesMayEndInTwoCharacters() throws {
        let text = "# by hand\r\nnameserver 198.51.100.53\r\nnameserver 198.51.100.54\r\n"
        #expect(try find(["/etc/resolv.conf": text]) == ["198.51.100.53", "198.51.100.54"])
    }

    @Test func resolvedKnowsWhatOthersToldIt() throws {
        let files = ["/run/systemd/resolve/netif/3": "LLMNR=yes\nSERVERS=192.0.2.53#dns.example 2001:db8::53\n"]
        #expect(try find(files) == ["192.0.2.53", "2001:db8::53"])
    }

    /// Where /etc/resolv.conf leads to pnetd, what it said before still counts.
    @Test func whatThisHostAskedBeforePnetdCounts() throws {
        let original = ResolvConf("nameserver 198.51.100.53\nnameserver 127.0.0.1\n")
        let found = UnderlayResolvers(root: "/nowhere", before: original).find(index: nil) { _ in true }
        #expect(found.map(\.description) == ["198.51.100.53"])
    }

    /// A stub on this host cannot be reached through an interface.
    @Test func serversOnThisHostDoNotCount() throws {
        let files = [
            "/etc/resolv.conf": "# by hand\nsearch plant\nnameserver 127.0.0.53\noptions edns0\n",
            "/etc/ppp/resolv.conf": "nameserver\t198.51.100.53\nnameserver 198.51.100.54\n",
        ]
        #expect(try find(files) == ["198.51.100.53", "198.51.100.54"])
    }

    /// As with PPPoE, where resolv.conf may name pnetd itself and pppd writes down the provider's.
    @Test func theFirstThatKnowsOneOfUseIsBelieved() throws {
        let files = [
            "/etc/resolv.conf": "nameserver 10.1.0.1\nnameserver 0.0.0.0\nnameserver 224.0.0.1\n",
            "/etc/ppp/resolv.conf": (1...9).map { "nameserver 198.51.100.\($0)\n" }.joined(),
        ]
        #expect(try find(files, unusable: ["10.1.0.1"]) == (1...4).map { "198.51.100.\($0)" })
    }

    /// systemd-network and others write these files: a pipe would hold the agent up.
    @Test func aPipeHoldsNobodyUp() throws {
        let root = "/tmp/pnetd-test-\(getpid())-pipe"
        try Files.makeDirectory("\(root)/etc")
        defer {
            try? Files.remove("\(root)/etc/resolv.conf")
            for folder in ["\(root)/etc", root] { unsafe rmdir(folder) }
        }
        try #require(unsafe mkfifo("\(root)/etc/resolv.conf", 0o600) == 0)
        #expect(UnderlayResolvers(root: root).find(index: nil) { _ in true } == [])
    }

    @Test func nothingIsNothing() throws {
        #expect(try find([:]).isEmpty)
        #expect(try find(["/etc/resolv.conf": "nameserver\nnameserver x\n\u{0}\u{ff}"]).isEmpty)
    }
}
