// SPDX-License-Identifier: Apache-2.0

import Logging
import NetworkTypes
import PathHealth
import SystemIO
import Tunnel

/// Has charon keep the tunnels of the IPsec paths: tells it of them and of nothing else, begins negotiations while the
/// kernel lacks associations, ends what is dead, and puts another tunnel in the place of one whose terms changed.
///
/// What stands stays: a tunnel that an earlier run left, and whose connection is the same, is not touched.
final class IKEControl {
    let loop: EventLoop
    let log: Logger
    private let onConnect: () -> Void
    let onChange: () -> Void
    var charon: Charon?
    var tunnels: [PathName: IKETunnel] = [:]
    /// The IPsec paths of the file.
    private var paths: Set<PathName> = []
    /// The connections as they were loaded last, by their names: charon does not tell all of them.
    var loaded: [String: LoadedTerms]
    /// Names of connections and keys that the file has no more, to be taken out.
    var leftovers: Set<String> = []
    /// Why charon is not there, and since when; nil while it is.
    private(set) var absence: (error: VICIError, since: Instant)?
    private(set) var version: CharonVersion?
    /// What other ends showed, by the path.
    var shown: [PathName: CertificateFacts] = [:]
    /// The IKE_SAs for which that was looked up.
    private var shownIn: [PathName: UInt32] = [:]
    var counts = Counts()

    /// For metrics.
    struct Counts {
        var negotiations: [PathName: UInt64] = [:]
        var failures: [PathName: UInt64] = [:]
        var renewals: [PathName: UInt64] = [:]
        var replacements: [PathName: UInt64] = [:]
        var losses: UInt64 = 0
    }

    /// - Parameters:
    ///   - loaded: the connections as an earlier run loaded them.
    ///   - onConnect: called when charon answers, before it is told anything: what it has decides what it is to have.
    ///   - onChange: called when something is otherwise than before.
    init(
        on loop: EventLoop,
        log: Logger,
        loaded: [String: LoadedTerms],
        onConnect: @escaping () -> Void,
        onChange: @escaping () -> Void
    ) {
        self.loop = loop
        self.log = log
        self.loaded = loaded
        self.onConnect = onConnect
        self.onChange = onChange
    }

    /// Whether charon takes commands.
    var isConnected: Bool { charon?.isConnected ?? false }

    /// What the charon has that answered last.
    var keyExchanges: CharonKeyExchanges { charon?.keyExchanges ?? CharonKeyExchanges() }

    /// Has charon have none of our tunnels any more; false where it cannot be told.
    func takeDown() -> Bool {
        guard !tunnels.isEmpty || !loaded.isEmpty else { return true }
        let all = tunnels.values
        tunnels = [:]
        for tunnel in all { leave(tunnel) }
        guard isConnected else {
            // Nothing stays with one that is gone.
            if case .absent = absence?.error { return true }
            return false
        }
        load()
        return true
    }

    /// Has charon have these tunnels and no others of ours. What is in the file and has no wish just now, since an address
    /// is not known, stays as it is.
    ///
    /// - Parameter paths: the IPsec paths of the file.
    func follow(_ wishes: [PathName: IKEWish], of paths: Set<PathName>, socket: String) {
        self.paths = paths
        for (path, tunnel) in tunnels where !paths.contains(path) {
            (tunnels[path], shown[path]) = (nil, nil)
            leave(tunnel)
        }
        for (path, wish) in wishes {
            leftovers.remove(wish.connection.name)
            guard let before = tunnels[path] else {
                tunnels[path] = IKETunnel(wish, now: loop.now)
                continue
            }
            guard before.wish != wish else { continue }
            tunnels[path]?.take(wish, now: loop.now)
            if before.wish.secrets != wish.secrets { unloadSecrets(of: before) }
            if before.negotiation != nil { endHalfDone(path) }
        }
        if charon == nil, !wishes.isEmpty || !loaded.isEmpty {
            let charon = Charon(path: socket, on: loop) { [weak self] in self?.take($0) }
            self.charon = charon
            charon.start()
        }
        if isConnected { load() }
    }

    private func leave(_ tunnel: IKETunnel) {
        tunnel.negotiation?.cancel()
        unloadSecrets(of: tunnel)
        leftovers.insert(tunnel.wish.connection.name)
    }

