// SPDX-License-Identifier: Apache-2.0

import Configuration
import NetworkTypes
import SystemIO

/// A path's next private key, in a file beside that of the one in force. What is in either is never printed.
struct PreparedKey {
    /// Why it cannot be made or taken.
    enum Failure: Error, CustomStringConvertible {
        case file(ConfigurationErrors)
        case noPath(String, file: String)
        case noTunnel(PathName)
        case credential(PathName)
        case thereAlready(String, WireGuardPublicKey)
        case unreadable(String, KeyFile.Fault, remedy: String)
        /// The key is in its file, and pnetd did not say that it keeps it.
        case unanswered(key: String, ControlFailure)
        case system(SystemError)

        var description: String {
            switch self {
            case .file(let errors): "\(errors)"
            case .noPath(let name, let file): "\(file) has no path '\(name)'"
            case .noTunnel(let path): "\(path) is no WireGuard path, and has no key"
            case .credential(let path):
                "the key of \(path) is a credential: give the service manager another one, and restart pnetd"
            case .thereAlready(let file, let key):
                "\(file) is there already, with the public key \(key) (rotate takes it, --cancel removes it)"
            case .unreadable(let file, let fault, let remedy):
                "\(fault.description(of: file)) (\(fault.remedy ?? remedy))"
            case .unanswered(let path, let failure):
                "\(failure)\nThe new key of \(path) is in its file: pnetd goes by it from its next start or reload on"
            case .system(let error): "\(error)"
            }
        }
    }

    /// The path.
    let path: PathName
    /// The file of the key in force, and of the one before it once it is not.
    let file: String

    /// What names pnetd's file on the command line, where it is not the usual one.
    let option: String

    private var next: String { file + ".next" }
    var earlier: String { file + ".old" }

    init(of path: String, in configuration: String) throws(Failure) {
        let loaded: LoadedConfiguration
        do throws(ConfigurationErrors) {
            loaded = try CheckCommand.load(configuration)
        } catch {
            throw .file(error)
        }
        guard let found = loaded.configuration.paths.first(where: { $0.name.text == path }) else {
            throw .noPath(path, file: configuration)
        }
        guard let tunnel = found.wireGuard else { throw .noTunnel(found.name) }
        guard let file = tunnel.privateKeyFile else { throw .credential(found.name) }
        self.path = found.name
        self.file = file
        option = configuration == RotateCommand.usualFile ? "" : " --file \(configuration)"
    }

    /// Makes the key; never in place of one that the other end may know already.
    func make() throws(Failure) -> WireGuardPublicKey {
        if (try? Files.status(of: next)) != nil {
            throw .thereAlready(next, try read(next, remedy: "pnetctl rotate \(path) --cancel removes it").publicKey)
        }
        do throws(SystemError) {
            let key = try KeygenCommand.randomKey().clamped
            try Files.replace(next, with: key.keyFile)
            return key.publicKey
        } catch {
            throw .system(error)
        }
    }

    /// Looks whether there is one.
    func check() throws(Failure) {
        _ = try read(next, remedy: "pnetctl rotate \(path) --prepare makes one")
    }

    private func read(_ file: String, remedy: String) throws(Failure) -> WireGuardSecretKey {
        do throws(KeyFile.Fault) {
            return try KeyFile.read(file)
        } catch {
            throw .unreadable(file, error, remedy: remedy)
        }
    }

    /// Puts the key where the one in force is, which is kept beside it.
    func install() throws(Failure) {
        do throws(SystemError) {
            try Files.replace(earlier, with: try Files.read(file, limit: 4096))
            try Files.replace(file, with: try Files.read(next, limit: 4096))
            try Files.remove(next)
        } catch {
            throw .system(error)
        }
    }

    /// Undoes ``install()``.
    func takeBack() throws(Failure) {
        do throws(SystemError) {
            try Files.replace(next, with: try Files.read(file, limit: 4096))
            try Files.replace(file, with: try Files.read(earlier, limit: 4096))
        } catch {
            throw .system(error)
        }
    }

    /// Removes the key that was made; false where there was none.
    func cancel() throws(Failure) -> Bool {
        guard (try? Files.status(of: next)) != nil else { return false }
        do throws(SystemError) { try Files.remove(next) } catch { throw .system(error) }
        return true
    }
}
