// SPDX-License-Identifier: Apache-2.0

import CCrypto

/// Parts that certificates and lists of revoked ones have in common (RFC 5280), as libcrypto has them.
enum X509 {
    /// A name in charon's way of writing, of at most ``CertificateFacts/textLimit`` octets.
    static func text(_ name: OpaquePointer?) -> String? {
        guard let name = unsafe name else { return nil }
        var octets = [UInt8](repeating: 0, count: CertificateFacts.textLimit)
        let length = unsafe pn_name_text(name, &octets, Int32(octets.count))
        guard length >= 0 else { return nil }
        return String(decoding: octets.prefix(Int(length)), as: UTF8.self)
    }

    /// Since 1970-01-01T00:00:00Z.
    static func seconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int64? {
        guard let time = unsafe time else { return nil }
        var seconds: Int64 = 0
        return unsafe pn_time_seconds(time, &seconds) == 1 ? seconds : nil
    }

    /// In hexadecimal, lower-case, without leading zeros; negative ones with `-`.
    static func serial(_ serial: UnsafePointer<ASN1_INTEGER>?) -> String? {
        guard let number = unsafe ASN1_INTEGER_to_BN(serial, nil) else { return nil }
        defer { unsafe BN_free(number) }
        // RFC 5280 allows 20 octets; what has more is no serial number, but may be told all the same, cut.
        var octets = [UInt8](repeating: 0, count: max(1, (Int(unsafe BN_num_bits(number)) + 7) / 8))
        let room = Int32(octets.count)
        guard unsafe BN_bn2binpad(number, &octets, room) == room else { return nil }
        var text = octets.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined().drop { $0 == "0" }
        if text.isEmpty { text = "0" }
        let isNegative = unsafe BN_is_negative(number) == 1
        return (isNegative ? "-" : "") + text.prefix(CertificateFacts.textLimit)
    }
}
