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
        do {
            let status = try Files.status(of: path)
            guard status.isRegular else {
                error(node.mark, "\(what): '\(name)' is not a file")
                return nil
            }
            guard status.permissions & 0o077 == 0 else {
                let message = "\(what): '\(name)' is open to others than its owner"
                error(node.mark, message, hint: "chmod 600 \(path)")
                return nil
            }
            if let key = WireGuardSecretKey(base64: try Files.read(path, limit: 4096)), !key.isZero { return key }
            let hint = "one line of 44 characters, as `wg \(what.hasPrefix("pre") ? "genpsk" : "genkey")` prints"
            error(node.mark, "\(what): '\(name)' holds no WireGuard key", hint: hint)
        } catch {
            self.error(node.mark, "\(what): cannot read '\(name)': \(SystemError.text(of: error.code))")
        }
        return nil
    }
}
