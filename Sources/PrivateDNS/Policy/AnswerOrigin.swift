// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// Whose word a remembered answer is: of which servers, about which zone, through which filter, in which view and beside
/// which other zones. It is the same number in every process, and another one where any of these is another.
///
/// It tells apart what a file of one site says at different times; it is no secret and no seal.
struct AnswerOrigin: Hashable, Sendable {
    let rawValue: UInt64

    init(rawValue: UInt64) { self.rawValue = rawValue }

    /// - Parameters:
    ///   - view: nil for that of all who have none of their own.
    ///   - others: see ``sum(of:)``.
    init(of zone: Policy.Zone, servers: [SocketEndpoint], view: String?, beside others: UInt64) {
        var hash = SipHash(.ofOrigins)
        hash.add(others)
        hash.add(view.map { Array($0.utf8) })
        hash.add(zone.name.wire)
        hash.add(UInt64(servers.count))
        for server in servers {
            hash.add(server.address.bytes)
            hash.add(UInt64(server.port))
        }
        hash.add(zone.trustsAD ? 1 : 0)
        hash.add(zone.addresses.map { [$0.fingerprint] } ?? [])
        hash.add(zone.types.map { $0.sorted().map { UInt64($0) } } ?? [])
        // No types at all are not the same as all types.
        hash.add(zone.types == nil ? 0 : 1)
        rawValue = hash.hash()
    }

    /// A number for the zones that there are, by view, in whatever order they come: an answer may hold a chain through what
    /// is a zone now.
    static func sum(of zones: [String: Set<DomainName>]) -> UInt64 {
        zones.reduce(0) { sum, view in
            view.value.reduce(sum) { sum, zone in
                var hash = SipHash(.ofOrigins)
                hash.add(Array(view.key.utf8))
                hash.add(zone.wire)
                return sum &+ hash.hash()
            }
        }
    }
}

extension SipHash.Key {
    /// Anybody may know it: what it hashes is the file's.
    static let ofOrigins = SipHash.Key(low: 0, high: 0)
}

extension SipHash {
    /// Takes octets behind their number.
    fileprivate mutating func add(_ octets: [UInt8]) {
        add(UInt64(octets.count))
        for start in stride(from: 0, to: octets.count, by: 8) {
            add(octets[start..<min(start + 8, octets.count)].reduce(0) { $0 << 8 | UInt64($1) })
        }
    }

    /// Takes octets, or that there are none.
    fileprivate mutating func add(_ octets: [UInt8]?) {
        add(octets == nil ? 0 : 1)
        if let octets { add(octets) }
    }

    /// Takes words behind their number.
    fileprivate mutating func add(_ words: [UInt64]) {
        add(UInt64(words.count))
        for word in words { add(word) }
    }
}
