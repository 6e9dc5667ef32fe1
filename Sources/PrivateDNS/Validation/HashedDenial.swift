// SPDX-License-Identifier: Apache-2.0

import CLdns
import CLinux
import NetworkTypes

/// Denial by NSEC3 records (RFC 5155 section 8).
///
/// A hash costs a server's number of iterations, and each label of a name may need one (CVE-2023-50868): both have a bound.
struct HashedDenial: Denial {
    private struct Gap {
        let hash: [UInt8]
        let next: [UInt8]
        let optsOut: Bool
        let types: TypeBitmap

        func covers(_ other: [UInt8]) -> Bool {
            if next.lexicographicallyPrecedes(hash) || next == hash {
                return hash.lexicographicallyPrecedes(other) || other.lexicographicallyPrecedes(next)
            }
            return hash.lexicographicallyPrecedes(other) && other.lexicographicallyPrecedes(next)
        }
    }

    /// More iterations make a zone insecure, and many more bogus (RFC 9276 section 3.2).
    static let insecureIterations: UInt16 = 100
    static let bogusIterations: UInt16 = 500
    /// How many labels below the zone are hashed.
    private static let labelLimit = 12

    /// The most iterations of any record.
    let iterations: UInt16
    private let zone: CanonicalName
    private let salt: [UInt8]
    private let gaps: [Gap]

    init(_ sets: [SignedSet], of zone: CanonicalName) {
        var gaps: [Gap] = []
        var parameters: (iterations: UInt16, salt: [UInt8])?
        var most: UInt16 = 0
        for set in sets where set.type == .nsec3 && set.owner.labels.count == zone.labels.count + 1 {
            guard let data = set.data.first, set.owner.isWithin(zone), data.count > 5, data[0] == 1,
                data[1] & 0xfe == 0, let hash = set.owner.labels.last.flatMap(Self.octets)
            else { continue }
            let iterations = data.span.uint16(at: 2)
            most = max(most, iterations)
            let saltEnd = 5 + Int(data[4])
            guard saltEnd < data.count, data[saltEnd] == 20, saltEnd + 21 <= data.count else { continue }
            let salt = Array(data[5..<saltEnd])
            // All of one answer have the same (RFC 5155 section 8.2).
            guard parameters?.iterations ?? iterations == iterations, parameters?.salt ?? salt == salt,
                let types = TypeBitmap(data[(saltEnd + 21)...])
            else { continue }
            parameters = (iterations, salt)
            let next = Array(data[saltEnd + 1..<saltEnd + 21])
            gaps.append(Gap(hash: hash, next: next, optsOut: data[1] & 1 != 0, types: types))
        }
        self.gaps = gaps
        self.zone = zone
        iterations = most
        salt = parameters?.salt ?? []
    }

    func types(of name: CanonicalName) -> TypeBitmap? { gap(at: hash(name))?.types }

    func deniesType(_ type: RecordType, of name: CanonicalName) -> DenialFinding {
        if let types = types(of: name) { return types.denies(type) ? .proven : .unproven }
        guard let (encloser, gap) = encloser(of: name) else { return .unproven }
        // Of an unsigned delegation in a gap that opts out nothing is said but that (RFC 5155 section 8.6).
        if type == .ds, gap.optsOut { return .optedOut }
        guard types(of: encloser.wildcard)?.denies(type) == true else { return .unproven }
        return gap.optsOut ? .optedOut : .proven
    }

    func deniesName(_ name: CanonicalName) -> DenialFinding {
        guard let (encloser, gap) = encloser(of: name), self.gap(over: hash(encloser.wildcard)) != nil else {
            return .unproven
        }
        return gap.optsOut ? .optedOut : .proven
    }

    func deniesCloser(_ name: CanonicalName, than parent: CanonicalName) -> DenialFinding {
        guard let gap = gap(over: hash(name.first(parent.labels.count + 1))) else { return .unproven }
        return gap.optsOut ? .optedOut : .proven
    }

    /// The closest name above that is there, and the gap in which the next closer one is not (RFC 5155 section 8.3).
    private func encloser(of name: CanonicalName) -> (CanonicalName, Gap)? {
        guard name.isWithin(zone), name.labels.count - zone.labels.count <= Self.labelLimit else { return nil }
        var count = name.labels.count - 1
        while count >= zone.labels.count {
            if let found = gap(at: hash(name.first(count))) {
                guard !found.types.leadsAway, let gap = gap(over: hash(name.first(count + 1))) else { return nil }
                return (name.first(count), gap)
            }
            count -= 1
        }
        return nil
    }

    private func gap(at hash: [UInt8]) -> Gap? { gaps.first { $0.hash == hash } }

    private func gap(over hash: [UInt8]) -> Gap? { gaps.first { $0.covers(hash) } }

    private func hash(_ name: CanonicalName) -> [UInt8] {
        let wire = name.wire
        guard let field = unsafe ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, wire.count, wire) else { return [] }
        defer { unsafe ldns_rdf_deep_free(field) }
        let hashed = unsafe ldns_nsec3_hash_name(field, 1, iterations, UInt8(salt.count), salt)
        guard let hashed = unsafe hashed else { return [] }
        defer { unsafe ldns_rdf_deep_free(hashed) }
        let octets = unsafe [UInt8](UnsafeRawBufferPointer(start: ldns_rdf_data(hashed), count: ldns_rdf_size(hashed)))
        return CanonicalName(octets).labels.last.flatMap(Self.octets) ?? []
    }

    /// The 20 octets of a hash in base 32 (RFC 4648 section 7); nil where it is none.
    static func octets(_ label: [UInt8]) -> [UInt8]? {
        guard label.count == 32 else { return nil }
        var octets: [UInt8] = []
        var bits: UInt32 = 0
        var count: UInt32 = 0
        for letter in label {
            switch letter.asciiLowered {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): bits = bits << 5 | UInt32(letter - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "v"):
                bits = bits << 5 | UInt32(letter.asciiLowered - UInt8(ascii: "a") + 10)
            default: return nil
            }
            count += 5
            if count >= 8 {
                count -= 8
                octets.append(UInt8(truncatingIfNeeded: bits >> count))
            }
        }
        return octets
    }
}
