// SPDX-License-Identifier: Apache-2.0

import Configuration
import ControlAPI
import Logging
import NetworkTypes
import PathHealth
import SystemIO
import Tunnel

/// A path's private key that is in force to see whether the other end knows it. The file holds the old one meanwhile:
/// whatever happens, the next agent goes by the file.
struct Rotation {
    enum Stage: Equatable {
        /// Traffic was led elsewhere; what is under way arrives.
        case draining(until: Instant)
        case awaitingHandshake
        /// Probes are to be answered under the new key, so many in all.
        case awaitingAnswers(UInt64)
        case verified
    }

    enum End: String, CaseIterable {
        case kept
        case rolledBack
    }

    let path: PathName
    let key: WireGuardSecretKey
    let keyFile: String
    /// When the peers that have to know the key shook hands last: all that were there before.
    let handshakes: [WireGuardPublicKey: Int64]
    var stage: Stage
    let limit: EventLoop.TimerID

    /// Whether the interface has the new key.
    var isInForce: Bool { if case .draining = stage { false } else { true } }

    /// What is being waited for, in words.
    var text: String {
        switch stage {
        case .draining: "its traffic is led elsewhere"
        case .awaitingHandshake: "the peers have not shaken hands with the new key"
        case .awaitingAnswers: "targets have not answered through it under the new key"
        case .verified: "the new key works and has to be kept"
        }
    }

    /// For packets that are under way, before their session ends.
    static let drainTime = Duration.milliseconds(500)
    /// After how long a path that got its old key back is judged by its probes again.
    static let recovery = Duration.seconds(2)
    static let interval = Duration.milliseconds(100)
    /// How many answers show that a path carries traffic.
    static let answersNeeded: UInt64 = 3
    /// The end of the name of a prepared key's file.
    static let suffix = ".next"
}

extension Agent {
    static let isRotating = "a private key is being rotated"

    /// Puts a path's prepared key in force, with its traffic on other paths, and watches whether the peers know it.
    func rotate(_ name: PathName, _ request: ControlRequest) -> RotateReport {
        func refuse(_ reason: String) -> RotateReport {
            log.error("\(name): its key is not rotated: \(reason)")
            return RotateReport(.refused, path: name, reason: reason)
        }
        guard let path = site.paths.first(where: { $0.name == name }) else { return refuse("there is no such path") }
        guard trial == nil else { return refuse(Self.isOnTrial) }
        guard rotation == nil else { return refuse(Self.isRotating) }
        guard let file = path.privateKeyFile else {
            return refuse("its key is a credential: give the service manager another one and restart pnetd")
        }
        let key: WireGuardSecretKey
        do throws(KeyFile.Fault) {
            key = try KeyFile.read(file + Rotation.suffix).clamped
        } catch {
            let remedy = error.remedy ?? "pnetctl rotate \(name) --prepare makes one"
            return refuse("\(error.description(of: file + Rotation.suffix)) (\(remedy))")
        }
        guard key != path.privateKey.clamped else { return refuse("the prepared key is the one that is in force") }
        let seconds = request.confirmWithinSeconds ?? 60
        guard (1...86_400).contains(seconds) else { return refuse("a rotation takes 1 second to 1 day") }
        let stranded = stranded(by: name)
        guard stranded.isEmpty || request.allowInterruption == true else {
            return refuse(
                "\(stranded.map(\.text).joined(separator: ", ")) would have no path meanwhile; --allow-interruption lets "
                    + "its traffic wait for a handshake"
            )
        }
        begin(path, key, file, for: .milliseconds(Int64(seconds * 1e3)), isDrained: stranded.isEmpty)
        return RotateReport(.awaiting, path: name, meanwhile: meanwhile(name))
    }

    /// Networks whose traffic goes by a path and has no other to go by.
    private func stranded(by path: PathName) -> [NetworkName] {
        core.report.filter { network in
            network.decision.outcome.path == path
                && !network.paths.contains { $0.path != path && $0.verdict.isUsable }
        }.map(\.decision.network)
    }

    private func meanwhile(_ path: PathName) -> [String] {
        core.report.filter { $0.paths.contains { $0.path == path } }.map { network in
            "\(network.decision.network) by \(network.decision.outcome.path?.text ?? "no path")"
        }
    }

    private func begin(
        _ path: PathConfiguration,
        _ key: WireGuardSecretKey,
        _ file: String,
        for time: Duration,
        isDrained: Bool
    ) {
        let limit = loop.schedule(after: time) { [weak self] in
            guard let self, let rotation else { return }
            endRotation("\(rotation.text), after \(time.shortText)")
        }
        let peers = reconciler.device(on: path.interface)?.peers ?? []
        let fresh = peers.filter { peer in
            let seen = endpoints.handshakes[EndpointBook.Peer(path: path.name, key: peer.publicKey)]?.seen
            let isOld = seen.map { loop.now - $0 > EndpointWork.longestSession } ?? false
            return handshakeAge(peer).map { !isOld && .seconds($0) < EndpointWork.longestSession } ?? false
        }
        rotation = Rotation(
            path: path.name,
            key: key,
            keyFile: file,
            handshakes: Dictionary(
                fresh.map { ($0.publicKey, $0.lastHandshake ?? 0) },
                uniquingKeysWith: { first, _ in first }
            ),
            stage: .draining(until: isDrained ? loop.now + Rotation.drainTime : loop.now),
            limit: limit
        )
        log.notice("\(path.name): its private key is rotated", metadata: ["seconds": "\(time.inSeconds)"])
        if isDrained { observe(.drained(path.name, .keyRotation)) }
        publish(nil)
        watchRotation()
    }

