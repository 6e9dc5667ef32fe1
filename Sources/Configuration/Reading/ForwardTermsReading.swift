// SPDX-License-Identifier: Apache-2.0

import PrivateDNS

extension Reading {
    /// The keys of a zone, or a preset, that servers are asked for.
    static let forwardTermKeys = ["prefixes", "types", "last-known-good", "public-after", "trust-ad"]

    /// What holds of a zone whose names servers are asked for; the keys have no meaning beside another source.
    func forwardTerms(of section: Section, beside source: String) -> ForwardTerms {
        var terms = ForwardTerms()
        guard source == "forward" else {
            for key in Self.forwardTermKeys {
                if let node = section[key] { error(node.mark, "\(key): only a zone with 'forward' has it") }
            }
            return terms
        }
        terms.prefixes = section["prefixes"].map { node in
            (list(node, "prefixes") ?? []).compactMap { item in
                let prefix = prefix(item, "prefixes")
                if let prefix {
                    declared.zonePrefixes.append(Sighting(value: prefix, owner: section.what, mark: item.mark))
                }
                return prefix
            }
        }
        terms.types = section["types"].map { node in Set((list(node, "types") ?? []).compactMap(recordType)) }
        if let node = section["last-known-good"] { terms.lastKnownGood = lastKnownGood(node) }
        if let node = section["trust-ad"] { terms.trustsAD = boolean(node, "trust-ad") ?? false }
        if let node = section["public-after"] {
            let reasons = (list(node, "public-after", mayBeEmpty: true) ?? []).compactMap {
                choice($0, "public-after", of: ForwardTerms.PublicReason.self)
            }
            terms.publicAfter = Set(reasons)
            if !reasons.isEmpty {
                declared.publicAfter.append(Sighting(value: "public-after", owner: section.what, mark: node.mark))
            }
        }
        return terms
    }

    private func recordType(_ node: YAMLNode) -> UInt16? {
        guard let name = text(node, "types") else { return nil }
        let number = RecordTypeText.number(of: name)
        if number == nil { error(node.mark, "types: '\(name)' is no type of records", hint: "as in [A, AAAA, TXT]") }
        return number
    }

    private func lastKnownGood(_ node: YAMLNode) -> ForwardTerms.LastKnownGood? {
        if node.text == "off" { return nil }
        let what = "last-known-good"
        guard case .mapping = node.content else {
            error(node.mark, "\(what) must be off, or a mapping", hint: "as in {port: 443, for: 3d}")
            return nil
        }
        guard let section = Section(node, of: what, keys: ["port", "for"], reading: self) else { return nil }
        var terms = ForwardTerms.LastKnownGood()
        if let port = section["port"].flatMap({ integer($0, "port", in: 1...65_535) }) { terms.port = UInt16(port) }
        let ages = ForwardTerms.LastKnownGood.ages
        if let age = section["for"].flatMap({
            duration($0, "for", in: ages, saying: ForwardTerms.LastKnownGood.agesText)
        }) {
            terms.age = age
        }
        return terms
    }
}
