// SPDX-License-Identifier: Apache-2.0

/// The records of one owner and type, and what signs them.
struct SignedSet {
    /// An RRSIG record's fields (RFC 4034 section 3.1).
    struct Signature {
        /// The whole record, uncompressed.
        let record: [UInt8]
        let covered: RecordType
        let algorithm: UInt8
        let labels: UInt8
        /// Seconds.
        let originalTTL: UInt32
        /// Seconds since 1970 modulo 2 to the power of 32.
        let expiration: UInt32
        let inception: UInt32
        let keyTag: UInt16
        let signer: CanonicalName

        /// - Parameter data: the RDATA.
        init?(_ record: [UInt8], _ data: [UInt8]) {
            var end = 0
            guard data.count > 19, let signer = CanonicalName(in: data, at: 18, end: &end), end < data.count else {
                return nil
            }
            self.record = record
            self.signer = signer
            let data = data.span
            covered = RecordType(rawValue: data.uint16(at: 0))
            algorithm = data[2]
            labels = data[3]
            originalTTL = data.uint32(at: 4)
            expiration = data.uint32(at: 8)
            inception = data.uint32(at: 12)
            keyTag = data.uint16(at: 16)
        }
    }

    let owner: CanonicalName
    let type: RecordType
    /// Seconds.
    let ttl: UInt32
    /// Whole records, uncompressed.
    private(set) var records: [[UInt8]] = []
    /// Their RDATA.
    private(set) var data: [[UInt8]] = []
    private(set) var signatures: [Signature] = []

    /// More signatures of one set are not looked at.
    private static let signatureLimit = 8

    /// How many labels of the owner are of a wildcard's making; 0 for a set that stands there itself.
    func expandedLabels(_ signature: Signature) -> Int {
        let own = owner.labels.last == [UInt8(ascii: "*")] ? owner.labels.count - 1 : owner.labels.count
        return own - Int(signature.labels)
    }

    /// Whether it is an alias that a DNAME record among others makes, and so is worth what that is worth (RFC 6672
    /// section 5.3.1).
    func isRedirected(by others: [SignedSet]) -> Bool {
        guard type == .cname, data.count == 1 else { return false }
        let target = CanonicalName(data[0]).labels
        return others.contains { other in
            guard other.type == .dname, other.data.count == 1, owner.isWithin(other.owner), owner != other.owner else {
                return false
            }
            return CanonicalName(other.data[0]).labels + owner.labels.dropFirst(other.owner.labels.count) == target
        }
    }

    /// Sorts uncompressed records, which were checked, into sets in the order in which they come.
    static func sets(of records: [UInt8], count: Int, at start: inout Int) -> [SignedSet] {
        var sets: [SignedSet] = []
        var signatures: [(owner: CanonicalName, Signature)] = []
        for _ in 0..<count {
            guard let view = try? RecordView(records.span, at: start) else { break }
            let whole = Array(records[start..<view.end])
            let data = Array(records[view.data])
            let owner = CanonicalName(WireName.lowered(records.span, at: start))
            start = view.end
            if view.type == .rrsig {
                if let signature = Signature(whole, data) { signatures.append((owner, signature)) }
                continue
            }
            let number = sets.firstIndex { $0.type == view.type && $0.owner == owner } ?? sets.count
            if number == sets.count { sets.append(SignedSet(owner: owner, type: view.type, ttl: view.ttl)) }
            sets[number].records.append(whole)
            sets[number].data.append(data)
        }
        for (owner, signature) in signatures {
            guard let number = sets.firstIndex(where: { $0.type == signature.covered && $0.owner == owner }),
                sets[number].signatures.count < signatureLimit
            else { continue }
            sets[number].signatures.append(signature)
        }
        return sets
    }
}
