// SPDX-License-Identifier: Apache-2.0

import SystemIO

/// Who it may be that changes what is ours: by the number of its netlink port, and by what runs on this host.
enum Opponent {
    /// What is known to take routes, rules, links or firewall tables for its own, by the name of its process, and how
    /// it is told not to.
    private static let known: [(process: String, name: String, remedy: String)] = [
        (
            "systemd-network", "systemd-networkd",
            "set ManageForeignRoutes=no and ManageForeignRoutingPolicyRules=no in networkd.conf"
        ),
        ("NetworkManager", "NetworkManager", "name the interface under unmanaged-devices in its configuration"),
        ("firewalld", "firewalld", "set FlushAllOnReload=no in firewalld.conf"),
        ("dockerd", "docker", "set iptables=false in daemon.json, or keep its networks out of the prefixes"),
        ("libvirtd", "libvirt", "keep its networks out of the prefixes"),
        ("virtnetworkd", "libvirt", "keep its networks out of the prefixes"),
        ("charon", "strongSwan", "set install_routes=no in strongswan.conf"),
        ("zebra", "FRR", "keep its routes out of pnetd's tables"),
        ("bird", "BIRD", "keep its kernel protocol out of pnetd's tables"),
    ]

    /// Who has a netlink port: a program's first one is the number of its process (netlink(7)).
    static func name(ofPort port: UInt32, in processes: String = "/proc") -> String {
        guard port != 0 else { return "somebody (the kernel does not say who)" }
        // Only a program's first socket has that number; further ones get what is beyond those of processes.
        guard let name = processName(Int(port), in: processes) else {
            return "a process that cannot be told (netlink port \(port))"
        }
        return "\(name) (process \(port))"
    }

    /// Which of the usual ones run here, each with how it is told to leave our things alone.
    static func suspects(in processes: String = "/proc") -> [String] {
        let numbers = ((try? Files.names(in: processes)) ?? []).compactMap { Int($0) }
        let names = Set(numbers.compactMap { processName($0, in: processes) })
        return known.filter { names.contains($0.process) }.map { "\($0.name) (\($0.remedy))" }
    }

    private static func processName(_ process: Int, in processes: String) -> String? {
        guard let text = try? Files.read("\(processes)/\(process)/comm") else { return nil }
        return String(decoding: text.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }
}

/// Another pnetd runs in this network namespace.
struct Occupied: Error, CustomStringConvertible {
    /// Who has the guard table.
    let owner: String

    var description: String {
        "\(owner) has the guard table: only one pnetd may run in a network namespace (ip netns makes another)"
    }
}
