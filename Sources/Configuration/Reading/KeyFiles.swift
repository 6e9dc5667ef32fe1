// SPDX-License-Identifier: Apache-2.0
// Nothing of what a key file holds is ever repeated, not even when it is no key: it may be a key with a slip in it.

import NetworkTypes
import SystemIO

extension Reading {
    /// The key in the file that a value names, relative to the file being read.
    func keyFile(_ node: YAMLNode, _ what: String) -> WireGuardSecretKey? {
        guard let name = text(node, what) else { return nil }
        guard WireGuardSecretKey(base64: Array(name.utf8)) == nil else {
            error(node.mark, "\(what) must name a file, not hold the key", hint: "move the key to a file of its own")
            return nil
        }
        let path = name.hasPrefix("/") ? name : directory + name
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
