// SPDX-License-Identifier: Apache-2.0

/// A value of D-Bus, as far as systemd-resolved's interface has them (D-Bus Specification, "Type System").
public indirect enum DBusValue: Hashable, Sendable {
    /// BYTE, `y`.
    case byte(UInt8)
    /// BOOLEAN, `b`.
    case boolean(Bool)
    /// UINT16, `q`.
    case uint16(UInt16)
    /// INT32, `i`.
    case int32(Int32)
    /// UINT32, `u`.
    case uint32(UInt32)
    /// UINT64, `t`.
    case uint64(UInt64)
    /// STRING, `s`: UTF-8 without NUL.
    case string(String)
    /// OBJECT_PATH, `o`.
    case objectPath(String)
    /// SIGNATURE, `g`.
    case signature(String)
    /// ARRAY, `a` and the signature of its elements, which an empty one has as well.
    case array(of: String, [DBusValue])
    /// STRUCT, `(…)`.
    case structure([DBusValue])
    /// DICT_ENTRY, `{…}`: the key and the value.
    case entry(DBusValue, DBusValue)
    /// VARIANT, `v`.
    case variant(DBusValue)

    /// Its type, in the letters of the specification.
    public var signature: String {
        switch self {
        case .byte: "y"
        case .boolean: "b"
        case .uint16: "q"
        case .int32: "i"
        case .uint32: "u"
        case .uint64: "t"
        case .string: "s"
        case .objectPath: "o"
        case .signature: "g"
        case .array(let element, _): "a\(element)"
        case .structure(let fields): "(\(fields.map(\.signature).joined()))"
        case .entry(let key, let value): "{\(key.signature)\(value.signature)}"
        case .variant: "v"
        }
    }

    /// The text of a STRING; nil for anything else.
    public var text: String? { if case .string(let text) = self { text } else { nil } }

    /// The elements of an ARRAY; nil for anything else.
    public var elements: [DBusValue]? { if case .array(_, let elements) = self { elements } else { nil } }

    /// The fields of a STRUCT; nil for anything else.
    public var fields: [DBusValue]? { if case .structure(let fields) = self { fields } else { nil } }

    /// An ARRAY of BYTE.
    static func bytes(_ octets: [UInt8]) -> DBusValue { .array(of: "y", octets.map { .byte($0) }) }
}
