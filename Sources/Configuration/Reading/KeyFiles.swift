// SPDX-License-Identifier: Apache-2.0
// Nothing of what a key file holds is ever repeated, not even when it is no key: it may be a key with a slip in it.

public import NetworkTypes
import SystemIO

extension Reading {
    /// The key that a section names as `WHAT-file` or as `WHAT-credential`; nil where it is missing, which is an error
    /// where it is required, or cannot be had, which is one always.
    func key<Key>(_ what: String, in section: Section, isRequired: Bool, of form: KeyForm<Key>) -> Key? {
        let fileKey = "\(what)-file"
        switch (section[fileKey], section["\(what)-credential"]) {
        case (let node?, nil):
            return keyFile(node, fileKey, of: form)
        case (nil, let node?):
            return keyCredential(node, "\(what)-credential", of: form)
        case (_?, let node?):
            error(node.mark, "\(section.what) has both '\(fileKey)' and '\(what)-credential'", hint: "remove one")
        case (nil, nil):
            if isRequired { _ = section.required(fileKey, hint: "or \(what)-credential: NAME, of systemd") }
        }
        return nil
    }

    /// The key in the file that a value names, relative to the file being read.
    private func keyFile<Key>(_ node: YAMLNode, _ what: String, of form: KeyForm<Key>) -> Key? {
        guard let name = nameOfKey(node, what) else { return nil }
        return readKey(node, what, name, at: pathOfKey(name), of: form)
    }

    /// Where a key file is.
    func pathOfKey(_ name: String) -> String { name.hasPrefix("/") ? name : directory + name }

    /// The key in one of the credentials that the service manager hands over.
    private func keyCredential<Key>(_ node: YAMLNode, _ what: String, of form: KeyForm<Key>) -> Key? {
        guard let name = nameOfKey(node, what) else { return nil }
        guard readsNamedFiles else { return form.standIn(for: name) }
        guard !name.isEmpty, !name.contains("/"), name != ".", name != ".." else {
            error(node.mark, "\(what) must be the name of a credential, not a path", hint: "or use a key file")
            return nil
        }
        switch credentials {
        case .directory(let directory?):
            return readKey(node, what, name, at: "\(directory)/\(name)", of: form)
        case .directory(nil):
            let remedy = "LoadCredential=\(name):FILE in pnetd.service"
            error(node.mark, "\(what): pnetd was handed no credentials", hint: remedy)
        case .ofTheService:
            warning(node.mark, "\(what): '\(name)' cannot be looked at here, only by pnetd.service")
        }
        return nil
    }

    private func nameOfKey(_ node: YAMLNode, _ what: String) -> String? {
        guard let name = text(node, what) else { return nil }
        guard WireGuardSecretKey(base64: Array(name.utf8)) == nil else {
            error(node.mark, "\(what) must name a file, not hold the key", hint: "move the key to a file of its own")
            return nil
        }
        return name
    }

    private func readKey<Key>(
        _ node: YAMLNode,
        _ what: String,
        _ name: String,
        at path: String,
        of form: KeyForm<Key>
    ) -> Key? {
        guard readsNamedFiles else { return form.standIn(for: path) }
        do throws(KeyFile.Fault) {
            return try KeyFile.read(path, as: form)
        } catch {
            self.error(node.mark, "\(what): \(error.description(of: name))", hint: error.remedy)
            return nil
        }
    }
}

/// What a key file is expected to hold.
struct KeyForm<Key: Sendable>: Sendable {
    /// The key in a file's octets, where there is one.
    let parse: @Sendable ([UInt8]) -> Key?
    /// What a file is said to do that holds none, behind its name.
    let problem: String
    let remedy: String

    /// What stands for the key in a file that is not read: another one for each.
    fileprivate func standIn(for name: String) -> Key? {
        let words = (0..<4).map { place in
            var hasher = Hasher()
            hasher.combine(name)
            hasher.combine(place)
            return hasher.finalize()
        }
        let octets = words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }
        return makeStandIn(octets)
    }

    /// A key made of 32 octets.
    let makeStandIn: @Sendable ([UInt8]) -> Key?
}

extension KeyForm<WireGuardSecretKey> {
    /// A private key of WireGuard.
    static let wireGuard = wireGuard(madeBy: "wg genkey")
    /// A key shared with a peer of WireGuard.
    static let preshared = wireGuard(madeBy: "wg genpsk")

    private static func wireGuard(madeBy command: String) -> Self {
        KeyForm(
            parse: { octets in WireGuardSecretKey(base64: octets).flatMap { $0.isZero ? nil : $0 } },
            problem: "holds no WireGuard key",
            remedy: "one line of 44 characters, as `\(command)` prints",
            makeStandIn: { WireGuardSecretKey(bytes: $0) }
        )
    }
}

/// A file that holds a key: what is wrong with it is said, what it holds never.
public enum KeyFile {
    /// Why there is no key to be had.
    public struct Fault: Error, Hashable, Sendable {
        /// What is wrong, behind the name of the file; an error of the system stands for itself.
        fileprivate var problem: String
        fileprivate var isOfTheSystem = false
        /// What helps.
        public var remedy: String?

        /// The fault in words.
        /// - Parameter name: what the file is called.
        public func description(of name: String) -> String {
            isOfTheSystem ? "cannot read '\(name)': \(problem)" : "'\(name)' \(problem)"
        }
    }

    /// Reads the WireGuard key in a file that nobody but its owner, root or this process's user, can open.
    public static func read(_ path: String) throws(Fault) -> WireGuardSecretKey {
        try read(path, as: .wireGuard)
    }

    /// Reads the key in such a file.
    static func read<Key>(_ path: String, as form: KeyForm<Key>) throws(Fault) -> Key {
        let octets = try contents(of: path, limit: 4096).octets
        guard let key = form.parse(octets) else { throw Fault(problem: form.problem, remedy: form.remedy) }
        return key
    }

    /// Reads such a file, whatever kind of key it holds.
    static func contents(of path: String, limit: Int) throws(Fault) -> (octets: [UInt8], status: Files.Status) {
        let (status, octets): (Files.Status, [UInt8])
        do throws(SystemError) {
            // Opened first, so that what is checked is what is read. Links are followed: credentials may be some.
            let file = try Files.open(path)
            status = try Files.status(of: file)
            octets = status.isRegular ? try Files.read(file, limit: limit) : []
        } catch {
            throw Fault(problem: SystemError.text(of: error.code), isOfTheSystem: true)
        }
        guard status.isRegular else { throw Fault(problem: "is not a file") }
        // Its owner may read it whatever its mode says, and put another key in its place.
        guard [0, Account.currentUser].contains(status.owner) else {
            throw Fault(problem: "belongs to user \(status.owner), not to root", remedy: "chown root \(path)")
        }
        guard status.permissions & 0o077 == 0 else {
            throw Fault(problem: "is open to others than its owner", remedy: "chmod 600 \(path)")
        }
        return (octets, status)
    }
}
