// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO

/// What one worker knows of signed zones, and what answers are worth by it (RFC 4035 section 5).
///
/// It asks nothing itself: where it needs a record to go on, it says which.
struct ChainOfTrust {
    /// A question of our own.
    struct Link: Hashable {
        let name: CanonicalName
        let type: RecordType
    }

    /// What is known of a name above others.
    enum Standing: Hashable {
        /// A zone begins there that is signed by these keys.
        case zone([SignatureCheck.Key])
        /// A zone begins there that is not signed, and that is proven.
        case unsigned
        /// Nobody says that a zone begins there.
        case inside
    }

    /// What an answer is worth.
    enum Worth: Hashable {
        /// For so many seconds at most.
        case secure(UInt32)
        case insecure
        case bogus(Bogus)
        /// That is not known without this.
        case needs(Link)
    }

    /// Why something cannot be told yet, or is wrong.
    private enum Stop: Error {
        case needs(Link)
        case bogus(Bogus)
    }

    private struct Known {
        let standing: Standing
        let expires: Instant
    }

    private static let limit = 2048
    /// How long a zone's keys are believed without being looked at again.
    private static let longest: UInt32 = 3600

    private var known: [CanonicalName: Known] = [:]

    /// Forgets all, for other anchors.
    mutating func forget() { known = [:] }

    /// Judges an answer.
    /// - Parameter links: answers to the questions that were needed so far.
    mutating func judge(
        _ answer: SignedAnswer,
        _ links: [Link: SignedAnswer],
        _ anchors: TrustAnchors,
        time: Int64,
        now: Instant
    ) -> Worth {
        var judgement = Judgement(anchors: anchors, links: links, time: time, now: now)
        do throws(Stop) {
            return try worth(of: answer, &judgement)
        } catch {
            switch error {
            case .needs(let link): return .needs(link)
            case .bogus(let reason): return .bogus(reason)
            }
        }
    }

    private struct Judgement {
        let anchors: TrustAnchors
        let links: [Link: SignedAnswer]
        let time: Int64
        let now: Instant
        var check: SignatureCheck
        /// How long the signatures that were found good hold.
        var seconds = ChainOfTrust.longest

        init(anchors: TrustAnchors, links: [Link: SignedAnswer], time: Int64, now: Instant) {
            self.anchors = anchors
            self.links = links
            self.time = time
            self.now = now
            check = SignatureCheck(time: UInt32(truncatingIfNeeded: time))
        }

        mutating func find(
            over set: SignedSet,
            of zone: CanonicalName,
            by keys: [SignatureCheck.Key]
        ) throws(Stop) -> SignedSet.Signature {
            do throws(Bogus) {
                let signature = try check.find(over: set, of: zone, by: keys)
                // RFC 4035 section 5.3.3.
                seconds = min(seconds, signature.expiration &- check.time, set.ttl, signature.originalTTL)
                return signature
            } catch {
                throw .bogus(error)
            }
        }

        /// The records by which a zone denies something. What another zone denies is not looked at, nor what a wildcard
        /// made: its own proof is no other name's.
        mutating func denials(
            among sets: [SignedSet],
            of zone: CanonicalName,
            by keys: [SignatureCheck.Key]
        ) throws(Stop) -> [SignedSet] {
            var proofs: [SignedSet] = []
            for set in sets where set.type == .nsec || set.type == .nsec3 {
                guard set.signatures.contains(where: { $0.signer == zone }) else { continue }
                let signature = try find(over: set, of: zone, by: keys)
                if set.expandedLabels(signature) == 0 { proofs.append(set) }
            }
            return proofs
        }
    }

    // MARK: - Answers

