// SPDX-License-Identifier: Apache-2.0

/// The name of something in the file: a path, a network, a site. Names of different kinds are different types.
public struct Name<Kind>: Hashable, Sendable {
    /// 1 to 32 letters, digits, `-`, `_` or `.`, the first a letter or a digit.
    public let text: String
}

extension Name: TextValue, Comparable {
    /// The name.
    public var description: String { text }

    /// Checks the form; nil where it is not that of a name.
    public init?(_ description: String) {
        let octets = description.utf8
        guard (1...32).contains(octets.count), octets.allSatisfy(\.isNameOctet), octets.first?.isAlphanumeric == true
        else { return nil }
        text = description
    }

    /// In the order of their text.
    public static func < (left: Self, right: Self) -> Bool {
        left.text < right.text
    }
}

/// Marks the names of paths.
public enum PathKind {}
/// Marks the names of networks.
public enum NetworkKind {}
/// Marks the names of sites.
public enum SiteKind {}
/// Marks the names of sets of names.
public enum NameSetKind {}

/// The name of a path.
public typealias PathName = Name<PathKind>
/// The name of a network.
public typealias NetworkName = Name<NetworkKind>
/// The name of a site.
public typealias SiteName = Name<SiteKind>
/// The name of a set of names whose addresses the firewall knows.
public typealias NameSetName = Name<NameSetKind>

/// The name of a kernel network interface (`dev_valid_name` in the kernel: at most 15 octets, no `/`, `:` or space).
public struct InterfaceName: Hashable, Sendable {
    /// The name as the kernel has it.
    public let text: String
}

extension InterfaceName: TextValue, Comparable {
    /// The name.
    public var description: String { text }

    /// Checks the form; nil where the kernel would refuse it.
    public init?(_ description: String) {
        guard (1...15).contains(description.utf8.count), description != ".", description != "..",
            description.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ":") }
            )
        else { return nil }
        text = description
    }

    /// In the order of their text.
    public static func < (left: Self, right: Self) -> Bool {
        left.text < right.text
    }
}

extension UInt8 {
    fileprivate var isAlphanumeric: Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self)
            || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(asciiLowered)
    }

    fileprivate var isNameOctet: Bool {
        isAlphanumeric || self == UInt8(ascii: "-") || self == UInt8(ascii: "_") || self == UInt8(ascii: ".")
    }
}
