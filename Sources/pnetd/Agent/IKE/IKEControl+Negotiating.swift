// SPDX-License-Identifier: Apache-2.0

import Logging
import NetworkTypes
import PathHealth
import SystemIO
import Tunnel

/// What is negotiated and ended.
extension IKEControl {
    /// How long a negotiation may take: charon's first repetition comes after four seconds unless its file says otherwise.
    private static let patience = Duration.seconds(10)

    /// Begins a tunnel of which the kernel lacks something, once it is time.
    func resume(_ path: PathName) {
        let now = loop.now
        guard let tunnel = tunnels[path], tunnel.negotiation == nil, tunnel.due <= now else { return }
        // Not twice, whatever comes first.
        tunnels[path]?.due = now + .seconds(1)
        if tunnel.isAskedFor, tunnel.isListed { clear(path) { [weak self] in self?.begin(path) } } else { begin(path) }
    }

    /// A charon that came back knows nothing of what the kernel still has; there has to be somebody who renews the keys.
    func adopt(_ path: PathName) {
        guard let tunnel = tunnels[path], tunnel.isUnknown, tunnel.negotiation == nil, tunnel.due <= loop.now else {
            return
        }
        log.notice("\(path): charon does not know the tunnel that stands: it is given another")
        tunnels[path]?.isFoundOrphaned()
        begin(path)
    }

    /// Ends a tunnel and begins it again.
    func beginAnew(_ path: PathName, _ reason: String) {
        log.notice("\(path): the IPsec tunnel is begun anew: \(reason)")
        counts.renewals[path, default: 0] += 1
        tunnels[path]?.isToBeBegunAnew(now: loop.now)
        keepInMind(path)
        clear(path) { [weak self] in
            guard let self, let tunnel = tunnels[path], tunnel.negotiation == nil else { return }
            begin(path)
        }
    }

    /// Asks for a tunnel; where that was in vain, asks again and has charon say why. Its log of a negotiation costs one of
    /// its threads, and more than one at a time may lock up a charon before 5.9.11 (strongSwan #566).
    private func begin(_ path: PathName) {
        guard let charon, let tunnel = tunnels[path] else { return }
        let name = tunnel.wish.connection.name
        counts.negotiations[path, default: 0] += 1
        guard tunnel.isAskedFor else {
            tunnels[path]?.askedFor(now: loop.now)
            return charon.initiate(child: name, of: name) { _ in }
        }
        watch(path) { [weak self] in self?.ended(path, $0) }
    }

    private func watch(_ path: PathName, _ completion: @escaping (Result<Void, IKEFailure>) -> Void) {
        guard let charon, let wish = tunnels[path]?.wish else { return }
        tunnels[path]?.negotiation = charon.negotiate(
            child: wish.connection.name,
            of: wish.connection.name,
            within: Self.patience,
            ownCertificates: wish.certificates,
            hasPostQuantumKey: wish.connection.postQuantumKey != nil,
            completion
        )
    }

    /// Ends what is half done, which would stand in the way of another attempt, or what is to be begun anew.
    private func clear(_ path: PathName, then next: @escaping () -> Void) {
        guard let name = tunnels[path]?.wish.connection.name else { return }
        charon?.terminate(.connection(name), isForced: true) { _ in next() }
    }

    private func ended(_ path: PathName, _ result: Result<Void, IKEFailure>) {
        switch result {
        case .success: tunnels[path]?.ended(nil, now: loop.now)
        case .failure(let failure):
            counts.failures[path, default: 0] += 1
            if tunnels[path]?.failure != failure { log.warning("\(path): no IPsec tunnel: \(failure)") }
            tunnels[path]?.ended(failure, now: loop.now)
            // Not what the other end brought up meanwhile.
            if let tunnel = tunnels[path], !tunnel.stands, tunnel.isListed { clear(path) {} }
        }
        list(counts: false)
        onChange()
    }
}

/// Another tunnel in the place of one that stands, which goes when the other is there.
extension IKEControl {
    func replaceIfDue(_ path: PathName) {
        guard isConnected, let tunnel = tunnels[path], tunnel.isLoaded, tunnel.negotiation == nil,
            let replacement = tunnel.replacement, replacement.due <= loop.now
        else { return }
        // What charon has just been busy with since it was first asked is not known yet.
        guard tunnel.association != nil || tunnel.isUnknown else { return }
        // With nothing to lose there is nothing to wait for.
        guard tunnel.stands, !tunnel.isOrphaned else { return beginAnew(path, replacement.reason) }
        let wish = tunnel.wish
        tunnels[path]?.isBeingReplaced(until: loop.now + Self.patience)
        counts.negotiations[path, default: 0] += 1
        log.info("\(path): another IPsec tunnel is begun beside the one that stands: \(replacement.reason)")
        loadAnotherEdition(of: path, wish) { [weak self] in
            guard let self, tunnels[path]?.negotiation == nil else { return }
            watch(path) { [weak self] in self?.replaced(path, $0) }
        }
    }

    private func replaced(_ path: PathName, _ result: Result<Void, IKEFailure>) {
        switch result {
        case .success:
            log.notice("\(path): another IPsec tunnel took the place of the one before")
            counts.replacements[path, default: 0] += 1
            tunnels[path]?.isReplaced(now: loop.now)
            endHalfDone(path)
        case .failure(let failure):
            counts.failures[path, default: 0] += 1
            if tunnels[path]?.replacement?.failure != failure {
                log.warning("\(path): the IPsec tunnel stays as it was: \(failure)")
            }
            // To whom we would not give another we leave none.
            if failure.isDistrust {
                distrust(path, failure)
            } else {
                tunnels[path]?.isNotReplaced(failure, now: loop.now)
                endHalfDone(path)
            }
        }
        keepInMind(path)
        list(counts: false)
        onChange()
    }

    /// Ends a tunnel with an end that is not believed any more, also where it keeps silent when it is asked for proof.
    private func distrust(_ path: PathName, _ failure: IKEFailure) {
        log.error("\(path): the IPsec tunnel is ended: \(failure)")
        shown[path] = nil
        tunnels[path]?.negotiation?.cancel()
        tunnels[path]?.ended(failure, now: loop.now)
        clear(path) {}
    }

    /// What the other end showed may be on a list that came since.
    func endIfRevoked(_ path: PathName) {
        guard let certificate = shown[path], let tunnel = tunnels[path], tunnel.stands,
            tunnel.wish.revocationLists.contains(where: { $0.revokes(certificate) })
        else { return }
        distrust(path, .peerCertificateRevoked)
        keepInMind(path)
    }

    /// Ends what an attempt left that came to nothing, and leaves what stands.
    func endHalfDone(_ path: PathName) {
        guard let name = tunnels[path]?.wish.connection.name else { return }
        charon?.associations(of: name) { [weak self] result in
            guard let self, case .success(let all) = result, tunnels[path]?.negotiation == nil else { return }
            end(all.filter(\.isHalfDone))
        }
    }

    /// Ends what another tunnel took the place of.
    func endOlder(_ path: PathName) {
        end(tunnels[path]?.older ?? [])
    }

    private func end(_ associations: [IKEAssociation]) {
        for association in associations {
            charon?.terminate(.association(association.uniqueID), isForced: true) { _ in }
        }
    }
}
