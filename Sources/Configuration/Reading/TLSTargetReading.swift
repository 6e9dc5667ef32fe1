// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth

extension Reading {
    /// The keys of a target that is asked over TLS, besides its own.
    static let tlsKeys = ["name", "ca-file", "certificate-file", "private-key-file", "every"]
    /// What only one has that a request is made to.
    static let httpsKeys = ["path", "status", "sas"]

    /// A target that is asked by a TLS handshake, and by a request over it where its kind is https.
    func tlsTarget(_ node: YAMLNode, _ kind: String, in section: Section, of network: String) -> TLSTarget? {
        if let text = node.text, case .name? = HostEndpoint(text)?.host {
            let hint = "\(kind): ADDRESS:PORT, name: NAME"
            error(node.mark, "\(kind): '\(text)' is not an address and a port", hint: hint)
            return nil
        }
        let endpoint = endpoint(node, kind)
        if let endpoint {
            declared.targets.append(Sighting(value: endpoint.address, owner: network, mark: node.mark))
        }
        if section["name"] == nil {
            let hint = "name: NAME, as the server is called and as its certificate says"
            error(node.mark, "\(kind == "tls" ? "a tls" : "an https") target has no name", hint: hint)
        }
        let name = section["name"].flatMap { serverName($0) }
        let roots = section["ca-file"].map { ($0, certificates($0, "ca-file")) }
        let identity = identity(in: section)
        let request = kind == "https" ? httpRequest(in: section, at: node.mark) : nil
        let usual = kind == "https" ? TLSTarget.usualRequestInterval : TLSTarget.usualInterval
        let interval =
            section["every"].map { duration($0, "every", in: TLSTarget.intervals, saying: "5s to 1h") } ?? usual
        if let interval {
            declared.paces.append(Sighting(value: interval, owner: network, mark: section["every"]?.mark ?? node.mark))
        }
        guard let endpoint, let name, let interval, roots.map({ $0.1 != nil }) ?? true,
            kind == "tls" || request != nil
        else { return nil }
        return TLSTarget(
            endpoint: endpoint,
            name: name,
            roots: roots?.1,
            identity: identity,
            request: request,
            interval: interval
        )
    }

    /// The certificate and its key; nil where there are none, or an error was reported.
    func identity(in section: Section, of owner: String = "the target") -> ClientIdentity? {
        switch (section["certificate-file"], section["private-key-file"]) {
        case (let certificate?, let key?):
            let certificates = certificates(certificate, "certificate-file")
            let privateKey = certificateKey(key, "private-key-file")
            guard let certificates, let privateKey else { return nil }
            return ClientIdentity(certificates: certificates, privateKey: privateKey)
        case (let certificate?, nil):
            let hint = "private-key-file: FILE, with the key of that certificate"
            error(certificate.mark, "certificate-file: \(owner) has no private-key-file", hint: hint)
        case (nil, let key?):
            let hint = "certificate-file: FILE, with the certificate of that key"
            error(key.mark, "private-key-file: \(owner) has no certificate-file", hint: hint)
        case (nil, nil): break
        }
        return nil
    }

    /// Whoever asks so seldom finds no dead path in time; and who is asked is counted once.
    func check(_ targets: [(target: TargetsConfiguration.Target, mark: Mark)], of network: String, at mark: Mark) {
        var seen: [String: Mark] = [:]
        for (target, mark) in targets {
            let words = "\(Target(target))"
            if let earlier = seen[words] {
                error(mark, "\(words) is listed twice", hint: "the first is on line \(earlier.line)")
            } else {
                seen[words] = mark
            }
        }
        guard !targets.isEmpty, targets.allSatisfy({ if case .tls = $0.target { true } else { false } }) else { return }
        let kinds = "tls and https targets only"
        let message = "list: network '\(network)' has \(kinds), asked too seldom to know a dead path in time"
        error(mark, message, hint: "needs at least one of icmp, tcp and dns")
    }

    /// A name that a server can be called by (RFC 6066 section 3): letters, digits and hyphens, and no address.
    func serverName(_ node: YAMLNode, _ what: String = "name") -> DomainName? {
        guard let name = value(node, what, as: DomainName.self, form: "a server's name") else { return nil }
        let isHost = name.labels.allSatisfy { label in
            label.allSatisfy { octet in
                let character = Character(UnicodeScalar(octet))
                return character.isASCII && (character.isLetter || character.isNumber) || "-_".contains(character)
            }
        }
        let isAddress = name.labels.last?.allSatisfy { Character(UnicodeScalar($0)).isNumber } ?? true
        guard isHost, !isAddress else {
            error(
                node.mark,
                "\(what): '\(name.withoutRootDot)' is not a server's name",
                hint: "letters, digits and '-', as in hub1.azure-devices.net"
            )
            return nil
        }
        return name
    }
}
