// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO

/// What a DNAME makes of the names below its owner (RFC 6672).
struct Redirection: Sendable {
    private let ownerLabels: Int
    private let target: [UInt8]
    private let ttl: UInt32
    /// The DNAME record, uncompressed.
    private let record: [UInt8]
    /// For a name that would be too long at its new place (RFC 6672 section 2.2).
    private let overflow: StaticZone.Answer

    /// Takes the one DNAME of an owner.
    init?(_ set: ZoneRecords.RecordSet) {
        guard let data = set.data.first, let target = DomainName(wire: data) else { return nil }
        ownerLabels = set.owner.labels.count
        self.target = target.wire
        ttl = set.ttl
        record = set.octets
        let head = ReplyHead(code: .yxDomain, isAuthoritative: true, answers: 1)
        overflow = StaticZone.Answer(head: head, body: record)
    }

    /// Leads a name below the owner on by a CNAME that has the DNAME's TTL (RFC 6672 section 3.1). Where that is what
    /// was asked for, it is the answer; else its target is looked up anew.
    func finding(for name: borrowing LookupName, _ type: RecordType) -> StaticZone.Finding {
        let kept = name.start(ofLast: ownerLabels)
        guard kept + target.count <= 255 else { return .answer(overflow) }
        let renamed = Array(name.wire.extracting(first: kept)) + target
        var alias: [UInt8] = []
        alias.append(RecordType.cname.rawValue)
        alias.append(internetClass)
        alias.append(ttl)
        alias.append(UInt16(renamed.count))
        alias += renamed
        guard type == .cname || type == .any else {
            return .leaves(records: record + Array(name.wire) + alias, count: 2, target: renamed)
        }
        let head = ReplyHead(code: .noError, isAuthoritative: true, answers: 2)
        return .answer(StaticZone.Answer(head: head, body: record + ZoneCompiler.questionPointer + alias))
    }
}
