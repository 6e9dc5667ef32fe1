// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

extension Reading {
    /// The key that goes into an IPsec tunnel's keys besides (RFC 8784).
    func postQuantumKey(_ node: YAMLNode, of path: String, _ outer: Section) -> IPsecConfiguration.PostQuantumKey? {
        guard
            let section = Section(
                node,
                of: "ppk of \(outer.what)",
                keys: ["id", "key-file", "key-credential", "required"],
                reading: self
            )
        else { return nil }
        let identity = section.required("id", hint: "what both ends call the key").flatMap(identityOfPostQuantumKey)
        let key = key("key", in: section, isRequired: true, of: .postQuantum)
        let isRequired = section["required"].map { boolean($0, "required") } ?? true
        guard let identity, let key, let isRequired else { return nil }
        // charon finds it by its identity alone. Keys that were not read are all different.
        if let other = declared.postQuantumKeys[identity], other.value != key, readsNamedFiles {
            let message = "the ppk '\(identity)' is another key than that of path '\(other.owner)'"
            error(section.mark, message, hint: "another id for it, at both ends")
        }
        declared.postQuantumKeys[identity] = Sighting(value: key, owner: path, mark: section.mark)
        return .init(identity: identity, key: key, isRequired: isRequired)
    }

    /// A name, which goes over the wire as it is written. charon sends what looks like an address, a distinguished name or
    /// octets in hexadecimal in another form.
    private func identityOfPostQuantumKey(_ node: YAMLNode) -> String? {
        guard let text = self.text(node, "id") else { return nil }
        let isName =
            text.utf8.count <= 64 && IPAddress(text) == nil
            && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) }
        if !isName {
            error(
                node.mark,
                "id: '\(text)' is no name of a ppk",
                hint: "1 to 64 letters, digits, '-', '_', '.'; no address"
            )
        }
        return isName ? text : nil
    }
}

extension KeyForm<Secret> {
    /// RFC 8784 section 6 asks for 256 bits of entropy: what has less octets cannot have them.
    fileprivate static let postQuantum = shared(of: 32...256, remedy: "openssl rand -base64 48 makes one")
}