    private mutating func worth(of answer: SignedAnswer, _ judgement: inout Judgement) throws(Stop) -> Worth {
        var isSecure = true
        for set in answer.answers {
            if try !isSecured(set, answer, &judgement) { isSecure = false }
        }
        guard answer.isNegative else { return isSecure ? .secure(judgement.seconds) : .insecure }
        let end = CanonicalName(answer.end)
        guard let zone = answer.authority.first(where: { !$0.signatures.isEmpty })?.signatures.first?.signer,
            end.isWithin(zone)
        else {
            // A DS record is the parent's.
            let place = answer.type == .ds && !end.labels.isEmpty ? end.first(end.labels.count - 1) : end
            guard try trust(place, &judgement).keys == nil else { throw .bogus(.noDenial) }
            return .insecure
        }
        guard let (keys, apex) = try signer(zone, &judgement) else { return .insecure }
        for set in answer.authority where set.type == .soa { _ = try judgement.find(over: set, of: apex, by: keys) }
        let proofs = try judgement.denials(among: answer.authority, of: apex, by: keys)
        switch try denial(proofs, apex, answer, end) {
        case .proven: return isSecure ? .secure(judgement.seconds) : .insecure
        case .optedOut: return .insecure
        case .unproven: throw .bogus(.noDenial)
        }
    }

    private func denial(
        _ proofs: [SignedSet],
        _ zone: CanonicalName,
        _ answer: SignedAnswer,
        _ end: CanonicalName
    ) throws(Stop) -> DenialFinding {
        guard let denial = try Self.denial(proofs, of: zone) else { return .optedOut }
        return answer.code == .nxDomain ? denial.deniesName(end) : denial.deniesType(answer.type, of: end)
    }

    /// What a zone's records deny; nil where that costs so much that nobody looks at it.
    private static func denial(_ proofs: [SignedSet], of zone: CanonicalName) throws(Stop) -> (any Denial)? {
        if proofs.contains(where: { $0.type == .nsec }) { return PlainDenial(proofs, of: zone) }
        let denial = HashedDenial(proofs, of: zone)
        guard denial.iterations <= HashedDenial.bogusIterations else { throw .bogus(.noDenial) }
        return denial.iterations <= HashedDenial.insecureIterations ? denial : nil
    }

    /// - Returns: whether a set is signed; if not, it is proven that it need not be.
    private mutating func isSecured(
        _ set: SignedSet,
        _ answer: SignedAnswer,
        _ judgement: inout Judgement
    ) throws(Stop) -> Bool {
        guard let zone = set.signatures.first?.signer else {
            if set.isRedirected(by: answer.answers) { return true }
            let place =
                set.type == .ds && !set.owner.labels.isEmpty
                ? set.owner.first(set.owner.labels.count - 1) : set.owner
            guard try trust(place, &judgement).keys == nil else { throw .bogus(.noSignature) }
            return false
        }
        // A DS record is the parent's to sign (RFC 4035 section 3.1.4.1).
        guard set.owner.isWithin(zone), set.type != .ds || set.owner != zone else { throw .bogus(.signature) }
        guard let (keys, apex) = try signer(zone, &judgement) else { return false }
        let signature = try judgement.find(over: set, of: apex, by: keys)
        let expanded = set.expandedLabels(signature)
        guard expanded > 0 else { return true }
        // A wildcard's set is an answer only where there is no name closer (RFC 4035 section 5.3.4).
        let proofs = try judgement.denials(among: answer.authority, of: apex, by: keys)
        guard let denial = try Self.denial(proofs, of: apex) else { return false }
        switch denial.deniesCloser(set.owner, than: set.owner.first(set.owner.labels.count - expanded)) {
        case .proven: return true
        case .optedOut: return false
        case .unproven: throw .bogus(.noDenial)
        }
    }

    /// The keys of the zone that signs; nil where it is proven that it is not signed.
    private mutating func signer(
        _ zone: CanonicalName,
        _ judgement: inout Judgement
    ) throws(Stop) -> (keys: [SignatureCheck.Key], zone: CanonicalName)? {
        let (keys, apex) = try trust(zone, &judgement)
        guard let keys else { return nil }
        guard apex == zone else { throw .bogus(.noKey) }
        return (keys, apex)
    }

    // MARK: - Zones

    /// The keys of the zone that a name is in, from the root on; nil where a zone above is proven to be unsigned.
    private mutating func trust(
        _ name: CanonicalName,
        _ judgement: inout Judgement
    ) throws(Stop) -> (keys: [SignatureCheck.Key]?, zone: CanonicalName) {
        guard judgement.anchors.cover(name, at: judgement.time) else { return (nil, name) }
        var zone = CanonicalName.root
        var keys: [SignatureCheck.Key] = []
        for count in 0...name.labels.count {
            let place = name.first(count)
            switch try standing(of: place, in: zone, by: keys, &judgement) {
            case .inside: continue
            case .unsigned: return (nil, place)
            case .zone(let own): (keys, zone) = (own, place)
            }
        }
        return (keys, zone)
    }

