// SPDX-License-Identifier: Apache-2.0

import Lab
import NetworkTypes
import SystemIO
import Testing

extension Scenarios {
    /// The resolver beside unbound and dnsmasq, which forward to the same servers: where they differ, there is a reason.
    @Suite(.serialized)
    struct Compared {
        /// What one of them answers, as far as it is to be alike.
        private struct Answer: Hashable, CustomStringConvertible {
            var code: String
            var flags: [String]
            var records: [String]

            init(_ text: String) {
                func part(after mark: String, upTo end: Character) -> String {
                    guard let range = text.firstRange(of: mark) else { return "" }
                    return String(text[range.upperBound...].prefix { $0 != end })
                }
                code = part(after: "status: ", upTo: ",")
                flags = part(after: ";; flags: ", upTo: ";").split(separator: " ").map(String.init).sorted()
                records = text.split(separator: "\n").filter { !$0.hasPrefix(";") && !$0.isEmpty }.map { line in
                    let words = line.split { $0 == " " || $0 == "\t" }.map(String.init)
                    // Without the TTL.
                    return ([words[0].lowercased()] + words.dropFirst(2)).joined(separator: " ")
                }.sorted()
            }

            var description: String { "\(code) \(flags.joined(separator: " ")) \(records)" }
        }

        private static let link = "privatelink.azure-devices.net"

        /// What is asked, in the words of dig.
        private static let questions: [String] = {
            let names = [
                "hub1.\(link)", "hub2.\(link)", "stray.\(link)", "gone.\(link)", "hub.azure-devices.net",
                "www.example.net",
                "evil.example.net", "none.example.net", "localhost", "1.0.0.127.in-addr.arpa", "example.invalid",
                "use-application-dns.net", "4.0.20.10.in-addr.arpa", "1.1.168.192.in-addr.arpa",
            ]
            let types = ["A", "AAAA", "HTTPS", "TXT", "ANY", "TYPE65280"]
            let asked = names.flatMap { name in types.map { "\(name) \($0)" } }
            let more = [
                "+dnssec www.example.net A", "+cdflag www.example.net A", "+norecurse www.example.net A",
                "+noedns hub2.\(link) A",
                "+bufsize=512 hub2.\(link) A", "+tcp hub2.\(link) A", "+tcp www.example.net A", "wWw.ExAmPlE.nEt A",
                "+ednsopt=65001:abcd www.example.net A", "+nsid www.example.net A",
                "+subnet=192.0.2.0/24 www.example.net A",
                "+edns=1 +noednsneg www.example.net A", "+opcode=notify www.example.net A", "CH TXT version.bind",
                ". NS", ". SOA",
            ]
            return asked + more
        }()

        @Test(.anyKernel) func answersAsOthersDoOrKnowsWhyNot() throws {
            try scenario("compared") { lab, daemon in
                try daemon.start()
                try daemon.waitFor(path: .a)
                try daemon.waitForNames()
                try startPeers(lab)
                let servers = ["pnetd": "10.1.0.1", "unbound": "127.0.0.2", "dnsmasq": "127.0.0.3"]
                func answer(_ server: String, _ question: String) throws -> Answer {
                    let words = question.split(separator: " ").map(String.init)
                    let address = try #require(servers[server])
                    let dig = [
                        "dig", "+time=5", "+tries=1", "+noall", "+comments", "+answer", "+ignore", "@\(address)",
                    ]
                    return Answer(try lab.site.attempt(dig + words).output)
                }
                for server in servers.keys {
                    try waitUntil("\(server) answers") { try answer(server, "www.example.net A").code == "NOERROR" }
                }
                var used: Set<String> = []
                for question in Self.questions {
                    let own = try answer("pnetd", question)
                    for peer in ["unbound", "dnsmasq"] {
                        let other = try answer(peer, question)
                        guard own != other else { continue }
                        let reasons = Self.differences.filter { $0.fits(question, peer, own, other) }
                        #expect(!reasons.isEmpty, "\(question): \(own), and \(peer) \(other)")
                        used.formUnion(reasons.map(\.reason))
                    }
                }
                #expect(
                    used == Set(Self.differences.map(\.reason)),
                    "what is no difference any more is to be struck out"
                )
            }
        }