    /// A key that another path uses as well is one key for charon, and stays.
    private func unloadSecrets(of tunnel: IKETunnel) {
        let isShared = tunnels.values.contains { $0.keyName == tunnel.keyName }
        charon?.unload(tunnel.wish.secrets, of: tunnel.wish.connection.name, keyName: isShared ? nil : tunnel.keyName)
    }

    private func take(_ report: Charon.Report) {
        switch report {
        case .connected(let version, let lacks):
            (absence, self.version) = (nil, version)
            log.notice("\(version.daemon) \(version.version) keeps the IPsec tunnels", metadata: ["lacks": "\(lacks)"])
            for path in tunnels.keys { tunnels[path]?.isLoaded = false }
            onConnect()
            findLeftovers()
            load()
        case .lost(let error):
            if absence == nil { counts.losses += 1 }
            absence = (error, absence?.since ?? loop.now)
            for path in tunnels.keys {
                tunnels[path]?.letGo(now: loop.now)
            }
            log.error("\(error)")
        case .event: list(counts: false)
        }
        onChange()
    }

    /// Looks for what an earlier run, with another file, had charon have.
    private func findLeftovers() {
        charon?.connectionNames { [weak self] result in
            guard let self, case .success(let names) = result else { return }
            let wanted = Set(paths.map(IKEWish.name))
            leftovers.formUnion((IKEWish.names?.ours(among: names) ?? []).filter { !wanted.contains($0) })
            load()
        }
    }

    /// Reads what stands.
    ///
    /// - Parameter counts: whether what is not listed counts: charon leaves out what it is busy with, as with what an event
    ///   is about.
    func list(counts: Bool) {
        charon?.associations { [weak self] result in
            guard let self, case .success(let all) = result else { return }
            for (path, tunnel) in tunnels {
                tunnels[path]?.listed(all.filter { $0.name == tunnel.wish.connection.name }, counts: counts)
                endOlder(path)
                replaceIfDue(path)
            }
            findShown()
            onChange()
        }
    }

    /// Looks for what the other ends showed, which charon keeps.
    private func findShown() {
        let proven = tunnels.filter { $0.value.stands && !$0.value.wish.certificates.isEmpty }
        let standing = proven.compactMapValues { $0.association?.uniqueID }
        guard standing != shownIn else { return }
        shownIn = standing
        charon?.certificates { [weak self] result in
            guard let self, case .success(let all) = result else { return }
            let known = all.filter { $0.type == "X509" }.compactMap { try? CertificateFacts($0.octets) }
            for path in standing.keys {
                guard let identity = tunnels[path]?.association?.remote.identity else { continue }
                // Of several of one identity the one that charon takes is not told; most often it is the newest.
                shown[path] = known.filter { $0.isKnown(as: identity) }.max { $0.notBefore < $1.notBefore }
            }
            for path in standing.keys { endIfRevoked(path) }
        }
    }

    /// What probes say of a path whose interface and underlay are well.
    enum Pulse {
        case lives
        case dead
    }

    /// Looks at the tunnels, once a second.
    ///
    /// - Parameters:
    ///   - facts: what the kernel has; none where it cannot be read.
    ///   - pulses: what probes say, of those paths of which they say anything.
    /// - Returns: what the kernel has of charons that are no more.
    func look(_ facts: [PathName: SecurityFacts], _ pulses: [PathName: Pulse]) -> [SecurityAssociation] {
        guard isConnected else { return [] }
        list(counts: true)
        load()
        var left: [SecurityAssociation] = []
        for (path, tunnel) in tunnels where tunnel.isLoaded {
            guard let facts = facts[path] else { continue }
            guard facts.isComplete else {
                tunnels[path]?.isIncomplete()
                keepInMind(path)
                resume(path)
                continue
            }
            tunnels[path]?.isComplete()
            endIfRevoked(path)
            switch pulses[path] {
            case .lives: tunnels[path]?.lives(now: loop.now)
            case .dead:
                if tunnels[path]?.isDead(now: loop.now) == true { beginAnew(path, "nothing comes through it") }
            case nil: break
            }
            adopt(path)
            left += tunnels[path]?.leftovers(in: facts) ?? []
        }
        return left
    }
}