    private mutating func standing(
        of place: CanonicalName,
        in zone: CanonicalName,
        by keys: [SignatureCheck.Key],
        _ judgement: inout Judgement
    ) throws(Stop) -> Standing {
        if let known = known[place], known.expires > judgement.now { return known.standing }
        let before = judgement.seconds
        judgement.seconds = Self.longest
        let standing = try find(place, in: zone, by: keys, &judgement)
        if known.count >= Self.limit { known = known.filter { $0.value.expires > judgement.now } }
        // Where all is in use, all is found anew.
        if known.count >= Self.limit { known = [:] }
        known[place] = Known(standing: standing, expires: judgement.now + .seconds(Int64(judgement.seconds)))
        judgement.seconds = min(before, judgement.seconds)
        return standing
    }

    private func find(
        _ place: CanonicalName,
        in zone: CanonicalName,
        by keys: [SignatureCheck.Key],
        _ judgement: inout Judgement
    ) throws(Stop) -> Standing {
        guard place != .root else { return try self.keys(of: place, judgement.anchors.root, &judgement) }
        let link = Link(name: place, type: .ds)
        guard let answer = judgement.links[link] else { throw .needs(link) }
        guard answer.code == .noError || answer.code == .nxDomain else { throw .bogus(.noKey) }
        if let set = answer.answers.first(where: { $0.type == .ds && $0.owner == place }) {
            _ = try judgement.find(over: set, of: zone, by: keys)
            let usable = set.data.filter { data in
                data.count > 4 && SignatureCheck.algorithms.contains(data[2]) && [1, 2, 4].contains(data[3])
            }
            // Signed in a way that nobody here can check (RFC 4035 section 5.2).
            guard !usable.isEmpty else { return .unsigned }
            // SHA-1 only where there is nothing else (RFC 4509 section 3).
            let strong = usable.filter { $0[3] != 1 }
            return try self.keys(of: place, strong.isEmpty ? usable : strong, &judgement)
        }
        // That nothing is there needs no proof: what is below is then to be signed by the zone above.
        judgement.seconds = min(judgement.seconds, 60)
        guard let proofs = try? judgement.denials(among: answer.authority, of: zone, by: keys), !proofs.isEmpty else {
            return .inside
        }
        guard let denial = try Self.denial(proofs, of: zone) else { return .unsigned }
        switch denial.deniesType(.ds, of: place) {
        case .proven: return denial.types(of: place)?.isDelegation == true ? .unsigned : .inside
        case .optedOut: return .unsigned
        case .unproven: return .inside
        }
    }

    /// The keys of a zone, of which one is its parent's to name.
    private func keys(
        of zone: CanonicalName,
        _ digests: [[UInt8]],
        _ judgement: inout Judgement
    ) throws(Stop) -> Standing {
        let link = Link(name: zone, type: .dnskey)
        guard let answer = judgement.links[link] else { throw .needs(link) }
        guard let set = answer.answers.first(where: { $0.type == .dnskey && $0.owner == zone }) else {
            throw .bogus(.noKey)
        }
        let keys = zip(set.records, set.data).compactMap { SignatureCheck.Key($0, $1) }
        let named = keys.filter { key in digests.contains { SignatureCheck.isDigest($0, of: key) } }
        guard !named.isEmpty else { throw .bogus(.noKey) }
        _ = try judgement.find(over: set, of: zone, by: named)
        return .zone(keys)
    }
}

/// An answer with its signatures.
struct SignedAnswer {
    let code: ResponseCode
    let type: RecordType
    /// Where the chain of aliases ends, or else the name that was asked for, uncompressed and lowered.
    let end: [UInt8]
    let answers: [SignedSet]
    let authority: [SignedSet]

    /// Whether nothing of the wanted type is there, and that is to be proven.
    let isNegative: Bool
}
