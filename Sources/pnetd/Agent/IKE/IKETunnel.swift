// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import Tunnel

/// One IPsec path, as charon was told of it and as it stands with the other end.
struct IKETunnel {
    /// What charon is to have.
    private(set) var wish: IKEWish
    /// Whether it has that.
    var isLoaded = false
    /// Whether that is being seen to.
    var isLoading = false
    /// Why charon did not take it, in words.
    var refusal: String?
    /// charon's name for our private key, once it has it.
    var keyName: String?
    /// The IKE_SA as last listed.
    private(set) var association: IKEAssociation?
    /// The IKE_SAs that carry, as last listed.
    private var standing: Set<UInt32> = []
    /// IKE_SAs that a newer one took the place of.
    private(set) var older: [IKEAssociation] = []
    /// Whether charon was asked for it, and nobody watches what comes of that.
    private(set) var isAskedFor = false
    /// The attempt under way that is watched.
    var negotiation: IKENegotiation?
    /// Why the last attempt failed; nil once one succeeded, or the kernel has what it needs.
    private(set) var failure: IKEFailure?
    /// Whether the charon that built it went away, and none was seen to keep it since.
    private(set) var isOrphaned = false
    /// That another one is to take the place of what stands.
    private(set) var replacement: Replacement?
    /// When both ends proved themselves last, as far as this run knows.
    private(set) var provenAt: Instant?
    /// Before this none is begun, and nothing is loaded once more.
    var due: Instant
    /// Whether keys changed since what stands was proven by others.
    var hasOtherSecrets = false

    /// Attempts in a row that did not come to anything.
    private var failures = 0
    /// How often in a row, about a second apart, charon did not list any.
    private var unseen = 0
    /// For how many lists more, about a second apart, what is older than the newest is to go.
    private var settling = 0
    /// The IKE_SAs that stood when the last replacement was begun. What the other end begins meanwhile stays: each end would
    /// end the other's.
    private var predecessors: Set<UInt32> = []
    /// Which percentage of the time passes before both ends prove anew who they are: not both at the same moment.
    private var haste = Int.random(in: 90...100)
    /// The SPIs of all children that charon last listed.
    private var known: Set<UInt32> = []
    /// How often in a row the kernel had an SPI that charon did not list, by the SPI.
    private var strangers: [UInt32: Int] = [:]
    /// Since when the kernel has had all and nothing came across all the same.
    private var deadSince: Instant?
    /// How often it was begun anew for that, in a row, and until when it is left alone now.
    private var renewals = 0
    private var restUntil: Instant?

    private static let firstPause = Duration.seconds(1)
    private static let longestPause = Duration.seconds(30)
    /// The first time that one is left alone which was begun anew in vain; it doubles.
    private static let firstRest = Duration.seconds(15)
    /// So long an established tunnel through which nothing comes is left alone before it is begun anew.
    private static let deadTime = Duration.seconds(3)
    /// So long after it was asked for it is asked for again, and watched.
    private static let firstWatch = Duration.seconds(2)
    /// charon leaves out what it is busy with: once is no proof.
    private static let proof = 3
    /// What charon has just put into the kernel it may list a little later.
    private static let strangerProof = 10
    /// The same of an IKE_SA.
    private static let settlingTime = 10

    init(_ wish: IKEWish, now: Instant) {
        self.wish = wish
        due = now
    }

    /// Charon is to have something else of the same path.
    mutating func take(_ wish: IKEWish, now: Instant) {
        negotiation?.cancel()
        hasOtherSecrets = hasOtherSecrets || self.wish.secrets != wish.secrets
        self.wish = wish
        (negotiation, refusal, keyName, replacement) = (nil, nil, nil, nil)
        (isLoaded, isLoading, isAskedFor) = (false, false, false)
        (failure, failures, due) = (nil, 0, now)
    }

    /// Whether charon knows of no tunnel, for certain.
    var isUnknown: Bool { unseen >= Self.proof }

    /// Whether charon listed one last. What it does not list it is busy with, or does not have; a command about the former
    /// waits for that, and all others behind it: as long as it asks a responder that does not answer.
    var isListed: Bool { unseen == 0 }

    /// Whether a tunnel stands, as charon last had it.
    var stands: Bool { association?.carries ?? false }

    /// charon went away, and knows nothing when it comes back.
    mutating func letGo(now: Instant) {
        negotiation?.cancel()
        isOrphaned = isOrphaned || stands
        (negotiation, association, keyName, unseen) = (nil, nil, nil, 0)
        (isLoaded, isLoading, isAskedFor) = (false, false, false)
        (known, strangers, older, predecessors) = ([], [:], [], [])
        (refusal, failures, due) = (nil, 0, now)
    }

    /// charon listed these IKE_SAs of the tunnel's.
    ///
    /// - Parameter counts: whether this is one of the lists that come once a second.
    mutating func listed(_ found: [IKEAssociation], counts: Bool) {
        if counts { (unseen, settling) = (found.isEmpty ? unseen + 1 : 0, max(0, settling - 1)) }
        if !found.isEmpty || isUnknown {
            association = found.max { ($0.worth, $0.uniqueID) < ($1.worth, $1.uniqueID) }
            known = Set(found.flatMap(\.children).flatMap { [$0.inbound.spi, $0.outbound.spi] })
        }
        if stands { isOrphaned = false }
        standing = Set(found.filter(\.carries).map(\.uniqueID))
        let replaced = settling > 0 ? predecessors : []
        older = found.filter { replaced.contains($0.uniqueID) && $0.uniqueID != association?.uniqueID }
    }