    private func watchRotation() {
        loop.schedule(after: Rotation.interval) { [weak self] in
            guard let self, let rotation, !isEnding else { return }
            // Better an interruption by a path that may work than none at all.
            let isStranded = core.report.contains { network in
                network.paths.contains { $0.path == rotation.path && $0.verdict == .drained }
                    && network.decision.outcome.path == nil
            }
            if isStranded { observe(.drained(rotation.path, nil)) }
            advance(rotation)
            if self.rotation?.stage != .verified { watchRotation() }
        }
    }

    private func advance(_ rotation: Rotation) {
        guard let path = site.paths.first(where: { $0.name == rotation.path }) else {
            return endRotation("the path is gone")
        }
        let answers = { [unowned self] in probes?.answered[path.name] ?? 0 }
        switch rotation.stage {
        case .draining(let until):
            guard loop.now >= until else { return }
            self.rotation?.stage = .awaitingHandshake
            reconcile()
        case .awaitingHandshake:
            let peers = reconciler.readDevice(on: path.interface)?.peers ?? []
            let known = Set(
                peers.filter { $0.lastHandshake != nil && $0.lastHandshake != rotation.handshakes[$0.publicKey] }
                    .map(\.publicKey)
            )
            guard !known.isEmpty, known.isSuperset(of: rotation.handshakes.keys) else { return }
            self.rotation?.stage = .awaitingAnswers(answers() + Rotation.answersNeeded)
        case .awaitingAnswers(let count):
            let isProbed = site.networks.contains { $0.paths.contains(path.name) }
            guard !isProbed || answers() >= count && core.isAnswered(through: path.name) else { return }
            self.rotation?.stage = .verified
            control?.tell(RotateReport(.verified, path: path.name, meanwhile: meanwhile(path.name)))
        case .verified: break
        }
    }

    /// Keeps the new key, which the file holds by now.
    func keep(_ path: PathName) -> RotateReport {
        guard let rotation, rotation.path == path else {
            return RotateReport(.refused, path: path, reason: "no key of this path waits to be kept")
        }
        guard rotation.stage == .verified else {
            return RotateReport(.refused, path: rotation.path, reason: rotation.text)
        }
        guard keepIfInFile(rotation) else {
            return RotateReport(.refused, path: rotation.path, reason: "\(rotation.keyFile) does not hold it")
        }
        let report = RotateReport(.kept, path: rotation.path)
        control?.conclude(report)
        return report
    }

    private func keepIfInFile(_ rotation: Rotation) -> Bool {
        guard (try? KeyFile.read(rotation.keyFile))?.clamped == rotation.key,
            let again = try? Configuration.read(inForce.text, file: file)
        else { return false }
        finish(rotation, .kept)
        inForce = again
        log.notice("\(rotation.path): the new private key is kept")
        observe(.drained(rotation.path, nil))
        scheduleReconcile(after: .zero)
        publish(nil)
        return true
    }

    /// Brings the old key back, unless the file holds the new one already.
    func endRotation(_ reason: String) {
        guard let rotation, !(rotation.stage == .verified && keepIfInFile(rotation)) else { return }
        finish(rotation, .rolledBack)
        log.error("\(rotation.path): the old private key is in force again: \(reason)")
        reconcile()
        // By then its probes know whether it carries anything under the old key.
        loop.schedule(after: Rotation.recovery) { [weak self] in
            guard let self, self.rotation?.path != rotation.path else { return }
            observe(.drained(rotation.path, nil))
        }
        control?.conclude(RotateReport(.rolledBack, path: rotation.path, reason: reason))
        publish(nil)
    }

    private func finish(_ rotation: Rotation, _ end: Rotation.End) {
        loop.cancel(rotation.limit)
        self.rotation = nil
        counters.rotations[end, default: 0] += 1
    }

    /// The wish with the key that is on trial.
    func rotated(_ desired: Desired) -> Desired {
        guard let rotation, rotation.isInForce,
            let place = desired.paths.firstIndex(where: { $0.name == rotation.path })
        else { return desired }
        var desired = desired
        desired.paths[place].wireGuard.privateKey = rotation.key
        return desired
    }

    /// What is to be known of rotations, at this end and at others.
    var rotationWarnings: [String] {
        let own = rotation.map { ["\($0.path): its private key is being rotated: \($0.text)"] } ?? []
        let others = site.paths.flatMap { path in
            path.peers.filter { heirs.contains($0.publicKey) }.map {
                "\(path.name): the peer \($0.publicKey) goes by its next-public-key: make that its public-key"
            }
        }
        return own + others
    }
}

// MARK: - The other end's keys

extension Agent {
    /// Looks which of its two keys each peer goes by: the one that it shook hands with last. What the peer may send
    /// and is sent moves there.
    func watchHeirs() {
        var found: Set<WireGuardPublicKey> = []
        for path in site.paths where path.peers.contains(where: { $0.nextPublicKey != nil }) {
            let peers = reconciler.readDevice(on: path.interface)?.peers ?? []
            let handshakes = Dictionary(peers.map { ($0.publicKey, $0.lastHandshake ?? 0) }) { first, _ in first }
            for peer in path.peers {
                guard let next = peer.nextPublicKey else { continue }
                let (old, new) = (handshakes[peer.publicKey] ?? 0, handshakes[next] ?? 0)
                let stays = heirs.contains(peer.publicKey) && old == new
                if new > old || stays { found.insert(peer.publicKey) }
            }
        }
        guard found != heirs else { return }
        for key in found.symmetricDifference(heirs) {
            log.notice(
                "a peer goes by \(found.contains(key) ? "its next key" : "its first key again")",
                metadata: ["peer": "\(key)"]
            )
        }
        heirs = found
        scheduleReconcile(after: .zero)
        publish(nil)
    }
}
