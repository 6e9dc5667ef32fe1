// SPDX-License-Identifier: Apache-2.0
// What the file declares and refers to, each with its place, gathered while it is read and compared afterwards.
// Only what could be read is here, so one mistake does not become several: a path whose body is wrong is declared
// all the same, and a network one of whose prefixes is wrong is not asked whether a target lies in its prefixes.

import NetworkTypes
import SystemIO

/// A value, who has it, and where it stands.
struct Sighting<Value> {
    let value: Value
    /// The path's or network's name, or the key.
    let owner: String
    let mark: Mark
}

/// All that is compared across sections.
struct Declarations {
    /// Whether `paths` could be read as a mapping; if not, no reference to a path is judged.
    var pathsAreKnown = false
    /// The names of paths, also of those that could not be read.
    var paths: [Sighting<String>] = []
    /// What each path is, of those that could be read.
    var kinds: [String: KindWord] = [:]
    var interfaces: [Sighting<InterfaceName>] = []
    /// The routers behind the interfaces of routed paths.
    var gateways: [Sighting<IPAddress>] = []
    var addresses: [Sighting<InterfaceAddress>] = []
    /// Paths with an address that could not be read.
    var pathsWithUnknownAddresses: Set<String> = []
    /// Paths whose interface, and so its addresses, is the operator's.
    var pathsOnForeignInterfaces: Set<String> = []
    /// Paths through which every packet may cost.
    var meteredPaths: Set<String> = []
    var natSources: [Sighting<IPPrefix>] = []
    /// What probes and what the host itself sends by a path leave from.
    var sources: [Sighting<IPAddress>] = []
    /// What IPsec paths ask to carry from our side.
    var localTraffic: [Sighting<[IPPrefix]>] = []
    var listenPorts: [Sighting<Int>] = []
    var pathMTUs: [Sighting<Int>] = []
    var endpoints: [Sighting<HostEndpoint>] = []
    var underlayResolvers: [Sighting<IPAddress>] = []
    /// The allowed-ips lists of all peers of a path.
    var allowedIPs: [Sighting<IPPrefix>] = []
    /// Peers with `allowed-ips: auto`.
    var automaticPeers: [Sighting<WireGuardPublicKey>] = []
    /// Public and next public keys of peers.
    var publicKeys: [Sighting<WireGuardPublicKey>] = []
    /// The far ends of the paths' BFD and STAMP sessions.
    var farEnds: [Sighting<IPAddress>] = []
    /// The post-quantum keys of IPsec paths, by their identities.
    var postQuantumKeys: [String: Sighting<Secret>] = [:]
    /// The public keys that belong to the private keys of paths.
    var ownKeys: [Sighting<WireGuardPublicKey>] = []

    /// References of networks to paths.
    var references: [Sighting<String>] = []
    /// The same, with what they say of them.
    var uses: [Sighting<PathUse>] = []
    var prefixes: [Sighting<IPPrefix>] = []
    var networkMTUs: [Sighting<Int>] = []
    /// Networks with a prefix that could not be read.
    var networksWithUnknownPrefixes: Set<String> = []
    var targets: [Sighting<IPAddress>] = []
    /// The parts of networks that drills lead elsewhere.
    var drillPrefixes: [Sighting<IPPrefix>] = []
    /// Of the targets that are asked at a pace of their own.
    var paces: [Sighting<Duration>] = []
    var forwardServers: [Sighting<IPAddress>] = []
    var zones: [Sighting<DomainName>] = []
    /// Zones in views, by the views' names.
    var viewZones: [Sighting<DomainName>] = []
    var nameSets: [Sighting<NameSetName>] = []
    /// The domains of sets of names.
    var nameSetDomains: [Sighting<DomainName>] = []
    /// The networks' names.
    var networks: [String] = []
    /// The presets of zones, and the zones that they have.
    var zonePresets: [Sighting<String>] = []
    var presetZones: [Sighting<DomainName>] = []
    /// Octets of the zone files that were read.
    var zoneFileOctets = 0
    /// What zone files hold.
    var zoneFiles = ZoneFiles()

    /// Where certificates, their keys and lists of revoked ones are, and which file that was.
    var credentialFiles: [String: Files.Status] = [:]

    var listens: [Sighting<SocketEndpoint>] = []
    var upstreams: [Sighting<SocketEndpoint>] = []
    /// Where forwarded names may lead.
    var zonePrefixes: [Sighting<IPPrefix>] = []
    /// Zones whose names the upstreams are asked for.
    var publicAfter: [Sighting<String>] = []
}
