// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// A set of names whose addresses the firewall knows, as the file asks for it.
public struct NameSetConfiguration: Hashable, Sendable {
    /// The set's name.
    public let name: NameSetName
    /// What is in it, with all below it.
    public let domains: [DomainName]
}
