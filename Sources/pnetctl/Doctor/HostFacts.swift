// SPDX-License-Identifier: Apache-2.0

import CLinux
import HostDNS
import NetworkTypes
import SystemIO

/// What this host says of how it looks up names.
struct HostFacts {
    /// /etc/resolv.conf, or why it cannot be read.
    var resolvConf: Result<ResolvConfFile, SystemError>
    var nameServices: NameServiceSwitch
    /// Those that run and would write /etc/resolv.conf.
    var authors: [ResolvConfAuthor]
    /// What systemd-resolved says of itself; nil where it does not run.
    var resolved: ResolvedFacts?
    /// Whether an address is this host's own.
    var isOwn: (IPAddress) -> Bool

    /// Looks at the host, or at a folder in its place.
    static func look(root: String = "", isOwn: @escaping (IPAddress) -> Bool = HostFacts.isOwnAddress) -> HostFacts {
        let resolvConf: Result<ResolvConfFile, SystemError>
        do throws(SystemError) {
            resolvConf = .success(try ResolvConfFile(at: "\(root)/etc/resolv.conf"))
        } catch {
            resolvConf = .failure(error)
        }
        let services = (try? Files.read("\(root)/etc/nsswitch.conf", limit: 64 << 10)) ?? []
        return HostFacts(
            resolvConf: resolvConf,
            nameServices: NameServiceSwitch(String(decoding: services, as: UTF8.self)),
            authors: root.isEmpty ? ResolvConfAuthor.running() : [],
            resolved: root.isEmpty ? ResolvedFacts.ask() : nil,
            isOwn: isOwn
        )
    }

    /// Whether a socket may be bound to the address.
    private static func isOwnAddress(_ address: IPAddress) -> Bool {
        (try? NetworkSocket.listener(on: SocketEndpoint(address: address, port: 0), isStream: false)) != nil
    }
}
