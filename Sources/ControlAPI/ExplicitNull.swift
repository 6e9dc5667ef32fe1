// SPDX-License-Identifier: Apache-2.0
// Swift leaves out keys whose value is nil. Programs that read our JSON may rely on every documented key instead:
// what is not known is null, and null is not the same as "this pnetd does not know the key".

/// An optional value whose key stays in the JSON when there is none.
@propertyWrapper
public struct ExplicitNull<Value: Hashable & Sendable & Codable>: Hashable, Sendable {
    /// The value, or nil for null.
    public var wrappedValue: Value?

    /// Wraps a value.
    public init(wrappedValue: Value?) {
        self.wrappedValue = wrappedValue
    }
}

extension ExplicitNull: Codable {
    /// Reads a value or null.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        wrappedValue = container.decodeNil() ? nil : try container.decode(Value.self)
    }

    /// Writes the value or null.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if let wrappedValue {
            try container.encode(wrappedValue)
        } else {
            try container.encodeNil()
        }
    }
}

extension KeyedDecodingContainer {
    /// A key that an older pnetd does not send reads as null; the compiler's own decoding code calls this.
    func decode<Value>(_ type: ExplicitNull<Value>.Type, forKey key: Key) throws -> ExplicitNull<Value> {
        try decodeIfPresent(type, forKey: key) ?? ExplicitNull(wrappedValue: nil)
    }
}
