// SPDX-License-Identifier: Apache-2.0

import Logging
import NetworkTypes
import PathHealth
import SystemIO
import Tunnel

/// Has charon keep the tunnels of the IPsec paths: tells it of them and of nothing else, begins negotiations while the
/// kernel lacks associations, and ends what is dead.
///
/// What stands stays: a tunnel that an earlier run left, and whose connection is the same, is not touched.
final class IKEControl {
    private let loop: EventLoop
    private let log: Logger
    private let onConnect: () -> Void
    private let onChange: () -> Void
    private var charon: Charon?
    private(set) var tunnels: [PathName: IKETunnel] = [:]
    /// The IPsec paths of the file.
    private var paths: Set<PathName> = []
    /// Digests of the connections as they were loaded last, by their names: charon does not tell all of them.
    private(set) var digests: [String: [UInt8]]
    /// Names of connections and keys that the file has no more, to be taken out.
    private var leftovers: Set<String> = []
    /// Why charon is not there, and since when; nil while it is.
    private(set) var absence: (error: VICIError, since: Instant)?
    private(set) var version: CharonVersion?
    private(set) var counts = Counts()

    /// For metrics.
    struct Counts {
        var negotiations: [PathName: UInt64] = [:]
        var failures: [PathName: UInt64] = [:]
        var renewals: [PathName: UInt64] = [:]
        var losses: UInt64 = 0
    }

    /// How long a negotiation may take: charon's first repetition comes after four seconds unless its file says otherwise.
    private static let patience = Duration.seconds(10)
    /// So long after a refusal charon is told the same once more.
    private static let pause = Duration.seconds(10)

    /// - Parameters:
    ///   - digests: those of an earlier run.
    ///   - onConnect: called when charon answers, before it is told anything: what it has decides what it is to have.
    ///   - onChange: called when something is otherwise than before.
    init(
        on loop: EventLoop,
        log: Logger,
        digests: [String: [UInt8]],
        onConnect: @escaping () -> Void,
        onChange: @escaping () -> Void
    ) {
        self.loop = loop
        self.log = log
        self.digests = digests
        self.onConnect = onConnect
        self.onChange = onChange
    }

    /// Whether charon takes commands.
    var isConnected: Bool { charon?.isConnected ?? false }

    /// What the charon has that answered last.
    var keyExchanges: CharonKeyExchanges { charon?.keyExchanges ?? CharonKeyExchanges() }

