// SPDX-License-Identifier: Apache-2.0

/// Which types a name has, by an NSEC or NSEC3 record (RFC 4034 section 4.1.2).
struct TypeBitmap {
    private let windows: [UInt8: ArraySlice<UInt8>]

    /// Reads a bitmap to the end of RDATA; nil where it is none.
    init?(_ data: ArraySlice<UInt8>) {
        var windows: [UInt8: ArraySlice<UInt8>] = [:]
        var rest = data
        while let window = rest.first {
            guard rest.count > 2, (1...32).contains(rest[rest.startIndex + 1]) else { return nil }
            let end = rest.startIndex + 2 + Int(rest[rest.startIndex + 1])
            guard end <= rest.endIndex else { return nil }
            windows[window] = rest[rest.startIndex + 2..<end]
            rest = rest[end...]
        }
        self.windows = windows
    }

    func contains(_ type: RecordType) -> Bool {
        guard let window = windows[UInt8(type.rawValue >> 8)] else { return false }
        let octet = window.startIndex + Int(type.rawValue & 0xff) / 8
        return octet < window.endIndex && window[octet] & 0x80 >> (type.rawValue & 7) != 0
    }

    /// Whether another zone begins there, of which this one says nothing but its DS (RFC 6840 section 4.1).
    var isDelegation: Bool { contains(.ns) && !contains(.soa) }

    /// Whether it says that a name has no records of a type, and no alias in their place.
    func denies(_ type: RecordType) -> Bool {
        guard !contains(type), !contains(.cname) else { return false }
        // The child's side says nothing of DS, the parent's of nothing else.
        return type == .ds ? !contains(.soa) : !isDelegation
    }

    /// Whether all below the name is somebody else's to deny.
    var leadsAway: Bool { isDelegation || contains(.dname) }
}

/// What records of denial prove.
enum DenialFinding {
    case proven
    /// There may be unsigned delegations there that no record tells of (RFC 5155 section 6).
    case optedOut
    case unproven
}

/// What a zone proves not to be there; its records were found good.
protocol Denial {
    /// That the name has no records of the type.
    func deniesType(_ type: RecordType, of name: CanonicalName) -> DenialFinding
    /// That there is no such name, and no wildcard in its place.
    func deniesName(_ name: CanonicalName) -> DenialFinding
    /// That there is no name that is closer to the one asked for than a wildcard's parent.
    func deniesCloser(_ name: CanonicalName, than parent: CanonicalName) -> DenialFinding
    /// Which types the name has, where a record says so.
    func types(of name: CanonicalName) -> TypeBitmap?
}

/// Denial by NSEC records (RFC 4035 section 5.4).
struct PlainDenial: Denial {
    private struct Gap {
        let owner: CanonicalName
        let next: CanonicalName
        let types: TypeBitmap
        /// Whether it is the zone's last, whose next name is the first again (RFC 4034 section 4.1.1).
        let isLast: Bool

        /// Whether the name would lie between the two.
        func covers(_ name: CanonicalName) -> Bool {
            guard owner < name, name < next || isLast else { return false }
            return !(name.isWithin(owner) && types.leadsAway)
        }
    }

    private let gaps: [Gap]

    init(_ sets: [SignedSet], of zone: CanonicalName) {
        gaps = sets.filter { $0.type == .nsec && $0.owner.isWithin(zone) }.compactMap { set in
            var end = 0
            guard let data = set.data.first, let next = CanonicalName(in: data, at: 0, end: &end),
                next.isWithin(zone), let types = TypeBitmap(data[end...])
            else { return nil }
            return Gap(owner: set.owner, next: next, types: types, isLast: next == zone)
        }
    }

    func types(of name: CanonicalName) -> TypeBitmap? { gaps.first { $0.owner == name }?.types }

    func deniesType(_ type: RecordType, of name: CanonicalName) -> DenialFinding {
        if let types = types(of: name) { return types.denies(type) ? .proven : .unproven }
        guard let gap = gaps.first(where: { $0.covers(name) }) else { return .unproven }
        // An empty name above others (RFC 4035 section 5.4), or a wildcard without the type.
        if gap.next.isWithin(name) { return .proven }
        return types(of: Self.encloser(of: name, gap).wildcard)?.denies(type) == true ? .proven : .unproven
    }

    func deniesName(_ name: CanonicalName) -> DenialFinding {
        guard let gap = gaps.first(where: { $0.covers(name) }), !gap.next.isWithin(name) else { return .unproven }
        let wildcard = Self.encloser(of: name, gap).wildcard
        return gaps.contains { $0.covers(wildcard) } ? .proven : .unproven
    }

    func deniesCloser(_ name: CanonicalName, than parent: CanonicalName) -> DenialFinding {
        let closer = name.first(parent.labels.count + 1)
        return gaps.contains { $0.covers(name) && Self.encloser(of: name, $0).labels.count < closer.labels.count }
            ? .proven : .unproven
    }

    /// The closest name above that is there: both ends of the gap are.
    private static func encloser(of name: CanonicalName, _ gap: Gap) -> CanonicalName {
        let (one, other) = (name.commonParent(gap.owner), name.commonParent(gap.next))
        return one.labels.count > other.labels.count ? one : other
    }
}
