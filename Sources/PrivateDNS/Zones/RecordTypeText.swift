// SPDX-License-Identifier: Apache-2.0

import CLdns
import CLinux

/// Types by their names, as a zone file has them.
public enum RecordTypeText {
    /// The number of a type: of `AAAA`, or of `TYPE28` (RFC 3597 section 5); nil where no type has that name, or where it is
    /// no data but a question or a signature of a message (RFC 6895 section 3.1).
    public static func number(of text: String) -> UInt16? {
        let type = unsafe ldns_get_rr_type_by_name(text)
        guard let number = UInt16(exactly: type.rawValue), !RecordType(rawValue: number).isMeta else { return nil }
        return number
    }

    /// The name of a type: `AAAA`, or `TYPE65280` for one that has none.
    public static func text(of number: UInt16) -> String {
        guard let text = unsafe ldns_rr_type2str(ldns_rr_type(UInt32(number))) else { return "TYPE\(number)" }
        defer { unsafe free(text) }
        return unsafe String(cString: text)
    }
}
