// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Tunnel

extension IKEWish {
    /// What goes with a connection.
    enum Secret: Equatable {
        case preshared(NetworkTypes.Secret, owners: [String])
        case privateKey(NetworkTypes.Secret)
        case postQuantum(NetworkTypes.Secret, identity: String)
    }

    /// charon's names for the shared keys that a connection may have. No path's name has a slash in it.
    fileprivate static func presharedName(_ connection: String) -> String { connection }
    fileprivate static func postQuantumName(_ connection: String) -> String { "\(connection)/ppk" }
}

extension Charon {
    /// Loads what goes with a connection, one after the other; the first that is refused ends it. A post-quantum key that it
    /// had by an earlier run's file goes: charon offers peers to use one as long as it has any.
    ///
    /// - Parameter keep: gets charon's name for a private key, by which alone it can be unloaded.
    func load(
        _ secrets: [IKEWish.Secret],
        of connection: String,
        keep: @escaping (String) -> Void,
        _ completion: @escaping Completion<Void>
    ) {
        let hasPostQuantumKey = secrets.contains { if case .postQuantum = $0 { true } else { false } }
        if !hasPostQuantumKey { unload(sharedKey: IKEWish.postQuantumName(connection)) { _ in } }
        load(secrets[...], of: connection, keep: keep, completion)
    }

    private func load(
        _ secrets: ArraySlice<IKEWish.Secret>,
        of connection: String,
        keep: @escaping (String) -> Void,
        _ completion: @escaping Completion<Void>
    ) {
        guard let secret = secrets.first else { return completion(.success(())) }
        let next: Completion<Void> = { [weak self] result in
            guard case .success = result, let self else { return completion(result) }
            load(secrets.dropFirst(), of: connection, keep: keep, completion)
        }
        switch secret {
        case .preshared(let key, let owners):
            load(sharedKey: IKEWish.presharedName(connection), key, owners: owners, next)
        case .postQuantum(let key, let identity):
            load(sharedKey: IKEWish.postQuantumName(connection), key, as: .postQuantum, owners: [identity], next)
        case .privateKey(let key):
            load(privateKey: key) { result in
                if case .success(let name) = result { keep(name) }
                next(result.map { _ in () })
            }
        }
    }

    /// Unloads what went with a connection.
    func unload(_ secrets: [IKEWish.Secret], of connection: String, keyName: String?) {
        for secret in secrets {
            switch secret {
            case .preshared: unload(sharedKey: IKEWish.presharedName(connection)) { _ in }
            case .postQuantum: unload(sharedKey: IKEWish.postQuantumName(connection)) { _ in }
            case .privateKey: if let keyName { unload(privateKey: keyName) { _ in } }
            }
        }
    }

    /// Unloads the shared keys of a connection of which it is not known what it has.
    func unloadSharedKeys(of connection: String) {
        unload(sharedKey: IKEWish.presharedName(connection)) { _ in }
        unload(sharedKey: IKEWish.postQuantumName(connection)) { _ in }
    }
}
