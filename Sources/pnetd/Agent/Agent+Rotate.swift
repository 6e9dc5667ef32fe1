// SPDX-License-Identifier: Apache-2.0

import Configuration
import ControlAPI
import Logging
import NetworkTypes
import PathHealth
import SystemIO
import Tunnel

extension Agent {
    static let isRotating = "a private key is being rotated"

    /// Puts a path's prepared key in force, with its traffic on other paths, and watches whether the peers know it.
    func rotate(_ name: PathName, _ request: ControlRequest) -> RotateReport {
        let seconds = request.confirmWithinSeconds ?? 60
        let isForced = request.allowInterruption == true
        guard let path = site.paths.first(where: { $0.name == name }) else {
            return RotateReport(.refused, path: name, reason: "there is no such path")
        }
        if let objection = objection(toRotating: path, within: seconds, isForced: isForced) {
            log.error("\(name): its key is not rotated: \(objection)")
            return RotateReport(.refused, path: name, reason: objection)
        }
        let file = path.wireGuard?.privateKeyFile ?? ""
        let key: WireGuardSecretKey
        do throws(KeyFile.Fault) {
            key = try KeyFile.read(file + Rotation.suffix).clamped
        } catch {
            let remedy = error.remedy ?? "pnetctl rotate \(name) --prepare makes one"
            return RotateReport(
                .refused,
                path: name,
                reason: "\(error.description(of: file + Rotation.suffix)) (\(remedy))"
            )
        }
        guard key != path.wireGuard?.privateKey.clamped else {
            let reason = "the prepared key is the one that is in force (pnetctl rotate \(name) --cancel removes it)"
            return RotateReport(.refused, path: name, reason: reason)
        }
        begin(path, key, file, for: .milliseconds(Int64(seconds * 1e3)), isDrained: stranded(by: name).isEmpty)
        return RotateReport(.awaiting, path: name, meanwhile: waysOfNetworks(using: name))
    }

    /// Why a path's key cannot be rotated now, or not without harm that nobody has allowed.
    private func objection(toRotating path: PathConfiguration, within seconds: Double, isForced: Bool) -> String? {
        guard trial == nil else { return Self.isOnTrial }
        guard rotation == nil else { return Self.isRotating }
        guard drill == nil else { return Self.isDrilling }
        if let move = nameMove { return "the names of \(move.networksText) are moving with \(move.path)" }
        guard let tunnel = path.wireGuard else { return "it is no WireGuard path, and has no key" }
        guard let file = tunnel.privateKeyFile else {
            return "its key is a credential: give the service manager another one and restart pnetd"
        }
        if let other = site.paths.first(where: { $0.name != path.name && $0.wireGuard?.privateKeyFile == file }) {
            return "\(other.name) has the same key file: give each path one of its own"
        }
        guard reconciler.readDevice(on: path.interface) != nil else {
            return "interface \(path.interface) cannot be read"
        }
        let needed = probeInterval(path.name) * Int(Rotation.answersNeeded) + .seconds(1)
        guard (needed.inSeconds...86_400).contains(seconds) else {
            return "a rotation takes \(needed.shortText) to 1 day, since its targets are asked every "
                + probeInterval(path.name).shortText
        }
        guard !isForced else { return nil }
        let stranded = stranded(by: path.name).map(\.text).joined(separator: ", ")
        guard stranded.isEmpty else {
            return
                "\(stranded) would have no path meanwhile; --allow-interruption lets its traffic wait for a handshake"
        }
        return translatedFlowsObjection(to: path.name)
    }

    /// How often a path's targets are asked while they answer, at the least.
    private func probeInterval(_ path: PathName) -> Duration {
        site.policies.filter { $0.paths.contains(path) }.map { $0.promise(for: path).longestInterval }.max() ?? .zero
    }

    /// Networks whose traffic goes by a path and has no other to go by.
    func stranded(by path: PathName) -> [NetworkName] {
        core.report.filter { network in
            network.decision.outcome.carriers.contains(path)
                && !network.paths.contains { $0.path != path && $0.verdict.isUsable }
        }.map(\.decision.network)
    }

