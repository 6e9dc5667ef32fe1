// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// What the resolver remembers of private names, as octets that only a resolver reads: the agent keeps them, since the
/// resolver may write no file, and hands them to the next one.
public struct RememberedNames: Hashable, Sendable, Codable {
    /// The most that is taken: in a message they take a third more, which is less than the agent reads at once.
    public static let limit = 256 << 10

    /// The octets.
    public let octets: [UInt8]

    /// Takes octets.
    public init(_ octets: [UInt8]) {
        self.octets = octets
    }

    /// Reads them from base64. Throws where they are too many.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        octets = Array(try container.decode(Data.self))
        guard octets.count <= Self.limit else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "more than \(Self.limit) octets")
        }
    }

    /// Writes them as base64.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(Data(octets))
    }
}
