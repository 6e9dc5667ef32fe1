// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

extension Reading {
    /// What a path of `kind: ipsec` says of its tunnel.
    ///
    /// - Parameters:
    ///   - own: the path's interface.
    ///   - families: those of the interface's addresses, as far as these could be read.
    func ipsec(
        _ section: Section,
        of path: String,
        own: InterfaceName?,
        _ families: Set<AddressFamily>
    ) -> IPsecConfiguration? {
        let underlay = section.required("underlay").flatMap { self.underlay($0, of: section, own: own) }
        if underlay?.isMetered == true { declared.meteredPaths.insert(path) }
        let local = section.required("local", hint: "who we are").flatMap { self.local($0, of: section) }
        let remote = section.required("remote", hint: "the other end").flatMap { self.remote($0, of: path, section) }
        let proof = proof(section, local, remote)
        let postQuantumKey = section["ppk"].flatMap { self.postQuantumKey($0, of: path, section) }
        let gateway = section["preset"].flatMap { choice($0, "preset", of: CloudGateway.self) }
        let terms = terms(section, gateway)
        // A gateway of a cloud carries the families that its end of the link has addresses of, and may not bear others.
        let everything = Self.everything.filter { gateway == nil || families.isEmpty || families.contains($0.family) }
        let traffic = section["traffic"].flatMap { self.traffic($0, of: section, else: everything) }
        if let node = section["traffic"], let local = traffic?.local {
            declared.localTraffic.append(Sighting(value: local, owner: path, mark: node.mark))
        }
        let encapsulation = section["encapsulation"].flatMap {
            choice($0, "encapsulation", of: EncapsulationWord.self)
        }
        let reauthentication = reauthentication(section["reauthentication"])
        guard let underlay, let remote, local != nil, let proof else { return nil }
        return IPsecConfiguration(
            underlay: underlay,
            remote: remote.endpoint,
            localID: local?.id,
            remoteID: remote.id,
            proof: proof,
            postQuantumKey: postQuantumKey,
            gateway: gateway,
            terms: terms,
            localTraffic: traffic?.local ?? everything,
            remoteTraffic: traffic?.remote ?? everything,
            reauthentication: reauthentication,
            forcesEncapsulation: encapsulation == .always
        )
    }

    private static let everything = AddressFamily.allCases.compactMap {
        IPPrefix(holding: IPAddress(family: $0, bits: 0), length: 0)
    }
    /// The port of IKE (RFC 7296 section 2).
    private static let port: UInt16 = 500

    private struct LocalEnd {
        var id: String?
        var certificates: [String]?
        var privateKey: Secret?
    }

    private struct RemoteEnd {
        var endpoint: HostEndpoint
        var id: String
        var authorities: [String]?
        var revocationLists: [[UInt8]]?
        var revocation: IPsecConfiguration.Revocation?
        var mark: Mark
    }

    private func local(_ node: YAMLNode, of path: Section) -> LocalEnd? {
        guard
            let section = Section(
                node,
                of: "local of \(path.what)",
                keys: ["id", "certificate", "private-key-file"],
                reading: self
            )
        else { return nil }
        var end = LocalEnd(id: section["id"].flatMap { identity($0, "id") })
        switch (section["certificate"], section["private-key-file"]) {
        case (let certificate?, let key?):
            end.certificates = certificates(certificate, "certificate").map(Self.single)
            end.privateKey = certificateKey(key, "private-key-file")
            guard end.certificates != nil, end.privateKey != nil else { return nil }
        case (let certificate?, nil):
            let hint = "private-key-file: FILE, with the key of that certificate"
            error(certificate.mark, "\(section.what) has no private-key-file", hint: hint)
            return nil
        case (nil, let key?):
            error(
                key.mark,
                "\(section.what) has no certificate",
                hint: "certificate: FILE, with the certificate of that key"
            )
            return nil
        case (nil, nil): break
        }
        return end
    }

    private func remote(_ node: YAMLNode, of path: String, _ outer: Section) -> RemoteEnd? {
        guard
            let section = Section(
                node,
                of: "remote of \(outer.what)",
                keys: ["endpoint", "id", "ca-certificates", "crls", "revocation"],
                reading: self
            )
        else { return nil }
        let endpoint = section.required("endpoint", hint: "the other end's address, or its name").flatMap {
            host($0, of: path)
        }
        let id = section["id"].flatMap { identity($0, "id") }
        let authorities = section["ca-certificates"].map { node in
            (list(node, "ca-certificates") ?? []).compactMap { certificates($0, "ca-certificates") }.flatMap(
                Self.single
            )
        }
        let lists = section["crls"].map { node in
            (list(node, "crls") ?? []).compactMap { revocationLists($0, "crls") }.flatMap(\.self)
        }
        let revocation = section["revocation"].flatMap {
            choice($0, "revocation", of: IPsecConfiguration.Revocation.self)
        }
        if let needless = section["crls"] ?? section["revocation"], authorities == nil {
            error(needless.mark, "\(section.what) has no ca-certificates whose lists these could be", hint: "remove it")
        }
        if let authorities, authorities.isEmpty { return nil }
        guard let endpoint else { return nil }
        return RemoteEnd(
            endpoint: endpoint,
            id: id ?? endpoint.identity,
            authorities: authorities,
            revocationLists: lists,
            revocation: revocation,
            mark: section.mark
        )
    }

