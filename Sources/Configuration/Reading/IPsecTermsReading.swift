// SPDX-License-Identifier: Apache-2.0

extension Reading {
    /// What a path of `kind: ipsec` asks of the other end: what it says itself goes before the gateway's preset.
    func terms(_ section: Section, _ gateway: CloudGateway?) -> IPsecTerms {
        var terms = gateway?.terms ?? .standard
        let proposals = section["proposals"].flatMap {
            Section($0, of: "proposals of \(section.what)", keys: ["ike", "esp"], reading: self)
        }
        if let ike = proposals?["ike"] {
            terms.proposals.ike = self.proposals(ike, "ike")
            terms.offersMLKEM = false
        } else if gateway == .azure, let node = section["preset"] {
            let hint = "give its connection a policy with GCMAES256, SHA384 and ECP384, and the path 'proposals'"
            warning(node.mark, "preset azure offers the gateway's own DH group 2 as well, which is weak", hint: hint)
        }
        if let esp = proposals?["esp"] { terms.proposals.esp = self.proposals(esp, "esp") }
        let lifetimes = section["lifetimes"].flatMap {
            Section($0, of: "lifetimes of \(section.what)", keys: ["ike", "child"], reading: self)
        }
        if let time = lifetimes?["ike"].flatMap({ lifetime($0, "ike") }) { terms.lifetimes.ike = time }
        if let time = lifetimes?["child"].flatMap({ lifetime($0, "child") }) { terms.lifetimes.child = time }
        return terms
    }

    private func lifetime(_ node: YAMLNode, _ key: String) -> Duration? {
        duration(node, key, in: .seconds(300)...(.seconds(24 * 3_600)), saying: "5m to 24h")
    }

    private func proposals(_ node: YAMLNode, _ key: String) -> [String] {
        (list(node, key) ?? []).compactMap { item in
            guard let text = self.text(item, key) else { return nil }
            guard !text.hasPrefix("null") else {
                error(item.mark, "\(key): '\(text)' hides nothing of what goes across", hint: Self.exampleOfAProposal)
                return nil
            }
            guard text.utf8.allSatisfy(\.isOfAProposal) else {
                error(item.mark, "\(key): '\(text)' is no proposal", hint: Self.exampleOfAProposal)
                return nil
            }
            return text
        }
    }

    private static let exampleOfAProposal = "as in aes256gcm16-ecp384"
}

extension UInt8 {
    /// Letters, digits, `-` and `_`.
    fileprivate var isOfAProposal: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
            UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
