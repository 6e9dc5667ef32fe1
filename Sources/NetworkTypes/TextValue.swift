// SPDX-License-Identifier: Apache-2.0

/// A value with one text form, which is that text in JSON, too.
public protocol TextValue: LosslessStringConvertible, Codable {}

extension TextValue {
    /// Reads the text form. Throws where the text is not that of such a value.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let value = Self(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a \(Self.self): '\(text)'")
        }
        self = value
    }

    /// Writes the text form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
