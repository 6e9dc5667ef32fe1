// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

extension Reading {
    /// What a target of kind https is asked.
    func httpRequest(in section: Section, at mark: Mark) -> HTTPRequest? {
        if section["path"] == nil {
            error(mark, "an https target has no path", hint: "path: /health, or whatever the server answers for")
        }
        let path = section["path"].flatMap(requestPath)
        let statuses = section["status"].map(statuses) ?? HTTPRequest.usualStatuses
        let access = section["sas"].map { ($0, sharedAccess($0)) }
        guard let path, let statuses, access.map({ $0.1 != nil }) ?? true else { return nil }
        return HTTPRequest(path: path, statuses: statuses, access: access?.1)
    }

    private func requestPath(_ node: YAMLNode) -> String? {
        guard let path = text(node, "path") else { return nil }
        // What a request line can carry (RFC 9112 section 3.2.1).
        guard path.first == "/", path.utf8.allSatisfy({ (0x21...0x7e).contains($0) && $0 != UInt8(ascii: "#") }) else {
            let hint = "it begins with '/'; white space and other signs are written as %20"
            error(node.mark, "path: '\(path)' is not the path of a resource", hint: hint)
            return nil
        }
        guard path.utf8.count <= HTTPRequest.longestPath else {
            error(node.mark, "path is longer than \(HTTPRequest.longestPath) octets")
            return nil
        }
        return path
    }

    private func statuses(_ node: YAMLNode) -> ClosedRange<Int>? {
        guard let text = text(node, "status") else { return nil }
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2, first <= last,
            HTTPRequest.possibleStatuses.contains(first), HTTPRequest.possibleStatuses.contains(last)
        else {
            error(node.mark, "status: '\(text)' is not a range of statuses", hint: "as 200-399 or 204, within 200-599")
            return nil
        }
        return first...last
    }

    private func sharedAccess(_ node: YAMLNode) -> SharedAccess? {
        let keys = ["resource", "key-file", "policy", "valid"]
        guard let section = Section(node, of: "sas", keys: keys, reading: self) else { return nil }
        func word(_ node: YAMLNode, _ key: String) -> String? {
            guard let word = text(node, key) else { return nil }
            guard word.utf8.allSatisfy({ (0x21...0x7e).contains($0) }), word.utf8.count <= 256 else {
                error(node.mark, "\(key) must be at most 256 visible ASCII characters")
                return nil
            }
            return word
        }
        let hint = "as hub1.azure-devices.net/devices/edge-1"
        let resource = section.required("resource", hint: hint).flatMap { word($0, "resource") }
        let key = section.required("key-file").flatMap { sharedKey($0, "key-file") }
        let policy = section["policy"].map { ($0, word($0, "policy")) }
        let validity =
            section["valid"].map { duration($0, "valid", in: SharedAccess.validities, saying: "1m to 1d") }
            ?? SharedAccess.usualValidity
        guard let resource, let key, let validity, policy.map({ $0.1 != nil }) ?? true else { return nil }
        return SharedAccess(resource: resource, key: key, policy: policy?.1, validity: validity)
    }
}
