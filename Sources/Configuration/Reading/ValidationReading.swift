// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PrivateDNS
import SystemIO

extension Reading {
    private enum Switch: String, CaseIterable {
        case off
        case on
    }

    /// The section `dnssec` of the resolver; nil where nothing is validated.
    func validation(_ node: YAMLNode, hasUpstreams: Bool) -> ValidationConfiguration? {
        let keys = ["validate", "trust-anchor-file", "negative-trust-anchors"]
        guard let section = Section(node, of: "dnssec", keys: keys, reading: self) else { return nil }
        let isOn = section.required("validate").flatMap { choice($0, "validate", of: Switch.self) } == .on
        let anchors = section["trust-anchor-file"].flatMap(trustAnchors)
        let negative = section["negative-trust-anchors"].map { node in
            (list(node, "negative-trust-anchors", mayBeEmpty: true) ?? []).compactMap(negativeTrustAnchor)
        }
        guard isOn else { return nil }
        if !hasUpstreams {
            error(node.mark, "dnssec: there are no upstreams to validate", hint: "upstreams: [{address: ADDRESS}]")
        }
        return ValidationConfiguration(anchors: anchors, negative: negative ?? [])
    }

    private func trustAnchors(_ node: YAMLNode) -> String? {
        let what = "trust-anchor-file"
        guard let name = text(node, what), readsNamedFiles else { return nil }
        do throws(SystemError) {
            let octets = try Files.read(try Files.open(pathOfKey(name)), limit: 64 << 10)
            let text = String(decoding: octets, as: UTF8.self)
            do throws(TrustAnchors.Failure) {
                _ = try TrustAnchors(text, except: [])
                return text
            } catch {
                let hint = "as in '. DS 20326 8 2 E06D…', one a line"
                self.error(
                    node.mark,
                    "\(what): line \(error.line) of '\(name)' is no DS record of the root",
                    hint: hint
                )
            }
        } catch {
            self.error(node.mark, "\(what): cannot read '\(name)': \(SystemError.text(of: error.code))")
        }
        return nil
    }

    private func negativeTrustAnchor(_ node: YAMLNode) -> ValidationConfiguration.NegativeTrustAnchor? {
        let what = "a negative trust anchor"
        guard let section = Section(node, of: what, keys: ["name", "until"], reading: self),
            let name = section.required("name").flatMap({
                value($0, "name", as: DomainName.self, form: "a domain name")
            }),
            let day = section.required("until"), let text = text(day, "until")
        else { return nil }
        guard name != .root else {
            error(node.mark, "\(what) for the root is for all names", hint: "validate: off")
            return nil
        }
        guard let number = Self.day(text) else {
            error(day.mark, "until: '\(text)' is not a day", hint: "as in 2026-12-31; it ends with that day (UTC)")
            return nil
        }
        let anchor = ValidationConfiguration.NegativeTrustAnchor(
            name: name,
            lastDay: text,
            end: (number + 1) * 86_400
        )
        if let message = anchor.warning(at: SystemClock().wallNanoseconds / 1_000_000_000) {
            warning(day.mark, message, hint: "remove it, or name another day if it is still needed")
        }
        return anchor
    }

    /// Days since 1970 of a day of the Gregorian calendar, as YYYY-MM-DD; nil for what is none.
    static func day(_ text: String) -> Int64? {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.map(\.utf8.count) == [4, 2, 2],
            text.utf8.allSatisfy({ (45...57).contains($0) && $0 != 46 && $0 != 47 }),
            let year = Int64(parts[0]), let month = Int64(parts[1]), let day = Int64(parts[2]), year >= 1970
        else { return nil }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let lengths: [Int64] = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        guard (1...12).contains(month), (1...lengths[Int(month) - 1]).contains(day) else { return nil }
        let before = year - 1
        let leaps = (before / 4 - before / 100 + before / 400) - (1969 / 4 - 1969 / 100 + 1969 / 400)
        return (year - 1970) * 365 + leaps + lengths.prefix(Int(month) - 1).reduce(0, +) + day - 1
    }
}
