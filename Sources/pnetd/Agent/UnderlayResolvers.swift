// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO

/// The resolvers that an interface was given by its own network, as those programs write them down that manage it.
struct UnderlayResolvers {
    private let root: String

    /// - Parameter root: where the host's files are; tests have their own.
    init(root: String = "") { self.root = root }

    /// The servers of an interface, best first; empty where nobody wrote any down.
    ///
    /// systemd-networkd knows them by interface, systemd-resolved what others (NetworkManager) told it by interface;
    /// pppd, NetworkManager and dhclient know of one set for the whole host (resolv.conf(5)). Servers on this host
    /// cannot be reached through an interface.
    func find(index: Int32?) -> [IPAddress] {
        var sources: [[IPAddress]] = []
        if let index {
            sources.append(values("DNS", in: "/run/systemd/netif/links/\(index)"))
            sources.append(values("SERVERS", in: "/run/systemd/resolve/netif/\(index)"))
        }
        for file in ["/run/NetworkManager/no-stub-resolv.conf", "/etc/resolv.conf", "/etc/ppp/resolv.conf"] {
            sources.append(nameServers(in: file))
        }
        return sources.lazy.map { $0.filter { !$0.isLoopback } }.first { !$0.isEmpty } ?? []
    }

    private func lines(of file: String) -> [Substring] {
        guard let octets = try? Files.read(root + file, limit: 64 << 10) else { return [] }
        return String(decoding: octets, as: UTF8.self).split(separator: "\n")
    }

    /// The addresses behind `KEY=`, each perhaps with a port, an interface or a server's name, which are dropped.
    private func values(_ key: String, in file: String) -> [IPAddress] {
        lines(of: file).first { $0.hasPrefix("\(key)=") }?.dropFirst(key.count + 1).split(separator: " ")
            .compactMap { word in
                let host = word.prefix { $0 != "%" && $0 != "#" }
                return IPAddress(String(host)) ?? SocketEndpoint(String(host))?.address
            } ?? []
    }

    private func nameServers(in file: String) -> [IPAddress] {
        lines(of: file).compactMap { line in
            let words = line.split { $0 == " " || $0 == "\t" }
            guard words.count >= 2, words[0] == "nameserver" else { return nil }
            return IPAddress(String(words[1].prefix { $0 != "%" }))
        }
    }
}