    /// What the kernel has that charon, which has a tunnel, did not list for long: an earlier charon left it.
    mutating func leftovers(in facts: SecurityFacts) -> [SecurityAssociation] {
        guard stands, unseen == 0 else {
            strangers = [:]
            return []
        }
        let unknown = facts.associations.filter { !known.contains($0.spi) }
        strangers = Dictionary(unknown.map { ($0.spi, (strangers[$0.spi] ?? 0) + 1) }) { first, _ in first }
        return unknown.filter { (strangers[$0.spi] ?? 0) >= Self.strangerProof }
    }

    /// charon was asked for it. Most often that is all that it takes.
    mutating func askedFor(now: Instant) {
        isAskedFor = true
        due = now + Self.firstWatch
    }

    /// An attempt was in vain; without a failure, both ends agreed and the kernel has nothing of it all the same.
    mutating func ended(_ failure: IKEFailure?, now: Instant) {
        (negotiation, replacement) = (nil, nil)
        isAskedFor = true
        self.failure = failure
        failures += 1
        due = now + min(Self.longestPause, Self.firstPause * (1 << min(failures - 1, 5)))
    }

    /// The kernel has what it needs.
    mutating func isComplete() {
        guard negotiation == nil else { return }
        (failure, failures, isAskedFor) = (nil, 0, false)
    }

    /// The kernel lacks something. Whatever comes next is of the terms that are loaded.
    mutating func isIncomplete() {
        (deadSince, replacement, provenAt, hasOtherSecrets) = (nil, nil, nil, false)
    }

    /// Something comes through it.
    mutating func lives(now: Instant) {
        (deadSince, renewals, restUntil) = (nil, 0, nil)
        let since = provenAt ?? now
        provenAt = since
        guard let time = wish.reauthentication, now - since >= time * haste / 100, replacement == nil else { return }
        replacement = Replacement(reason: "both ends prove anew who they are", isForTerms: false, due: now)
    }

    /// Nothing comes through it; true where it is to be begun anew. That may not be its fault: it is tried less and less
    /// often.
    mutating func isDead(now: Instant) -> Bool {
        guard negotiation == nil else { return false }
        let since = deadSince ?? now
        deadSince = since
        guard now - since >= Self.deadTime, restUntil.map({ $0 <= now }) ?? true else { return false }
        deadSince = nil
        restUntil = now + Self.firstRest * (1 << min(renewals, 5))
        renewals += 1
        return true
    }

    /// It is about to be begun once more, whatever it was before.
    mutating func isToBeBegunAnew(now: Instant) {
        (isAskedFor, replacement) = (false, nil)
        due = now + Self.firstWatch
    }

    /// Nobody keeps the tunnel that stands.
    mutating func isFoundOrphaned() { (isOrphaned, unseen) = (true, 0) }
}

/// Another tunnel in its place.
extension IKETunnel {
    /// That another tunnel is to take the place of the one that stands.
    struct Replacement {
        /// Why, in words.
        let reason: String
        /// Whether what stands is of earlier terms.
        let isForTerms: Bool
        /// Not before this.
        fileprivate(set) var due: Instant
        /// Why the last attempt failed.
        fileprivate(set) var failure: IKEFailure?
        fileprivate var failures = 0

        fileprivate init(reason: String, isForTerms: Bool, due: Instant) {
            (self.reason, self.isForTerms, self.due) = (reason, isForTerms, due)
        }
    }

    private static let firstAnotherPause = Duration.seconds(10)
    private static let longestAnotherPause = Duration.seconds(600)

    /// What stands is of earlier terms.
    mutating func isToBeReplaced(_ reason: String, now: Instant) {
        replacement = Replacement(reason: reason, isForTerms: true, due: now)
    }

    mutating func isBeingReplaced(until end: Instant) {
        replacement?.due = end
        predecessors = standing
    }

    mutating func isReplaced(now: Instant) {
        (negotiation, replacement) = (nil, nil)
        (settling, provenAt, hasOtherSecrets) = (Self.settlingTime, now, false)
        haste = .random(in: 90...100)
    }

    mutating func isNotReplaced(_ failure: IKEFailure, now: Instant) {
        negotiation = nil
        guard var next = replacement else { return }
        next.failure = failure
        next.due = now + min(Self.longestAnotherPause, Self.firstAnotherPause * (1 << min(next.failures, 6)))
        next.failures += 1
        replacement = next
    }
}

extension IKEAssociation {
    /// Whether it has a CHILD_SA in the kernel, be it about to be renewed.
    var carries: Bool {
        children.contains { [.installed, .rekeying, .rekeyed, .updating].contains($0.state) }
    }

    /// Whether this end began it, and nothing came of that yet.
    var isHalfDone: Bool { isInitiator && (state == .created || state == .connecting) }

    /// Of several with one name, how much one is to be believed: one that carries more than one that is begun.
    fileprivate var worth: Int { carries ? 2 : state == .established ? 1 : 0 }
}