    /// Has charon have none of our tunnels any more; false where it cannot be told.
    func takeDown() -> Bool {
        guard !tunnels.isEmpty || !digests.isEmpty else { return true }
        for tunnel in tunnels.values { leave(tunnel) }
        tunnels = [:]
        guard isConnected else { return false }
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
            leave(tunnel)
            tunnels[path] = nil
        }
        for (path, wish) in wishes {
            leftovers.remove(wish.connection.name)
            guard tunnels[path]?.wish != wish else { continue }
            let before = tunnels[path]
            before?.negotiation?.cancel()
            tunnels[path] = IKETunnel(wish, now: loop.now)
            if let before, before.wish.secrets != wish.secrets { unloadSecrets(of: before) }
        }
        if charon == nil, !wishes.isEmpty || !digests.isEmpty {
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

    private func unloadSecrets(of tunnel: IKETunnel) {
        charon?.unload(tunnel.wish.secrets, of: tunnel.wish.connection.name, keyName: tunnel.keyName)
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
                tunnels[path]?.letGo()
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

    /// Tells charon of what it does not have, and takes out what the file has no more.
    private func load() {
        for name in leftovers {
            charon?.terminate(.connection(name), isForced: true) { _ in }
            charon?.unload(connection: name) { _ in }
            // An earlier run's, of which the kind is not known.
            charon?.unloadSharedKeys(of: name)
            digests[name] = nil
        }
        leftovers = []
        for (path, tunnel) in tunnels where !tunnel.isLoaded && !tunnel.isLoading && tunnel.due <= loop.now {
            load(path, tunnel.wish)
        }
    }

    private func load(_ path: PathName, _ wish: IKEWish) {
        if let version, let lack = wish.lack(of: version, keyExchanges) {
            return finishLoading(path, .failure(.lacking(lack)))
        }
        tunnels[path]?.isLoading = true
        loadSecrets(of: wish, path) { [weak self] result in
            guard let self, isCurrent(path, wish) else { return }
            guard case .success = result else { return finishLoading(path, result) }
            // One that is the same is left as it is, with all that hangs on it.
            charon?.connections(named: wish.connection.name) { [weak self] known in
                guard let self, isCurrent(path, wish) else { return }
                let digest = wish.connection.digest
                if case .success(let found) = known, let same = found.first, digest != nil,
                    digests[wish.connection.name] == digest, wish.connection.differences(from: same).isEmpty
                {
                    return finishLoading(path, .success(()))
                }
                // Of one whose digest was never kept it is only known that it looks the same.
                let isChanged =
                    (try? known.get().first).map {
                        digests[wish.connection.name] != nil || !wish.connection.differences(from: $0).isEmpty
                    } ?? false
                charon?.load(wish.connection) { [weak self] result in
                    guard let self, isCurrent(path, wish) else { return }
                    if case .success = result { digests[wish.connection.name] = digest }
                    finishLoading(path, result)
                    // Its associations are still those of the old terms.
                    if isChanged, case .success = result { beginAnew(path, "its connection changed") }
                }
            }
        }
    }

    private func isCurrent(_ path: PathName, _ wish: IKEWish) -> Bool { tunnels[path]?.wish == wish }

    private func loadSecrets(of wish: IKEWish, _ path: PathName, _ completion: @escaping Charon.Completion<Void>) {
        let keep = { [weak self] (name: String) -> Void in
            if let self, isCurrent(path, wish) { tunnels[path]?.keyName = name }
        }
        charon?.load(wish.secrets, of: wish.connection.name, keep: keep, completion)
    }

    private func finishLoading(_ path: PathName, _ result: Result<Void, VICIError>) {
        tunnels[path]?.isLoading = false
        switch result {
        case .success:
            tunnels[path]?.isLoaded = true
            tunnels[path]?.refusal = nil
            list(counts: false)
        case .failure(let error):
            tunnels[path]?.due = loop.now + Self.pause
            if tunnels[path]?.refusal != "\(error)" { log.error("\(path): \(error)") }
            tunnels[path]?.refusal = "\(error)"
        }
        onChange()
    }

    /// Reads what stands.
    ///
    /// - Parameter counts: whether what is not listed counts: charon leaves out what it is busy with, as with what an event
    ///   is about.
    private func list(counts: Bool) {
        charon?.associations { [weak self] result in
            guard let self, case .success(let all) = result else { return }
            for (path, tunnel) in tunnels {
                tunnels[path]?.listed(all.filter { $0.name == tunnel.wish.connection.name }, counts: counts)
            }
            onChange()
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
                resume(path)
                continue
            }
            tunnels[path]?.isComplete()
            switch pulses[path] {
            case .lives: tunnels[path]?.lives()
            case .dead:
                if tunnels[path]?.isDead(now: loop.now) == true { beginAnew(path, "nothing comes through it") }
            case nil: break
            }
            adopt(path)
            left += tunnels[path]?.leftovers(in: facts) ?? []
        }
        return left
    }

    /// Begins a tunnel of which the kernel lacks something, once it is time.
    private func resume(_ path: PathName) {
        let now = loop.now
        guard let tunnel = tunnels[path], tunnel.negotiation == nil, tunnel.due <= now else { return }
        // Not twice, whatever comes first.
        tunnels[path]?.due = now + .seconds(1)
        if tunnel.isAskedFor { clear(path) { [weak self] in self?.begin(path) } } else { begin(path) }
    }

    /// A charon that came back knows nothing of what the kernel still has; there has to be somebody who renews the keys.
    private func adopt(_ path: PathName) {
        guard let tunnel = tunnels[path], tunnel.isUnknown, tunnel.negotiation == nil, tunnel.due <= loop.now else {
            return
        }
        log.notice("\(path): charon does not know the tunnel that stands: it is given another")
        tunnels[path]?.isFoundOrphaned()
        begin(path)
    }

    /// Ends a tunnel and begins it again.
    private func beginAnew(_ path: PathName, _ reason: String) {
        log.notice("\(path): the IPsec tunnel is begun anew: \(reason)")
        counts.renewals[path, default: 0] += 1
        tunnels[path]?.isToBeBegunAnew(now: loop.now)
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
        let negotiation = charon.negotiate(
            child: name,
            of: name,
            within: Self.patience,
            ownCertificates: tunnel.wish.certificates,
            hasPostQuantumKey: tunnel.wish.connection.postQuantumKey != nil
        ) { [weak self] result in self?.ended(path, result) }
        tunnels[path]?.negotiation = negotiation
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
            if tunnels[path]?.stands == false { clear(path) {} }
        }
        list(counts: false)
        onChange()
    }
}
