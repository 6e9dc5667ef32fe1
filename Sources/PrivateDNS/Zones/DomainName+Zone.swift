// SPDX-License-Identifier: Apache-2.0

package import NetworkTypes

extension DomainName {
    /// Whether its leftmost label is an asterisk alone (RFC 4592 section 2.1.1).
    var isWildcard: Bool { wire.count > 2 && wire[0] == 1 && wire[1] == UInt8(ascii: "*") }

    /// The wildcard right below it; nil where that would be too long.
    var wildcard: DomainName? { DomainName(wire: [1, UInt8(ascii: "*")] + wire) }

    /// The same name below another parent; nil where it would be longer than 255 octets.
    /// - Parameter parent: the name, or one that it lies below.
    func moved(from parent: DomainName, to other: DomainName) -> DomainName? {
        DomainName(wire: wire.dropLast(parent.wire.count) + other.wire)
    }

    /// The longest of some names that it is or lies below.
    package func closest(in names: Set<DomainName>) -> DomainName? {
        var name: DomainName? = self
        while let current = name {
            if names.contains(current) { return current }
            name = current.parent
        }
        return nil
    }

    /// Reads a name of a zone file: `@` is the origin, and a name without a last dot lies below it (RFC 1035 section
    /// 5.1).
    init?(_ text: String, relativeTo origin: DomainName) {
        if text == "@" {
            self = origin
            return
        }
        guard let name = DomainName(text) else { return nil }
        let escapes = text.utf8.dropLast().reversed().prefix { $0 == UInt8(ascii: "\\") }.count
        if text.hasSuffix("."), escapes.isMultiple(of: 2) {
            self = name
        } else {
            self.init(wire: name.wire.dropLast() + origin.wire)
        }
    }
}
