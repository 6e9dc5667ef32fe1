// SPDX-License-Identifier: Apache-2.0

/// A message of D-Bus (D-Bus Specification, "Message Format").
///
///     endian  type  flags  version = 1 | body's length | serial | header fields a(yv) | padding to 8 | body
public struct DBusMessage: Hashable, Sendable {
    /// What it is for.
    public enum Kind: UInt8, Hashable, Sendable {
        case call = 1
        case reply = 2
        case error = 3
        case signal = 4
    }

    /// What it is for.
    public var kind: Kind
    /// Its number among those of its sender, not 0.
    public var serial: UInt32 = 1
    /// The call that a reply or an error is about.
    public var replyTo: UInt32?
    /// The object that is called, or that tells.
    public var path: String?
    /// The interface of the method or the signal.
    public var interface: String?
    /// The method or the signal.
    public var member: String?
    /// What went wrong, as in `org.freedesktop.DBus.Error.ServiceUnknown`.
    public var errorName: String?
    /// Whom it is for.
    public var destination: String?
    /// Whom it is from, as the bus says.
    public var sender: String?
    /// What is said.
    public var body: [DBusValue] = []

    /// Longer ones are not taken; the specification allows 128 MiB.
    static let sizeLimit = 1 << 20
    /// Nobody is to be started for it (NO_AUTO_START).
    private static let withoutStarting: UInt8 = 2
    private static let fixedSize = 16

    private enum Field: UInt8 {
        case path = 1
        case interface = 2
        case member = 3
        case errorName = 4
        case replySerial = 5
        case destination = 6
        case sender = 7
        case signature = 8
    }

    /// Makes a message of a kind.
    init(_ kind: Kind) { self.kind = kind }

    /// The message in wire form.
    var bytes: [UInt8] {
        var content = DBusWriter()
        for value in body { content.put(value) }
        var fields: [(Field, DBusValue)] = []
        if let path { fields.append((.path, .objectPath(path))) }
        if let interface { fields.append((.interface, .string(interface))) }
        if let member { fields.append((.member, .string(member))) }
        if let errorName { fields.append((.errorName, .string(errorName))) }
        if let replyTo { fields.append((.replySerial, .uint32(replyTo))) }
        if let destination { fields.append((.destination, .string(destination))) }
        if let sender { fields.append((.sender, .string(sender))) }
        let signature = body.map(\.signature).joined()
        if !signature.isEmpty { fields.append((.signature, .signature(signature))) }
        var header = DBusWriter()
        for octet in [UInt8(ascii: "l"), kind.rawValue, kind == .call ? Self.withoutStarting : 0, 1] {
            header.put(.byte(octet))
        }
        header.put(.uint32(UInt32(content.bytes.count)))
        header.put(.uint32(serial))
        header.put(.array(of: "(yv)", fields.map { .structure([.byte($0.rawValue), .variant($1)]) }))
        header.align(8)
        return header.bytes + content.bytes
    }

    /// How long the message is that begins with these octets; nil while there are too few to tell.
    static func length(_ bytes: ArraySlice<UInt8>) throws(DBusGarbage) -> Int? {
        guard bytes.count >= fixedSize else { return nil }
        let fixed = try fixedPart(bytes)
        let header = (fixedSize + Int(fixed.fields) + 7) / 8 * 8
        let length = header + Int(fixed.body)
        guard length <= sizeLimit else { throw .tooLong }
        return length
    }

    private static func fixedPart(
        _ bytes: ArraySlice<UInt8>
    ) throws(DBusGarbage) -> (isLittleEndian: Bool, kind: UInt8, body: UInt32, serial: UInt32, fields: UInt32) {
        let isLittleEndian = bytes.first == UInt8(ascii: "l")
        guard isLittleEndian || bytes.first == UInt8(ascii: "B") else { throw .header }
        var reader = DBusReader(bytes, isLittleEndian: isLittleEndian)
        let values = try reader.values("yyyyuuu")
        guard case .byte(let kind) = values[1], values[3] == .byte(1), case .uint32(let body) = values[4],
            case .uint32(let serial) = values[5], serial != 0, case .uint32(let fields) = values[6]
        else { throw .header }
        return (isLittleEndian, kind, body, serial, fields)
    }

    /// Reads one whole message; nil where it is of a kind that is to be passed over.
    init?(_ bytes: ArraySlice<UInt8>) throws(DBusGarbage) {
        let fixed = try Self.fixedPart(bytes)
        guard let kind = Kind(rawValue: fixed.kind) else { return nil }
        self.init(kind)
        serial = fixed.serial
        var reader = DBusReader(bytes, isLittleEndian: fixed.isLittleEndian)
        guard let fields = try reader.values("yyyyuua(yv)").last?.elements else { throw .header }
        var signature = ""
        for field in fields {
            guard let parts = field.fields, case .byte(let number) = parts[0], case .variant(let value) = parts[1]
            else {
                throw .header
            }
            switch (Field(rawValue: number), value) {
            case (.path, .objectPath(let text)): path = text
            case (.interface, .string(let text)): interface = text
            case (.member, .string(let text)): member = text
            case (.errorName, .string(let text)): errorName = text
            case (.replySerial, .uint32(let number)): replyTo = number
            case (.destination, .string(let text)): destination = text
            case (.sender, .string(let text)): sender = text
            case (.signature, .signature(let text)): signature = text
            // Further ones are to be passed over.
            case (nil, _): continue
            default: throw .header
            }
        }
        try reader.align(8)
        body = try Self.body(bytes.dropFirst(reader.position), signature, fixed.isLittleEndian)
    }

    private static func body(
        _ bytes: ArraySlice<UInt8>,
        _ signature: String,
        _ isLittleEndian: Bool
    ) throws(DBusGarbage) -> [DBusValue] {
        var reader = DBusReader(bytes, isLittleEndian: isLittleEndian)
        let values = try reader.values(signature)
        guard reader.position == bytes.count else { throw .truncated }
        return values
    }
}
