// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// Whom the C library asks for names: the text of resolv.conf(5).
public struct ResolvConf: Hashable, Sendable {
    /// The servers, in the order in which they are asked; glibc takes the first three (MAXNS).
    public let nameservers: [IPAddress]
    /// The words behind `options`.
    public let options: [String]
    /// The lines that say how a name is looked up, and not whom to ask: `search`, `domain`, `options`, `sortlist`.
    public let manners: [String]
    /// Whose the file is, by its comments; nil where they do not say.
    public let author: ResolvConfAuthor?

    /// How many servers glibc asks.
    public static let serverLimit = 3

    /// Reads a text; what cannot be understood is passed over, as by the C library.
    public init(_ text: String) {
        var nameservers: [IPAddress] = []
        var options: [String] = []
        var manners: [String] = []
        for line in text.split(whereSeparator: \.isLineEnd) {
            let words = line.split { $0 == " " || $0 == "\t" }
            // A keyword begins its line (resolv.conf(5)).
            guard let keyword = words.first, line.first == keyword.first else { continue }
            switch keyword {
            case "nameserver":
                // An interface behind a link-local address is no part of it.
                guard words.count > 1, let server = IPAddress(words[1].prefix { $0 != "%" }) else { continue }
                nameservers.append(server)
            case "options":
                options += words.dropFirst().map(String.init)
                manners.append(String(line))
            case "search", "domain", "sortlist": manners.append(String(line))
            default: continue
            }
        }
        self.nameservers = nameservers
        self.options = options
        self.manners = manners
        author = ResolvConfAuthor(ofText: text)
    }

    /// Where systemd-resolved's stubs listen (systemd-resolved.service(8)).
    public static let stubs = ["127.0.0.53", "127.0.0.54"].compactMap { IPAddress($0) }

    /// Whether systemd-resolved is asked, by a stub of its.
    public var asksStub: Bool { nameservers.prefix(Self.serverLimit).contains { Self.stubs.contains($0) } }

    /// What begins the file that pnetd writes.
    public static let mark = "# pnetd: "

    /// The text by which this host asks pnetd and nobody else: a second server would be asked whenever the first one
    /// says SERVFAIL or nothing, and told the private name.
    ///
    /// - Parameters:
    ///   - servers: where pnetd listens, at port 53.
    ///   - original: what was there before; how it had names looked up is kept.
    ///   - directory: the state directory, where it is kept.
    public static func text(asking servers: [IPAddress], keeping original: ResolvConf, in directory: String) -> String {
        let comments = [
            "\(mark)this host's names are answered by pnetd, because its file says 'resolver: host:'.",
            "# What was here before is kept in \(directory) and comes back with pnetd's end; what is written here goes",
            "# before that. 'pnetctl doctor' tells who else writes to this file.",
        ]
        let lines = comments + servers.prefix(serverLimit).map { "nameserver \($0)" } + original.manners
        return lines.map { $0 + "\n" }.joined()
    }
}