        /// One that is meant.
        private struct Difference: Sendable {
            let reason: String
            let fits: @Sendable (_ question: String, _ peer: String, _ own: Answer, _ other: Answer) -> Bool

            init(
                _ reason: String,
                _ fits: @escaping @Sendable (_ question: String, _ peer: String, _ own: Answer, _ other: Answer) -> Bool
            ) {
                (self.reason, self.fits) = (reason, fits)
            }
        }

        private static let differences = [
            Difference("dnsmasq passes on that whom it asked has authority (RFC 1035 section 4.1.1)") {
                _,
                peer,
                own,
                other in
                let flags = other.flags.filter { $0 != "aa" }
                return peer == "dnsmasq" && (own.code, own.flags, own.records) == (other.code, flags, other.records)
            },
            Difference("ANY of others' names gets one record (RFC 8482 section 4.2)") { question, _, own, _ in
                question.hasSuffix(" ANY") && own.records.count == 1 && own.records[0].contains("HINFO \"RFC8482\"")
            },
            Difference("ANY of our names gets one set (RFC 8482 section 4.1)") { question, _, own, _ in
                question == "localhost ANY" && own.records.count == 1
            },
            Difference("a private name that leads out of its network") { question, _, own, other in
                question.hasPrefix("stray.") && Set(own.records).isStrictSubset(of: other.records)
            },
            Difference("a public name that leads to private addresses") { question, _, own, other in
                question == "evil.example.net A" && own.records.isEmpty && !other.records.isEmpty
            },
            Difference("dnsmasq takes the whole chain of whom it asks first, to the public address") {
                question,
                peer,
                own,
                _ in
                question.hasPrefix("hub.azure-devices.net ") && peer == "dnsmasq"
                    && !own.records.contains { $0.contains("203.0.113.") }
            },
            Difference("names that mean the same everywhere are our own, so the answer has authority") {
                _,
                _,
                own,
                other in
                own.code == "NXDOMAIN" && other.code == "NXDOMAIN" && own.flags == (["aa"] + other.flags).sorted()
            },
            Difference("the reverse zone of loopback addresses is empty (RFC 6303 section 4.2)") {
                question,
                _,
                own,
                other in
                question.hasPrefix("1.0.0.127.in-addr.arpa ") && own.code == "NXDOMAIN" && other.records.isEmpty
            },
            Difference("unbound shows what it keeps to those alone whom allow_snoop names") { question, peer, own, _ in
                question.hasPrefix("+norecurse ") && peer == "unbound" && own.code == "NOERROR"
            },
            Difference("dnsmasq does not know of versions of EDNS (RFC 6891 section 6.1.3)") { question, peer, own, _ in
                question.hasPrefix("+edns=1 ") && peer == "dnsmasq" && own.code == "BADVERS"
            },
            Difference("an opcode that is not known gets NOTIMP (RFC 8906 section 3.1.4)") { question, _, own, _ in
                question.hasPrefix("+opcode=notify ") && own.code == "NOTIMP"
            },
            Difference("which program it is nobody need know") { question, _, own, _ in
                question.hasPrefix("CH ") && own.code == "REFUSED"
            },
        ]

        private func startPeers(_ lab: Lab) throws {
            let unbound = try lab.site.write(
                "unbound.conf",
                """
                server:
                  directory: "\(lab.site.folder)"
                  pidfile: ""
                  username: ""
                  chroot: ""
                  use-syslog: no
                  do-daemonize: no
                  interface: 127.0.0.2
                  access-control: 127.0.0.0/8 allow
                  module-config: "iterator"
                forward-zone:
                  name: "."
                  forward-addr: 203.0.113.53
                forward-zone:
                  name: "\(Self.link)"
                  forward-addr: 10.20.0.53
                remote-control:
                  control-enable: no

                """
            )
            _ = try lab.site.start("unbound", "unbound", "-d", "-c", unbound)
            _ = try lab.site.start(
                "dnsmasq",
                "dnsmasq",
                "--keep-in-foreground",
                "--conf-file=/dev/null",
                "--no-resolv",
                "--no-hosts",
                "--user=root",
                "--pid-file=",
                "--bind-interfaces",
                "--listen-address=127.0.0.3",
                "--except-interface=lo0",
                "--server=203.0.113.53",
                "--server=/\(Self.link)/10.20.0.53"
            )
        }
    }
}
