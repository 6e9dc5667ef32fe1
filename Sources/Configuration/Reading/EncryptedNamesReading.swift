// SPDX-License-Identifier: Apache-2.0
// Names over TLS: the servers that are asked so, and the clients that are served so.

import NetworkTypes

extension Reading {
    /// How an upstream may be asked.
    private enum UpstreamProtocol: String, CaseIterable {
        case plain
        case tls
        case https

        var encryption: Upstream.Encryption? { Upstream.Encryption(rawValue: rawValue) }

        /// The port where the file does not say (RFC 1035 section 4.2, RFC 7858 section 3.1, RFC 8484 section 4.1).
        var port: UInt16 {
            switch self {
            case .plain: 53
            case .tls: 853
            case .https: 443
            }
        }
    }

    /// One of the resolver's upstreams.
    func upstream(_ node: YAMLNode) -> ResolverConfiguration.UpstreamServer? {
        if let text = node.text, SocketEndpoint(text, defaultPort: 53) != nil {
            error(node.mark, "an upstream must be a mapping", hint: "{address: \"\(text)\"}")
            return nil
        }
        let keys = ["address", "protocol", "server-name", "path", "ca-file", "trust-ad"]
        guard let section = Section(node, of: "an upstream", keys: keys, reading: self),
            let way = section["protocol"].map({ choice($0, "protocol", of: UpstreamProtocol.self) }) ?? .plain,
            let address = section.required("address"),
            let endpoint = endpoint(address, "address", defaultPort: way.port)
        else { return nil }
        declared.upstreams.append(Sighting(value: endpoint, owner: "upstreams", mark: address.mark))
        let misplaced = way == .plain ? ["server-name", "path", "ca-file"] : way == .tls ? ["path"] : []
        for key in misplaced {
            guard let value = section[key] else { continue }
            let ways = key == "path" ? "protocol: https" : "protocol: tls, or https"
            error(value.mark, "\(key) says nothing of an upstream with protocol \(way.rawValue)", hint: ways)
        }
        let upstream = Upstream(endpoint, way.encryption)
        let trustsAD = section["trust-ad"].flatMap { boolean($0, "trust-ad") } ?? false
        guard way != .plain else { return .init(upstream: upstream, terms: nil, trustsAD: trustsAD) }
        let hint = "server-name: NAME, as the server's certificate says"
        let name = section.required("server-name", hint: hint).flatMap { serverName($0, "server-name") }
        let path = section["path"].map(queryPath) ?? ResolverConfiguration.UpstreamServer.Terms.usualPath
        let roots = section["ca-file"].map { certificates($0, "ca-file") }
        guard let name, let path, roots.map({ $0 != nil }) ?? true else { return nil }
        return .init(upstream: upstream, terms: .init(name: name, path: path, roots: roots ?? nil), trustsAD: trustsAD)
    }

    /// A path without the variable that RFC 8484 has for GET: questions are posted.
    private func queryPath(_ node: YAMLNode) -> String? {
        guard let text = text(node, "path") else { return nil }
        let isPath =
            text.hasPrefix("/") && text.utf8.count <= HTTPRequest.longestPath
            && text.utf8.allSatisfy { (0x21...0x7e).contains($0) && !"{}#\"<>\\^`|".utf8.contains($0) }
        if isPath { return text }
        error(node.mark, "path: '\(text)' is not a resource's path", hint: "as in /dns-query, without {?dns}")
        return nil
    }

    /// The section `tls` of the resolver.
    func tlsService(_ node: YAMLNode) -> ResolverConfiguration.TLSService? {
        let keys = ["listen", "server-name", "certificate-file", "private-key-file"]
        guard let section = Section(node, of: "tls", keys: keys, reading: self) else { return nil }
        let listen = section.required("listen").map { listenEndpoints($0, "resolver tls listen", defaultPort: 853) }
        let hint = "server-name: NAME, as the certificate says"
        let name = section.required("server-name", hint: hint).flatMap { serverName($0, "server-name") }
        if section["certificate-file"] == nil, section["private-key-file"] == nil {
            _ = section.required("certificate-file", hint: "certificate-file: FILE and private-key-file: FILE")
        }
        let identity = identity(in: section, of: "the service")
        let most = ResolverConfiguration.TLSService.mostAddresses
        if let listen, listen.count > most {
            error(node.mark, "resolver tls listen has \(listen.count) addresses", hint: "at most \(most)")
        }
        guard let listen, !listen.isEmpty, let name, let identity else { return nil }
        return .init(listen: listen, name: name, identity: identity)
    }
}