    private func host(_ node: YAMLNode, of path: String) -> HostEndpoint? {
        guard let text = self.text(node, "endpoint") else { return nil }
        let host: HostEndpoint
        if let address = IPAddress(text) {
            host = HostEndpoint(host: .address(address), port: Self.port)
        } else if !text.contains(":"), let name = DomainName(text),
            text.utf8.contains(where: { $0 > UInt8(ascii: "9") })
        {
            host = HostEndpoint(host: .name(name), port: Self.port)
        } else {
            error(node.mark, "endpoint: '\(text)' is no address and no name", hint: "without a port: IKE has its own")
            return nil
        }
        declared.endpoints.append(Sighting(value: host, owner: path, mark: node.mark))
        return host
    }

    /// An identity as strongSwan reads it: a name, an address, a mail address, a distinguished name.
    private func identity(_ node: YAMLNode, _ what: String) -> String? {
        guard let text = self.text(node, what) else { return nil }
        guard !text.isEmpty, text.utf8.count <= 255, text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else {
            error(node.mark, "\(what) is no identity", hint: "1 to 255 characters that can be printed")
            return nil
        }
        guard !text.hasPrefix("%") else {
            error(node.mark, "\(what): '\(text)' stands for anybody", hint: "whoever is meant, by his own identity")
            return nil
        }
        return text
    }

    private func proof(_ section: Section, _ local: LocalEnd?, _ remote: RemoteEnd?) -> IPsecConfiguration.Proof? {
        let shared = ["preshared-key-file", "preshared-key-credential"].compactMap { section[$0] }.first
        if let shared {
            let key = key("preshared-key", in: section, isRequired: true, of: .ipsecPreshared)
            guard local?.certificates == nil, remote?.authorities == nil else {
                error(shared.mark, "\(section.what) has both certificates and a preshared key", hint: "remove one")
                return nil
            }
            return key.map { .presharedKey($0) }
        }
        // A key that was misspelt may be the one that is missed.
        guard let local, let remote, !section.hasUnknownKeys else { return nil }
        guard let own = local.certificates, let privateKey = local.privateKey else {
            let hint = "preshared-key-file: FILE; or certificate and private-key-file in local"
            error(section.mark, "\(section.what) has nothing to prove who we are", hint: hint)
            return nil
        }
        guard let authorities = remote.authorities else {
            let hint = "ca-certificates: [FILE, …], of those who vouch for the other end"
            error(remote.mark, "remote of \(section.what) has no ca-certificates", hint: hint)
            return nil
        }
        return .certificates(
            .init(
                own: own,
                privateKey: privateKey,
                authorities: authorities,
                revocationLists: remote.revocationLists ?? [],
                revocation: remote.revocation ?? .relaxed
            )
        )
    }

    /// Once a day unless the file says otherwise.
    private func reauthentication(_ node: YAMLNode?) -> Duration? {
        guard let node else { return .seconds(86_400) }
        if node.text == "never" { return nil }
        return duration(
            node,
            "reauthentication",
            in: .seconds(300)...(.seconds(30 * 86_400)),
            saying: "5m to 30d, or never"
        )
    }

    private func traffic(
        _ node: YAMLNode,
        of path: Section,
        else everything: [IPPrefix]
    ) -> (local: [IPPrefix], remote: [IPPrefix])? {
        guard let section = Section(node, of: "traffic of \(path.what)", keys: ["local", "remote"], reading: self)
        else {
            return nil
        }
        func prefixes(_ key: String) -> [IPPrefix] {
            guard let node = section[key] else { return everything }
            return (list(node, key) ?? []).compactMap { prefix($0, key) }
        }
        return (prefixes("local"), prefixes("remote"))
    }

    /// The certificates of a PEM text, each by itself.
    private static func single(_ text: String) -> [String] {
        let end = "-----END CERTIFICATE-----\n"
        return text.split(separator: end, omittingEmptySubsequences: true).map { String($0) + end }
    }
}

private enum EncapsulationWord: String, CaseIterable {
    case auto
    case always
}

extension KeyForm<Secret> {
    /// A key that both ends of an IPsec tunnel have: what the file holds, without the end of its line.
    fileprivate static let ipsecPreshared = shared(
        of: 16...256,
        remedy: "openssl rand -base64 32 makes one; a shorter one is soon guessed by whoever poses as the other end"
    )

    /// What a file holds, without the end of its line.
    static func shared(of length: ClosedRange<Int>, remedy: String) -> Self {
        KeyForm(
            parse: { octets in
                var secret = octets[...]
                if secret.last == UInt8(ascii: "\n") { secret.removeLast() }
                if secret.last == UInt8(ascii: "\r") { secret.removeLast() }
                return length.contains(secret.count) ? Secret(secret) : nil
            },
            problem: "holds no key of \(length.lowerBound) to \(length.upperBound) octets",
            remedy: remedy,
            makeStandIn: { Secret($0) }
        )
    }
}

extension HostEndpoint {
    /// As whom a gateway proves itself where the file does not say.
    fileprivate var identity: String {
        switch host {
        case .name(let name): name.withoutRootDot
        case .address(let address): "\(address)"
        }
    }
}
