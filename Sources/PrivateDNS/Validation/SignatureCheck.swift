// SPDX-License-Identifier: Apache-2.0

import CLdns
import CLinux
import NetworkTypes

/// Why data is bogus (RFC 4035 section 5.3), by the Extended DNS Error that tells of it (RFC 8914 section 4).
enum Bogus: Error, Hashable {
    case signature
    case expired
    case notYetValid
    case noKey
    case noSignature
    case noDenial
}

/// Checks signatures, so many for one answer: whoever signs can make one set with many keys of one tag and many
/// signatures by them (KeyTrap, CVE-2023-50387).
struct SignatureCheck {
    /// A DNSKEY record (RFC 4034 section 2.1).
    struct Key: Hashable, Sendable {
        /// The whole record, uncompressed.
        let record: [UInt8]
        let flags: UInt16
        let algorithm: UInt8
        let tag: UInt16

        /// A key that may sign a zone's data; nil for any other, also for one that was revoked (RFC 5011 section 2.1).
        init?(_ record: [UInt8], _ data: [UInt8]) {
            guard data.count > 4, data[2] == 3 else { return nil }
            flags = data.span.uint16(at: 0)
            guard flags & 0x0100 != 0, flags & 0x0080 == 0 else { return nil }
            self.record = record
            algorithm = data[3]
            // RFC 4034 appendix B.
            var sum: UInt32 = 0
            for (index, octet) in data.enumerated() { sum += index & 1 == 0 ? UInt32(octet) << 8 : UInt32(octet) }
            tag = UInt16(truncatingIfNeeded: sum + sum >> 16)
        }
    }

    /// RSA with SHA-1 to SHA-512, ECDSA, Ed25519 (RFC 8624 section 3.1).
    static let algorithms: Set<UInt8> = [5, 7, 8, 10, 13, 14, 15]
    /// How many are checked for one answer.
    static let limit = 16
    /// How many keys with one tag are tried.
    static let keyLimit = 4

    /// Seconds since 1970 modulo 2 to the power of 32.
    let time: UInt32
    private(set) var count = 0

    init(time: UInt32) { self.time = time }

    /// Finds a good signature of a zone over a set.
    mutating func find(
        over set: SignedSet,
        of zone: CanonicalName,
        by keys: [Key]
    ) throws(Bogus) -> SignedSet.Signature {
        var reason = Bogus.noSignature
        for signature in set.signatures where signature.signer == zone {
            guard set.expandedLabels(signature) >= 0 else { continue }
            // Serial number arithmetic (RFC 4034 section 3.1.5).
            guard Int32(bitPattern: signature.expiration &- time) >= 0 else {
                reason = .expired
                continue
            }
            guard Int32(bitPattern: time &- signature.inception) >= 0 else {
                reason = .notYetValid
                continue
            }
            let fitting = keys.filter { $0.tag == signature.keyTag && $0.algorithm == signature.algorithm }
            if fitting.isEmpty, reason == .noSignature { reason = .noKey }
            for key in fitting.prefix(Self.keyLimit) {
                guard count < Self.limit else { throw .signature }
                count += 1
                if Self.verify(set.records, signature.record, key.record) { return signature }
                reason = .signature
            }
        }
        throw reason
    }

    private static func verify(_ set: [[UInt8]], _ signature: [UInt8], _ key: [UInt8]) -> Bool {
        let list = unsafe ldns_rr_list_new()
        defer { unsafe ldns_rr_list_deep_free(list) }
        for record in set {
            guard let record = unsafe Self.record(record) else { return false }
            unsafe _ = ldns_rr_list_push_rr(list, record)
        }
        let keys = unsafe ldns_rr_list_new()
        let good = unsafe ldns_rr_list_new()
        defer {
            unsafe ldns_rr_list_deep_free(keys)
            // It shares the key.
            unsafe ldns_rr_list_free(good)
        }
        guard let key = unsafe Self.record(key) else { return false }
        unsafe _ = ldns_rr_list_push_rr(keys, key)
        let signature = unsafe Self.record(signature)
        defer { unsafe ldns_rr_free(signature) }
        guard unsafe signature != nil else { return false }
        // Times were looked at by the resolver's own clock.
        return unsafe ldns_verify_rrsig_keylist_notime(list, signature, keys, good) == LDNS_STATUS_OK
    }

    /// Checks a signature that was made beforehand.
    static func checksSample() -> Bool {
        let texts = [
            "x. 300 A 192.0.2.1",
            "x. 3600 DNSKEY 257 3 13 btskGWUpQG+CzpiY42psFiHSvF/tYVgpBBMiJdpvT4al7mC5FZSAlXFJQOu0YHs/ZVuellGXsfjAtW6g0uoUKA==",
            "x. 300 RRSIG A 13 1 300 20270115080010 20270115075950 47104 x. "
                + "nIFpJGdJLon0dbsmh7ETnap/A2FmUsHhZIpUWESAH5Mjf+/FGNFiQseaonm/VEVWl8kkNnsH6AqOnaHcn9ZYfw==",
        ]
        let records = texts.compactMap { text -> [UInt8]? in
            guard let record = try? PresentationRecord(text, origin: .root, defaultTTL: 0) else { return nil }
            var wire = record.owner.wire
            wire.append(record.type.rawValue)
            wire.append(internetClass)
            wire.append(record.ttl)
            wire.append(UInt16(record.data.count))
            return wire + record.data
        }
        return records.count == 3 && verify([records[0]], records[2], records[1])
    }

    /// Whether a DS record is of a key (RFC 4034 section 5.1.4).
    static func isDigest(_ data: [UInt8], of key: Key) -> Bool {
        guard data.count > 4, data.span.uint16(at: 0) == key.tag, data[2] == key.algorithm else { return false }
        let hash: ldns_hash
        switch data[3] {
        case 1: hash = LDNS_SHA1
        case 2: hash = LDNS_SHA256
        case 4: hash = LDNS_SHA384
        default: return false
        }
        let record = unsafe Self.record(key.record)
        defer { unsafe ldns_rr_free(record) }
        guard unsafe record != nil, let digest = unsafe ldns_key_rr2ds(record, hash) else { return false }
        defer { unsafe ldns_rr_free(digest) }
        guard let field = unsafe ldns_rr_rdf(digest, 3) else { return false }
        let octets = unsafe UnsafeRawBufferPointer(start: ldns_rdf_data(field), count: ldns_rdf_size(field))
        return unsafe octets.elementsEqual(data[4...])
    }

    private static func record(_ wire: [UInt8]) -> UnsafeMutablePointer<ldns_rr>? {
        var record: UnsafeMutablePointer<ldns_rr>?
        var position = 0
        guard unsafe ldns_wire2rr(&record, wire, wire.count, &position, LDNS_SECTION_ANSWER) == LDNS_STATUS_OK else {
            return nil
        }
        return unsafe record
    }
}
