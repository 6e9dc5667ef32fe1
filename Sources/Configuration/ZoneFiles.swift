// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// The zone files that a file names, as they were read: others may come in their place while it stays the same.
public struct ZoneFiles: Equatable, Sendable {
    /// A file by its name as it stands in the file, and the zone whose names it has: relative ones are others in another.
    struct Key: Hashable, Sendable {
        let name: String
        let zone: DomainName
    }

    enum Content: Equatable, Sendable {
        case whole(String, hosts: ZoneHosts)
        /// What is wrong with it.
        case broken([Diagnostic])
    }

    var contents: [Key: Content] = [:]

    /// The texts of those without a mistake, by their names.
    public var texts: [String: String] {
        contents.reduce(into: [:]) { texts, item in
            if case .whole(let text, _) = item.value { texts[item.key.name] = text }
        }
    }

    /// What is taken for the text of a zone file, and what becomes of a zone whose text is not whole.
    public enum Terms: Sendable {
        /// What the file holds; a mistake is an error.
        case needed
        /// The text of that name, else what the file holds. The names of a zone without are not answered, and that is a
        /// warning: a slip in one zone's file takes neither tunnels nor other zones down.
        case dispensable(texts: [String: String] = [:])
        /// What was read before, whatever the file holds by now.
        case kept(ZoneFiles)
    }
}

/// The hosts in a zone's records: the names with addresses.
public struct ZoneHosts: Hashable, Sendable {
    /// The first ones, in the order of the records.
    public let names: [DomainName]
    /// How many there are in all.
    public let count: Int

    /// How many are named at the most.
    public static let limit = 500
    /// No hosts.
    public static let none = ZoneHosts(names: [], count: 0)
}
