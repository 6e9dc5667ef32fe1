// SPDX-License-Identifier: Apache-2.0
// Nothing of what a key file holds is ever repeated, not even when it is no key: it may be a key with a slip in it.

import NetworkTypes
import SystemIO

extension Reading {
    /// The key that a section names as `WHAT-file` or as `WHAT-credential`; nil where it is missing, which is an error
    /// where it is required, or cannot be had, which is one always.
    func key(_ what: String, in section: Section, isRequired: Bool) -> WireGuardSecretKey? {
        let fileKey = "\(what)-file"
        switch (section[fileKey], section["\(what)-credential"]) {
        case (let node?, nil):
            return keyFile(node, fileKey)
        case (nil, let node?):
            return keyCredential(node, "\(what)-credential")
        case (_?, let node?):
            error(node.mark, "\(section.what) has both '\(fileKey)' and '\(what)-credential'", hint: "remove one")
        case (nil, nil):
            if isRequired { _ = section.required(fileKey, hint: "or \(what)-credential: NAME, of systemd") }
        }
        return nil
    }

    /// The key in the file that a value names, relative to the file being read.
    private func keyFile(_ node: YAMLNode, _ what: String) -> WireGuardSecretKey? {
        guard let name = nameOfKey(node, what) else { return nil }
        return readKey(node, what, name, at: name.hasPrefix("/") ? name : directory + name)
    }

    /// The key in one of the credentials that the service manager hands over.
    private func keyCredential(_ node: YAMLNode, _ what: String) -> WireGuardSecretKey? {
        guard let name = nameOfKey(node, what) else { return nil }
        guard !name.isEmpty, !name.contains("/"), name != ".", name != ".." else {
            error(node.mark, "\(what) must be the name of a credential, not a path", hint: "or use a key file")
            return nil
        }
        switch credentials {
        case .directory(let directory?):
            return readKey(node, what, name, at: "\(directory)/\(name)")
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

    private func readKey(_ node: YAMLNode, _ what: String, _ name: String, at path: String) -> WireGuardSecretKey? {
        do throws(SystemError) {
            // Opened first, so that what is checked is what is read. Links are followed: credentials may be some.
            let file = try Files.open(path)
            let status = try Files.status(of: file)
            if let (problem, remedy) = Self.objection(to: status, path) {
                error(node.mark, "\(what): '\(name)' \(problem)", hint: remedy)
                return nil
            }
            if let key = WireGuardSecretKey(base64: try Files.read(file, limit: 4096)), !key.isZero { return key }
            let hint = "one line of 44 characters, as `wg \(what.hasPrefix("pre") ? "genpsk" : "genkey")` prints"
            error(node.mark, "\(what): '\(name)' holds no WireGuard key", hint: hint)
        } catch {
            self.error(node.mark, "\(what): cannot read '\(name)': \(SystemError.text(of: error.code))")
        }
        return nil
    }

    /// What is wrong with a key file before it is read, and what helps.
    private static func objection(to status: Files.Status, _ path: String) -> (problem: String, remedy: String?)? {
        guard status.isRegular else { return ("is not a file", nil) }
        // Its owner may read it whatever its mode says, and put another key in its place.
        guard [0, Account.currentUser].contains(status.owner) else {
            return ("belongs to user \(status.owner), not to root", "chown root \(path)")
        }
        guard status.permissions & 0o077 == 0 else { return ("is open to others than its owner", "chmod 600 \(path)") }
        return nil
    }
}
