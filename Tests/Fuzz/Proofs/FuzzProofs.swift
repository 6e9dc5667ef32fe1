// SPDX-License-Identifier: Apache-2.0
// Fuzzes what DNSSEC records say: signatures, keys, digests and denials.

import NetworkTypes

@testable import PrivateDNS

/// The input is records without compression, the first two octets aside: how many of them are the answer, and the type
/// that was asked for.
@c(LLVMFuzzerTestOneInput)
public func fuzzProofs(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    guard input.count > 2 else { return 0 }
    let message = [UInt8](repeating: 0, count: MessageSize.header) + input[2...]
    var records: [UInt8] = []
    var total = 0
    var offset = MessageSize.header
    while offset < message.count, let record = try? RecordView(message.span, at: offset),
        (try? record.checkData(message.span)) != nil
    {
        record.appendExpanded(message.span, ttl: record.ttl, to: &records)
        total += 1
        offset = record.end
    }
    var position = 0
    let answers = SignedSet.sets(of: records, count: min(total, Int(input[0])), at: &position)
    let authority = SignedSet.sets(of: records, count: total - min(total, Int(input[0])), at: &position)
    precondition(position == records.count)
    let type = RecordType(rawValue: UInt16(input[1]))
    let end = answers.last?.owner ?? authority.last?.owner ?? .root
    check(answers + authority, end, type)
    judge(answers, authority, end, type)
    return 0
}

/// Whatever the records are, no signature over them is good: nobody knows the keys.
private func check(_ sets: [SignedSet], _ end: CanonicalName, _ type: RecordType) {
    let keys = sets.filter { $0.type == .dnskey }.flatMap { zip($0.records, $0.data) }
        .compactMap { SignatureCheck.Key($0, $1) }
    let digests = sets.filter { $0.type == .ds }.flatMap(\.data)
    for key in keys.prefix(2) { for digest in digests.prefix(2) { _ = SignatureCheck.isDigest(digest, of: key) } }
    for set in sets {
        precondition(set.records.count == set.data.count && !set.records.isEmpty)
        _ = set.isRedirected(by: sets)
        guard let signature = set.signatures.first else { continue }
        var check = SignatureCheck(time: signature.inception)
        _ = try? check.find(over: set, of: signature.signer, by: keys)
        precondition(check.count <= SignatureCheck.limit)
    }
    for zone in [CanonicalName.root, end.first(1), end.first(2)] {
        deny(PlainDenial(sets, of: zone), end, type)
        let hashed = HashedDenial(sets, of: zone)
        if hashed.iterations <= HashedDenial.insecureIterations { deny(hashed, end, type) }
    }
}

/// What is there is not denied.
private func deny(_ denial: some Denial, _ name: CanonicalName, _ type: RecordType) {
    for name in [name, name.wildcard, name.first(1)] {
        let types = denial.types(of: name)
        if types?.contains(type) == true { precondition(denial.deniesType(type, of: name) == .unproven) }
        _ = denial.deniesType(.ds, of: name)
        _ = denial.deniesName(name)
        if !name.labels.isEmpty { _ = denial.deniesCloser(name, than: name.first(name.labels.count - 1)) }
    }
}

/// Whoever has not the root's key is not believed, whatever else is said.
private func judge(_ answers: [SignedSet], _ authority: [SignedSet], _ end: CanonicalName, _ type: RecordType) {
    guard let anchors = try? TrustAnchors(except: []) else { return }
    let answer = SignedAnswer(
        code: .noError,
        type: type,
        end: end.wire,
        answers: answers,
        authority: authority,
        isNegative: !answers.contains { $0.type == type }
    )
    var chain = ChainOfTrust()
    var links: [ChainOfTrust.Link: SignedAnswer] = [:]
    for _ in 0..<4 {
        switch chain.judge(answer, links, anchors, time: 1_800_000_000, now: Instant(nanoseconds: 0)) {
        case .needs(let link): links[link] = answer
        case .secure, .insecure: precondition(answers.isEmpty && !answer.isNegative, "believed without a key")
        case .bogus: return
        }
    }
}