    /// Where the traffic goes of the networks that may use a path, a line a network.
    func waysOfNetworks(using path: PathName) -> [String] {
        core.report.filter { $0.paths.contains { $0.path == path } }.map { network in
            let carriers = network.decision.outcome.carriers
            return "\(network.decision.network) by \(carriers.isEmpty ? "no path" : carriers.together)"
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
        rotation = Rotation(
            path: path.name,
            key: key,
            keyFile: file,
            networks: core.answered(through: path.name),
            peers: freshPeers(of: path),
            stage: .draining(until: isDrained ? loop.now + Rotation.drainTime : loop.now),
            limit: limit
        )
        log.notice("\(path.name): its private key is rotated", metadata: ["seconds": "\(time.inSeconds)"])
        if isDrained { observe(.drained(path.name, .keyRotation)) }
        publish(nil)
        watchRotation()
    }

    /// The peers that have a session: those under a key that they go by no more have none.
    private func freshPeers(of path: PathConfiguration) -> Set<WireGuardPublicKey> {
        let peers = reconciler.device(on: path.interface)?.peers ?? []
        let fresh = peers.filter { peer in
            let seen = endpoints.handshakes[EndpointBook.Peer(path: path.name, key: peer.publicKey)]?.seen
            let isOld = seen.map { loop.now - $0 > EndpointWork.longestSession } ?? false
            return handshakeAge(peer).map { !isOld && .seconds($0) < EndpointWork.longestSession } ?? false
        }
        return Set(fresh.filter { !$0.allowedIPs.isEmpty }.map(\.publicKey))
    }

    private func watchRotation() {
        loop.schedule(after: Rotation.interval) { [weak self] in
            guard let self, let rotation, !isEnding else { return }
            // A path that an operator took out carries nothing in any case.
            let isStranded =
                !isDrained(rotation.path)
                && core.report.contains { network in
                    network.paths.contains { $0.path == rotation.path && $0.verdict == .drained }
                        && network.decision.outcome.path == nil
                }
            if isStranded {
                guard rotation.isInForce else { return endRotation("the other paths failed meanwhile") }
                // Better a path that may work than none at all.
                tellWhetherDrained(rotation.path)
            }
            advance(rotation)
            if self.rotation != nil { watchRotation() }
        }
    }

    private func advance(_ rotation: Rotation) {
        guard let path = site.paths.first(where: { $0.name == rotation.path }) else {
            return endRotation("the path is gone")
        }
        let answers = probes?.answered[path.name] ?? 0
        switch rotation.stage {
        case .draining(let until):
            guard loop.now >= until else { return }
            // The last moment: what changes from here on was done with the new key.
            self.rotation?.handshakes = handshakes(of: path)
            self.rotation?.stage = .awaitingHandshake
            reconcile()
        case .awaitingHandshake:
            let known = Set(handshakes(of: path).filter { rotation.handshakes[$0.key] != $0.value }.keys)
            guard !known.isEmpty, known.isSuperset(of: rotation.peers) else { return }
            self.rotation?.stage = .awaitingAnswers(answers + Rotation.answersNeeded)
        case .awaitingAnswers(let count):
            let isReached = core.answered(through: path.name).isSuperset(of: rotation.networks)
            guard rotation.networks.isEmpty || answers >= count && isReached else { return }
            verified(rotation)
        case .verified: break
        }
    }

    private func handshakes(of path: PathConfiguration) -> [WireGuardPublicKey: Int64] {
        let peers = reconciler.readDevice(on: path.interface)?.peers ?? []
        return Dictionary(
            peers.compactMap { peer in peer.lastHandshake.map { (peer.publicKey, $0) } },
            uniquingKeysWith: { first, _ in first }
        )
    }

    private func verified(_ rotation: Rotation) {
        loop.cancel(rotation.limit)
        self.rotation?.stage = .verified
        self.rotation?.limit = loop.schedule(after: Rotation.keepTime) { [weak self] in
            self?.endRotation("the new key works, but was not put in its file")
        }
        control?.tell(RotateReport(.verified, path: rotation.path, meanwhile: waysOfNetworks(using: rotation.path)))
    }

    /// Keeps the new key, which the file holds by now.
    func keep(_ path: PathName) -> RotateReport {
        guard let rotation, rotation.path == path else {
            return RotateReport(.refused, path: path, reason: "no key of this path waits to be kept")
        }
        guard rotation.stage == .verified else { return RotateReport(.refused, path: path, reason: rotation.text) }
        guard keepIfInFile(rotation) else {
            return RotateReport(.refused, path: path, reason: "\(rotation.keyFile) does not hold it")
        }
        let report = RotateReport(.kept, path: path)
        control?.conclude(report)
        return report
    }

    private func keepIfInFile(_ rotation: Rotation) -> Bool {
        guard let key = try? KeyFile.read(rotation.keyFile), key.clamped == rotation.key else { return false }
        finish(rotation, .kept)
        inForce = inForce.replacingPrivateKey(of: rotation.path, with: key)
        log.notice("\(rotation.path): the new private key is kept")
        tellWhetherDrained(rotation.path)
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
        loop.schedule(after: max(.seconds(2), probeInterval(rotation.path) * 4)) { [weak self] in
            guard let self, self.rotation?.path != rotation.path else { return }
            tellWhetherDrained(rotation.path)
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
        desired.paths[place].wireGuard?.privateKey = rotation.key
        return desired
    }

    /// What is to be known of rotations, at this end and at others.
    var rotationWarnings: [String] {
        let own = rotation.map { ["\($0.path): its private key is being rotated: \($0.text)"] } ?? []
        return own
            + heirs.map(\.self).sorted { ($0.path, $0.name) < ($1.path, $1.name) }.map {
                "\($0.path): the peer \($0.name) goes by its next-public-key: make that its public-key"
            }
    }
}
