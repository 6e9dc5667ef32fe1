// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// Where the C library looks for hosts, in its order: the line `hosts:` of nsswitch.conf(5).
public struct NameServiceSwitch: Hashable, Sendable {
    /// A source and, behind it, what ends the search.
    public struct Service: Hashable, Sendable {
        /// As in `files`, `dns`, `resolve`, `mdns4_minimal`.
        public let name: String
        /// The reactions behind it, in small letters, as in `notfound=return`.
        public internal(set) var reactions: [String] = []

        /// Whether nothing behind it is asked for a name that it does not know.
        public var endsWhereNotFound: Bool {
            reactions.contains("notfound=return") || reactions.contains("!unavail=return")
                || reactions.contains("!success=return")
        }
    }

    /// The services, first to last.
    public let services: [Service]

    /// Reads the line from the file's text; without one, glibc 2.36 asks `files dns`.
    public init(_ text: String) {
        let line = text.split(whereSeparator: \.isLineEnd).last { line in
            line.drop { $0 == " " || $0 == "\t" }.hasPrefix("hosts:")
        }
        guard let words = line?.prefix(while: { $0 != "#" }).drop(while: { $0 != ":" }).dropFirst() else {
            services = ["files", "dns"].map { Service(name: $0) }
            return
        }
        var services: [Service] = []
        var isReaction = false
        var word = ""
        func end() {
            defer { word = "" }
            guard !word.isEmpty else { return }
            guard isReaction else { return services.append(Service(name: word)) }
            guard let last = services.indices.last else { return }
            services[last].reactions.append(word.lowercased())
        }
        for character in words {
            switch character {
            case " ", "\t": end()
            case "[", "]":
                end()
                isReaction = character == "["
            default: word.append(character)
            }
        }
        end()
        self.services = services
    }

    /// Whether DNS is asked by the C library itself, as /etc/resolv.conf says.
    public var asksDNS: Bool { services.contains { $0.name == "dns" } }

    /// Whether systemd-resolved is asked without /etc/resolv.conf (nss-resolve(8)).
    public var asksResolved: Bool { services.contains { $0.name == "resolve" } }

    /// The service that keeps a name in `local.` from DNS: multicast DNS that is asked before it and has the last word.
    public func swallower(of name: DomainName) -> String? {
        guard let local = DomainName("local"), name.isWithin(local) else { return nil }
        let beforeDNS = services.prefix { $0.name != "dns" && $0.name != "resolve" }
        return beforeDNS.first { $0.name.hasPrefix("mdns") && $0.endsWhereNotFound }?.name
    }
}
