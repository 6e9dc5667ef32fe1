// SPDX-License-Identifier: Apache-2.0

import CLdns
import CLinux
import NetworkTypes

/// A resource record read from presentation form by libldns; its pointers stay in this file.
struct PresentationRecord: Hashable, Sendable {
    /// The owner, lowered.
    let owner: DomainName
    let type: RecordType
    let classNumber: UInt16
    let ttl: UInt32
    /// Uncompressed RDATA.
    let data: [UInt8]

    /// Why a text is no record.
    struct Failure: Error {
        let text: String
    }

    /// Parses one line; relative names are completed with the origin.
    init(_ text: String, origin: DomainName, defaultTTL: UInt32) throws(Failure) {
        let wire = try Self.wire(text, origin: origin, defaultTTL: defaultTTL)
        do {
            let record = try RecordView(wire.span, at: 0)
            guard let owner = DomainName(wire: wire[..<(record.ttlOffset - 4)]) else { throw FormatError.nameTooLong }
            self.owner = owner
            type = record.type
            classNumber = record.classNumber
            ttl = record.ttl
            data = Array(wire[record.data])
        } catch {
            throw Failure(text: "the record cannot be encoded")
        }
    }

    private static func wire(_ text: String, origin: DomainName, defaultTTL: UInt32) throws(Failure) -> [UInt8] {
        let base = unsafe ldns_dname_new_frm_str(origin.description)
        guard unsafe base != nil else { throw Failure(text: "the zone's name is not valid") }
        defer { unsafe ldns_rdf_deep_free(base) }
        var record: UnsafeMutablePointer<ldns_rr>?
        let status = unsafe ldns_rr_new_frm_str(&record, text, defaultTTL, base, nil)
        guard status == LDNS_STATUS_OK, unsafe record != nil else { throw Failure(text: Self.text(of: status)) }
        defer { unsafe ldns_rr_free(record) }
        var bytes: UnsafeMutablePointer<UInt8>?
        var count = 0
        let encoded = unsafe ldns_rr2wire(&bytes, record, Int32(LDNS_SECTION_ANSWER.rawValue), &count)
        defer { unsafe free(bytes) }
        guard encoded == LDNS_STATUS_OK, let bytes = unsafe bytes else { throw Failure(text: Self.text(of: encoded)) }
        return unsafe Array(UnsafeBufferPointer(start: bytes, count: count))
    }

    private static func text(of status: ldns_status) -> String {
        unsafe ldns_get_errorstr_by_id(status).map { unsafe String(cString: $0) } ?? "not a resource record"
    }
}
