// SPDX-License-Identifier: Apache-2.0

import CLdns
import CLinux
import NetworkTypes

@testable import PrivateDNS

/// A zone's key (ECDSA P-256 with SHA-256), made and used by libldns.
@safe final class SigningKey {
    /// The one key; the list owns it.
    private let keys: UnsafeMutablePointer<ldns_key_list>
    /// The DNSKEY record.
    let record: [UInt8]
    /// The DS record for the zone above.
    let ds: [UInt8]

    init?(_ zone: String, from inception: UInt32, to expiration: UInt32) {
        guard let key = unsafe ldns_key_new_frm_algorithm(LDNS_SIGN_ECDSAP256SHA256, 0),
            let keys = unsafe ldns_key_list_new()
        else { return nil }
        unsafe _ = ldns_key_list_push_key(keys, key)
        unsafe self.keys = keys
        unsafe ldns_key_set_pubkey_owner(key, ldns_dname_new_frm_str(zone))
        unsafe ldns_key_set_flags(key, 257)
        unsafe ldns_key_set_inception(key, inception)
        unsafe ldns_key_set_expiration(key, expiration)
        let published = unsafe ldns_key2rr(key)
        defer { unsafe ldns_rr_free(published) }
        unsafe ldns_rr_set_ttl(published, 300)
        unsafe ldns_key_set_keytag(key, ldns_calc_keytag(published))
        let digest = unsafe ldns_key_rr2ds(published, LDNS_SHA256)
        defer { unsafe ldns_rr_free(digest) }
        unsafe ldns_rr_set_ttl(digest, 300)
        record = unsafe Self.wire(published)
        ds = unsafe Self.wire(digest)
    }

    deinit { unsafe ldns_key_list_free(keys) }

    /// The RRSIG record of a set.
    func sign(_ set: [[UInt8]]) -> [UInt8] {
        let list = unsafe ldns_rr_list_new()
        defer { unsafe ldns_rr_list_deep_free(list) }
        for wire in set {
            var record: UnsafeMutablePointer<ldns_rr>?
            var position = 0
            guard unsafe ldns_wire2rr(&record, wire, wire.count, &position, LDNS_SECTION_ANSWER) == LDNS_STATUS_OK
            else { return [] }
            unsafe _ = ldns_rr_list_push_rr(list, record)
        }
        let signatures = unsafe ldns_sign_public(list, keys)
        defer { unsafe ldns_rr_list_deep_free(signatures) }
        return unsafe Self.wire(ldns_rr_list_rr(signatures, 0))
    }

    private static func wire(_ record: UnsafeMutablePointer<ldns_rr>?) -> [UInt8] {
        var octets: UnsafeMutablePointer<UInt8>?
        var count = 0
        guard
            unsafe ldns_rr2wire(&octets, record, Int32(LDNS_SECTION_ANSWER.rawValue), &count) == LDNS_STATUS_OK
        else { return [] }
        defer { unsafe free(octets) }
        return unsafe Array(UnsafeBufferPointer(start: octets, count: count))
    }
}
