// SPDX-License-Identifier: Apache-2.0

import Logging
import NetworkTypes
import SystemIO
import Tunnel

/// A connection as charon was told of it last.
struct LoadedTerms: Codable, Equatable {
    /// Of all that was told; nil where the host's library makes none.
    var digest: [UInt8]?
    /// Which loading of it that was.
    var edition: UInt8
    /// Whether a tunnel that stands is of earlier terms.
    var isPending = false
}

/// What charon is told.
extension IKEControl {
    /// So long after a refusal charon is told the same once more.
    private static let pause = Duration.seconds(10)

    /// Tells charon of what it does not have, and takes out what the file has no more.
    func load() {
        for name in leftovers {
            charon?.terminate(.connection(name), isForced: true) { _ in }
            charon?.unload(connection: name) { _ in }
            // An earlier run's, of which the kind is not known.
            charon?.unloadSharedKeys(of: name)
            loaded[name] = nil
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
            load(wish.revocationLists[...], of: path, wish) { [weak self] result in
                guard let self, isCurrent(path, wish) else { return }
                guard case .success = result else { return finishLoading(path, result) }
                loadConnection(of: wish, path)
            }
        }
    }

    func isCurrent(_ path: PathName, _ wish: IKEWish) -> Bool { tunnels[path]?.wish == wish }

    private func loadSecrets(of wish: IKEWish, _ path: PathName, _ completion: @escaping Charon.Completion<Void>) {
        let keep = { [weak self] (name: String) -> Void in
            if let self, isCurrent(path, wish) { tunnels[path]?.keyName = name }
        }
        charon?.load(wish.secrets, of: wish.connection.name, keep: keep, completion)
    }

    private func load(
        _ lists: ArraySlice<RevocationList>,
        of path: PathName,
        _ wish: IKEWish,
        _ completion: @escaping Charon.Completion<Void>
    ) {
        guard let list = lists.first else {
            // Those that it verified charon keeps apart, and would find these first.
            return wish.revocationLists.isEmpty
                ? completion(.success(())) : charon?.flushCertificates(type: "X509_CRL", completion) ?? ()
        }
        charon?.load(list) { [weak self] result in
            guard let self, isCurrent(path, wish), case .success = result else { return completion(result) }
            load(lists.dropFirst(), of: path, wish, completion)
        }
    }

    /// One that is the same is left as it is, with all that hangs on it.
    private func loadConnection(of wish: IKEWish, _ path: PathName) {
        let name = wish.connection.name
        charon?.connections(named: name) { [weak self] known in
            guard let self, isCurrent(path, wish) else { return }
            let (digest, before) = (wish.digest, loaded[name])
            if case .success(let found) = known, let same = found.first, digest != nil, before?.digest == digest,
                wish.connection.differences(from: same).isEmpty
            {
                if before?.isPending == true {
                    tunnels[path]?.isToBeReplaced("its terms changed", now: loop.now)
                } else if tunnels[path]?.hasOtherSecrets == true {
                    tunnels[path]?.isToBeReplaced("its keys changed", now: loop.now)
                }
                return finishLoading(path, .success(()))
            }
            // Of one whose digest was never kept it is only known that it looks the same.
            let isChanged =
                (try? known.get().first).map { found in
                    let isOther = before.map { digest == nil || $0.digest != digest || $0.isPending } ?? false
                    return isOther || wish.connection.differences(from: found).contains { $0 != "unique" }
                } ?? false
            charon?.load(wish.connection(edition: before?.edition ?? 0)) { [weak self] result in
                guard let self, isCurrent(path, wish) else { return }
                if case .success = result {
                    loaded[name] = LoadedTerms(digest: digest, edition: before?.edition ?? 0, isPending: isChanged)
                    // Its associations are still those of the old terms.
                    if isChanged { tunnels[path]?.isToBeReplaced("its terms changed", now: loop.now) }
                }
                finishLoading(path, result)
            }
        }
    }

    /// Has charon take the same connection for another one, and build another tunnel for it.
    func loadAnotherEdition(of path: PathName, _ wish: IKEWish, then next: @escaping () -> Void) {
        let name = wish.connection.name
        let edition = (loaded[name]?.edition ?? 0) &+ 1
        // Kept before it is asked for: a later run must not take the same for another.
        loaded[name, default: LoadedTerms(digest: wish.digest, edition: 0)].edition = edition
        onChange()
        charon?.load(wish.connection(edition: edition)) { [weak self] result in
            guard let self, isCurrent(path, wish) else { return }
            switch result {
            case .success: next()
            case .failure: finishLoading(path, result)
            }
        }
    }

    private func finishLoading(_ path: PathName, _ result: Result<Void, VICIError>) {
        tunnels[path]?.isLoading = false
        switch result {
        case .success:
            tunnels[path]?.isLoaded = true
            tunnels[path]?.refusal = nil
            list(counts: false)
        case .failure(let error):
            tunnels[path]?.isLoaded = false
            tunnels[path]?.due = loop.now + Self.pause
            if tunnels[path]?.refusal != "\(error)" { log.error("\(path): \(error)") }
            tunnels[path]?.refusal = "\(error)"
        }
        onChange()
    }

    /// Keeps for a later run whether what stands is of earlier terms.
    func keepInMind(_ path: PathName) {
        guard let tunnel = tunnels[path] else { return }
        loaded[tunnel.wish.connection.name]?.isPending = tunnel.replacement?.isForTerms ?? false
    }
}
