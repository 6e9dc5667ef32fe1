// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// Whether and how this host's own names are answered by its resolver.
public struct HostNames: Hashable, Sendable {
    /// By which of the host's means.
    public enum Management: String, Hashable, Sendable, CaseIterable {
        /// By systemd-resolved where this host asks it, else by /etc/resolv.conf.
        case auto
        /// By systemd-resolved, which is told over D-Bus.
        case resolved
        /// By /etc/resolv.conf.
        case resolvConf = "resolv-conf"
        /// Not at all: this host asks whom it asked before.
        case off
    }

    /// Which of its names.
    public enum Domains: String, Hashable, Sendable, CaseIterable {
        /// Those in the networks' zones.
        case zones
        /// All of them.
        case all
    }

    /// By which of the host's means.
    public var manage: Management
    /// Which names; by /etc/resolv.conf it is always all of them.
    public var domains: Domains

    /// The host is left alone.
    public static let untouched = HostNames(manage: .off, domains: .zones)
}

extension ResolverConfiguration {
    /// Where the host itself can ask the resolver.
    public struct HostServer: Hashable, Sendable {
        /// The address that is listened on.
        public let listener: SocketEndpoint
        /// The address that is asked: the listener's, or that of this host where it is bound to all addresses.
        public let endpoint: SocketEndpoint
    }

    /// Where the host itself can ask: at addresses that may ask themselves, loopback first.
    public var hostServers: [HostServer] {
        let servers = listen.compactMap { listener -> HostServer? in
            var endpoint = listener
            if endpoint.address.bits == 0 {
                endpoint.address = IPAddress(family: endpoint.address.family, bits: endpoint.address.family.loopback)
            }
            guard !Self.stubs.contains(endpoint.address), allow.contains(where: { $0.contains(endpoint.address) })
            else { return nil }
            return HostServer(listener: listener, endpoint: endpoint)
        }
        return servers.filter(\.endpoint.address.isLoopback) + servers.filter { !$0.endpoint.address.isLoopback }
    }

    /// Where systemd-resolved listens itself, and whom it never asks.
    private static let stubs = ["127.0.0.53", "127.0.0.54"].compactMap { IPAddress($0) }
}

extension AddressFamily {
    /// 127.0.0.1 and ::1.
    fileprivate var loopback: UInt128 { self == .ipv4 ? 0x7f00_0001 : 1 }
}
