// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PathHealth
import SystemIO

extension Reading {
    /// The keys of a TLS target besides its own.
    static let tlsKeys = ["name", "ca-file", "every"]

    /// A target that is asked by a TLS handshake.
    func tlsTarget(_ node: YAMLNode, in section: Section, of network: String) -> TLSTarget? {
        if let text = node.text, case .name? = HostEndpoint(text)?.host {
            error(node.mark, "tls: '\(text)' is not an address and a port", hint: "tls: ADDRESS:PORT, name: NAME")
            return nil
        }
        let endpoint = endpoint(node, "tls")
        if let endpoint {
            declared.targets.append(Sighting(value: endpoint.address, owner: network, mark: node.mark))
        }
        if section["name"] == nil {
            let hint = "name: NAME, as the server is called and as its certificate says"
            error(node.mark, "a tls target has no name", hint: hint)
        }
        let name = section["name"].flatMap(serverName)
        let roots = section["ca-file"].map { ($0, self.roots($0)) }
        let interval =
            section["every"].map { duration($0, "every", in: TLSTarget.intervals, saying: "5s to 1h") }
            ?? TLSTarget.usualInterval
        guard let endpoint, let name, let interval, roots.map({ $0.1 != nil }) ?? true else { return nil }
        return TLSTarget(endpoint: endpoint, name: name, roots: roots?.1, interval: interval)
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
        let message = "list: network '\(network)' has tls targets only, asked too seldom to know a dead path in time"
        error(mark, message, hint: "needs at least one of icmp, tcp and dns")
    }

    /// A name that a server can be called by (RFC 6066 section 3): letters, digits and hyphens, and no address.
    private func serverName(_ node: YAMLNode) -> DomainName? {
        guard let name = value(node, "name", as: DomainName.self, form: "a server's name") else { return nil }
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
                "name: '\(name.withoutRootDot)' is not a server's name",
                hint: "letters, digits and '-', as in hub1.azure-devices.net"
            )
            return nil
        }
        return name
    }

    /// The certificates in a file, as they stand there and without what is around them.
    private func roots(_ node: YAMLNode) -> String? {
        guard let name = text(node, "ca-file") else { return nil }
        guard readsNamedFiles else { return "" }
        let octets: [UInt8]
        do throws(SystemError) {
            let file = try Files.open(pathOfKey(name))
            let status = try Files.status(of: file)
            guard status.isRegular, status.size <= TLSTarget.longestRoots else {
                let problem = status.isRegular ? "is longer than \(TLSTarget.longestRoots) octets" : "is not a file"
                self.error(node.mark, "ca-file: '\(name)' \(problem)")
                return nil
            }
            octets = try Files.read(file, limit: TLSTarget.longestRoots)
        } catch {
            self.error(node.mark, "ca-file: cannot read '\(name)': \(SystemError.text(of: error.code))")
            return nil
        }
        guard let certificates = PEMText(octets).certificates, !certificates.isEmpty else {
            let hint = "PEM, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----, one or more"
            error(node.mark, "ca-file: '\(name)' holds no certificate, or half of one", hint: hint)
            return nil
        }
        return certificates
    }
}

/// The lines of a PEM file (RFC 7468).
private struct PEMText {
    private let lines: [Substring]

    init(_ octets: [UInt8]) {
        lines = String(decoding: octets, as: UTF8.self).split(whereSeparator: \.isNewline)
    }

    /// The lines of its certificates alone: a private key that stands beside them goes nowhere. Nil where one does not
    /// end, or holds what is not base64.
    var certificates: String? {
        var kept = ""
        var isInside = false
        for line in lines {
            let isBegin = line == "-----BEGIN CERTIFICATE-----"
            let isEnd = line == "-----END CERTIFICATE-----"
            guard isBegin || isInside else { continue }
            guard isBegin != isInside, isBegin || isEnd || line.utf8.allSatisfy(\.isBase64) else { return nil }
            kept += line + "\n"
            isInside = !isEnd
        }
        return isInside ? nil : kept
    }
}

extension UInt8 {
    fileprivate var isBase64: Bool {
        switch self {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="):
            true
        default: false
        }
    }
}
