// SPDX-License-Identifier: Apache-2.0

import HostDNS
import NetworkTypes
import SystemIO

/// The resolvers that an interface was given by its own network, as those programs write them down that manage it.
struct UnderlayResolvers {
    private let root: String
    private let original: ResolvConf?

    /// - Parameters:
    ///   - root: where the host's files are; tests have their own.
    ///   - original: what /etc/resolv.conf said before it led to pnetd; nil where it does not.
    init(root: String = "", before original: ResolvConf? = nil) {
        self.root = root
        self.original = original
    }

    /// More than anybody asks in turn (resolv.conf(5) takes three).
    private static let limit = 4

    /// The servers of an interface, best first; empty where nobody wrote any down.
    ///
    /// systemd-networkd knows them by interface, systemd-resolved what others (NetworkManager) told it by interface;
    /// pppd, NetworkManager and dhclient know of one set for the whole host (resolv.conf(5)). The first that knows any
    /// is believed.
    /// - Parameter isUsable: whether a server can be asked; one on this host never can, through an interface.
    func find(index: Int32?, where isUsable: (IPAddress) -> Bool) -> [IPAddress] {
        var sources: [() -> [IPAddress]] = []
        if let index {
            sources.append { values("DNS", in: "/run/systemd/netif/links/\(index)") }
            sources.append { values("SERVERS", in: "/run/systemd/resolve/netif/\(index)") }
        }
        if let original { sources.append { original.nameservers } }
        for file in ["/run/NetworkManager/no-stub-resolv.conf", "/etc/resolv.conf", "/etc/ppp/resolv.conf"] {
            sources.append { nameServers(in: file) }
        }
        for source in sources {
            let usable = source().filter { $0.isUnicastHost && isUsable($0) }
            if !usable.isEmpty { return Array(usable.prefix(Self.limit)) }
        }
        return []
    }

    private func lines(of file: String) -> [Substring] {
        // Others than root write some of these: what is no file would hold us up.
        guard let open = try? Files.open(root + file), let status = try? Files.status(of: open), status.isRegular,
            let octets = try? Files.read(open, limit: 64 << 10)
        else { return [] }
        return String(decoding: octets, as: UTF8.self).split(whereSeparator: \.isLineEnd)
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
        ResolvConf(lines(of: file).joined(separator: "\n")).nameservers
    }
}
