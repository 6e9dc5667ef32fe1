// SPDX-License-Identifier: Apache-2.0

import Configuration
import FoundationEssentials
import NetworkTypes
import SystemIO
import Tunnel

/// What the kernel does not hold and a later run needs: `state.json` in the state directory.
struct SavedState: Codable, Equatable {
    /// A network's decision, as far as names need it.
    struct Realm: Codable, Equatable {
        var generation: UInt64
        var isPublic: Bool
        /// When the decision came into force, nanoseconds since 1970.
        var since: Int64
        var switches: UInt64
    }

    /// The number that stands for a path or a network among the reserved ones, for as long as the file names it.
    var pathSlots: [String: Int] = [:]
    var networkSlots: [String: Int] = [:]
    var realms: [String: Realm] = [:]
    /// The endpoints of the file as the peers were last told them: interface, public key, endpoint.
    var told: [String: [String: SocketEndpoint]] = [:]
    var alerts = AlertBook()
    /// The paths that an operator took out; nil in files of earlier versions.
    var drained: [String]?
    /// Octets of the largest packet that gets through each path whose interface takes larger ones; nil in files of earlier
    /// versions.
    var carriedMTUs: [String: Int]?
    /// The path that an operator put first, a network; nil in files of earlier versions.
    var preferred: [String: String]?
    /// What is known of each network's paths by use and by drills; nil in files of earlier versions.
    var proofs: [String: [String: PathProof]]?
    /// The path that carries a network otherwise, while a drill leads it elsewhere; nil in files of earlier versions.
    var drillOrigins: [String: String]?
    /// Networks whose drill was begun in the window that is open; nil in files of earlier versions.
    var drillsBegun: [String]?
    /// What charon was told of each IPsec path last, by the names there; nil in files of earlier versions.
    var ikeTerms: [String: LoadedTerms]?
    /// Where the gateways of IPsec paths were found last that the file has by name; nil in files of earlier versions.
    var gateways: [String: IPAddress]?
    /// When each path had its last handshake, nanoseconds since 1970; nil in files of earlier versions.
    var handshakes: [String: Int64]?

    /// Reads the file; one that is missing or broken counts as empty, and what is broken is said.
    static func load(from directory: String) -> (state: SavedState, problem: String?) {
        let path = "\(directory)/state.json"
        do {
            let state = try JSONDecoder().decode(SavedState.self, from: Data(try Files.read(path, limit: 64 << 20)))
            guard state.isPlausible else { return (SavedState(), "\(path) holds what cannot be and is begun anew") }
            return (state, nil)
        } catch let error as SystemError where error.isNotFound {
            return (SavedState(), nil)
        } catch {
            return (SavedState(), "\(path) cannot be read and is begun anew: \(error)")
        }
    }

    /// Whether its numbers are such as pnetd writes: arithmetic on others would end the agent at every start.
    private var isPlausible: Bool {
        pathSlots.values.allSatisfy { (1...ReservedNumbers.pathLimit).contains($0) }
            && networkSlots.values.allSatisfy { (1...ReservedNumbers.networkLimit).contains($0) }
            && Set(pathSlots.values).count == pathSlots.count && Set(networkSlots.values).count == networkSlots.count
            && realms.values.allSatisfy { (0...Self.endOfTime).contains($0.since) && $0.generation < 1 << 62 }
    }

    /// Nanoseconds from 1970 to the year 2200.
    private static let endOfTime: Int64 = 7_258_118_400_000_000_000

    func save(to directory: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try Files.replace("\(directory)/state.json", with: Array(try encoder.encode(self)))
    }

    /// Gives every name a slot: known names keep theirs, names that are gone give theirs back.
    static func assign(_ names: [String], keeping known: [String: Int]) -> [String: Int] {
        var slots = known.filter { names.contains($0.key) }
        var taken = Set(slots.values)
        for name in names where slots[name] == nil {
            guard let free = (1...).first(where: { !taken.contains($0) }) else { break }
            taken.insert(free)
            slots[name] = free
        }
        return slots
    }
}

extension SavedState {
    /// Gives the file's paths and networks their slots.
    mutating func assignSlots(_ site: SiteConfiguration) {
        pathSlots = Self.assign(site.paths.map(\.name.text), keeping: pathSlots)
        networkSlots = Self.assign(site.networks.map(\.name.text), keeping: networkSlots)
        realms = realms.filter { networkSlots[$0.key] != nil }
    }

    /// Forgets the paths and networks that the file has no more.
    mutating func forget(besides site: SiteConfiguration) {
        let paths = site.paths.map(\.name)
        preferred = preferred?.filter { entry in
            site.networks.contains { $0.name.text == entry.key && $0.paths.contains { $0.text == entry.value } }
        }
        drillsBegun?.removeAll { name in !site.networks.contains { $0.name.text == name && $0.drill.window != nil } }
        proofs = proofs?.reduce(into: [:]) { known, entry in
            guard let network = site.networks.first(where: { $0.name.text == entry.key }) else { return }
            known[entry.key] = entry.value.filter { proof in network.paths.contains { $0.text == proof.key } }
        }
        drained?.removeAll { name in !paths.contains { $0.text == name } }
        gateways = gateways?.filter { item in paths.contains { $0.text == item.key } }
        carriedMTUs = carriedMTUs?.filter { item in paths.contains { $0.text == item.key } }
    }

    /// What the peers were told, by interface and key.
    var toldEndpoints: [InterfaceName: [WireGuardPublicKey: SocketEndpoint]] {
        told.reduce(into: [:]) { result, item in
            guard let interface = InterfaceName(item.key) else { return }
            result[interface] = item.value.reduce(into: [:]) { peers, peer in
                if let key = WireGuardPublicKey(peer.key) { peers[key] = peer.value }
            }
        }
    }

    /// Writes down what the peers were told.
    mutating func remember(_ endpoints: [InterfaceName: [WireGuardPublicKey: SocketEndpoint]]) {
        told = endpoints.reduce(into: [:]) { result, item in
            result[item.key.text] = item.value.reduce(into: [:]) { $0[$1.key.description] = $1.value }
        }
    }
}
