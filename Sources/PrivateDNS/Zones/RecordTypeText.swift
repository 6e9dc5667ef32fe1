// SPDX-License-Identifier: Apache-2.0

import CLdns

/// Types by their names, as a zone file has them.
public enum RecordTypeText {
    /// The number of a type: of `AAAA`, or of `TYPE28` (RFC 3597 section 5); nil where no type has that name, or where it is
    /// no data but a question or a signature of a message (RFC 6895 section 3.1).
    public static func number(of text: String) -> UInt16? {
        let type = unsafe ldns_get_rr_type_by_name(text)
        guard let number = UInt16(exactly: type.rawValue), !RecordType(rawValue: number).isMeta else { return nil }
        return number
    }
}
