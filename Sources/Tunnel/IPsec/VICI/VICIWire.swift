// SPDX-License-Identifier: Apache-2.0

/// What bounds a message, and the numbers of its elements (README of the vici plugin; vici_message.h, vici_socket.c).
enum VICIWire {
    /// The longest segment: "512KB of data", without its length header.
    static let segmentLimit = 512 << 10
    /// A name's length has eight bits.
    static let nameLimit = 255
    /// A value's length has sixteen bits.
    static let valueLimit = 65_535
    /// How deep sections nest, at the most. charon goes to four: connection, child-sas, child, old.
    static let depthLimit = 16

    enum Element: UInt8 {
        case sectionStart = 1
        case sectionEnd
        case keyValue
        case listStart
        case listItem
        case listEnd
    }
}

/// Why a message cannot be sent.
public enum VICIEncodingError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A name has more than 255 octets.
    case nameTooLong(String)
    /// A value has more than 65,535 octets.
    case valueTooLong(name: String, octets: Int)
    /// Sections are in sections in sections, more than charon would ever ask for.
    case tooDeep
    /// The packet has more than 512 KiB.
    case segmentTooLong(octets: Int)

    /// The reason, without any value.
    public var description: String {
        switch self {
        case .nameTooLong(let name): "a name is longer than 255 octets: \(name.prefix(32))…"
        case .valueTooLong(let name, let octets): "\(name) has \(octets) octets, more than the 65535 of a value"
        case .tooDeep: "sections nest deeper than \(VICIWire.depthLimit)"
        case .segmentTooLong(let octets): "the packet has \(octets) octets, more than the 512 KiB of a segment"
        }
    }
}

/// Why what came is not VICI.
public enum VICIGarbage: String, Error, Hashable, Sendable, CustomStringConvertible {
    /// It ends within an element.
    case truncated
    /// A segment of length 0, which has no packet's type.
    case empty
    /// A segment longer than 512 KiB.
    case oversized
    /// A packet's type that there is not.
    case packetType
    /// Octets behind a packet that carries nothing.
    case trailing
    /// An element's type that there is not.
    case elementType
    /// A list within a list, an item outside, or something else inside one.
    case misplaced
    /// A section ends that did not begin, or begins and does not end.
    case unbalanced
    /// Sections nest deeper than charon's.
    case tooDeep
    /// A packet that only a client sends.
    case direction
    /// A response or a confirmation that nothing asked for.
    case unasked
    /// More events than any list of charon has.
    case endless

    /// What is wrong.
    public var description: String {
        switch self {
        case .truncated: "it ends within an element"
        case .empty: "a segment is empty"
        case .oversized: "a segment is longer than 512 KiB"
        case .packetType: "a packet is of no known type"
        case .trailing: "octets follow where none belong"
        case .elementType: "an element is of no known type"
        case .misplaced: "an element stands where it must not"
        case .unbalanced: "sections do not balance"
        case .tooDeep: "sections nest too deeply"
        case .direction: "a packet came that only a client sends"
        case .unasked: "a response came that nothing asked for"
        case .endless: "a list does not end"
        }
    }
}

/// Takes octets from the front, and never more than there are.
struct VICIReader {
    private let octets: [UInt8]
    private var place = 0

    init(_ octets: [UInt8]) {
        self.octets = octets
    }

    var isAtEnd: Bool { place == octets.count }

    mutating func octet() throws(VICIGarbage) -> UInt8 {
        guard place < octets.count else { throw .truncated }
        defer { place += 1 }
        return octets[place]
    }

    private mutating func take(_ count: Int) throws(VICIGarbage) -> [UInt8] {
        guard count <= octets.count - place else { throw .truncated }
        defer { place += count }
        return Array(octets[place..<place + count])
    }

    mutating func name() throws(VICIGarbage) -> [UInt8] {
        try take(Int(octet()))
    }

    mutating func value() throws(VICIGarbage) -> [UInt8] {
        let high = try octet()
        let low = try octet()
        return try take(Int(high) << 8 | Int(low))
    }
}

extension VICIMessage {
    /// Reads a message to the end of its packet.
    init(from reader: inout VICIReader) throws(VICIGarbage) {
        var outer: [(name: [UInt8], elements: [Element])] = []
        var current: [Element] = []
        while !reader.isAtEnd {
            switch VICIWire.Element(rawValue: try reader.octet()) {
            case .sectionStart:
                guard outer.count < VICIWire.depthLimit else { throw .tooDeep }
                outer.append((try reader.name(), current))
                current = []
            case .sectionEnd:
                guard let (name, elements) = outer.popLast() else { throw .unbalanced }
                let section = VICIMessage(elements: current)
                current = elements
                current.append(Element(name: name, content: .section(section)))
            case .keyValue:
                current.append(Element(name: try reader.name(), content: .value(try reader.value())))
            case .listStart:
                current.append(Element(name: try reader.name(), content: .list(try Self.items(from: &reader))))
            case .listItem, .listEnd: throw .misplaced
            case nil: throw .elementType
            }
        }
        guard outer.isEmpty else { throw .unbalanced }
        self.init(elements: current)
    }

    private static func items(from reader: inout VICIReader) throws(VICIGarbage) -> [[UInt8]] {
        var items: [[UInt8]] = []
        while true {
            switch VICIWire.Element(rawValue: try reader.octet()) {
            case .listItem: items.append(try reader.value())
            case .listEnd: return items
            case nil: throw .elementType
            default: throw .misplaced
            }
        }
    }

    /// How many octets it is written in.
    var encodedSize: Int {
        elements.reduce(0) { size, element in
            switch element.content {
            case .value(let value): size + 4 + element.name.count + value.count
            case .list(let items): size + 3 + element.name.count + items.reduce(0) { $0 + 3 + $1.count }
            case .section(let section): size + 3 + element.name.count + section.encodedSize
            }
        }
    }

    /// Writes it behind what is there.
    func encode(into octets: inout [UInt8], depth: Int = 0) throws(VICIEncodingError) {
        guard depth <= VICIWire.depthLimit else { throw .tooDeep }
        for element in elements {
            switch element.content {
            case .value(let value):
                try Self.write(.keyValue, element.name, to: &octets)
                try Self.write(value, of: element, to: &octets)
            case .list(let items):
                try Self.write(.listStart, element.name, to: &octets)
                for item in items {
                    octets.append(VICIWire.Element.listItem.rawValue)
                    try Self.write(item, of: element, to: &octets)
                }
                octets.append(VICIWire.Element.listEnd.rawValue)
            case .section(let section):
                try Self.write(.sectionStart, element.name, to: &octets)
                try section.encode(into: &octets, depth: depth + 1)
                octets.append(VICIWire.Element.sectionEnd.rawValue)
            }
        }
    }

    private static func write(
        _ type: VICIWire.Element,
        _ name: [UInt8],
        to octets: inout [UInt8]
    ) throws(VICIEncodingError) {
        octets.append(type.rawValue)
        try VICIPacket.write(name: name, to: &octets)
    }

    private static func write(
        _ value: [UInt8],
        of element: Element,
        to octets: inout [UInt8]
    ) throws(VICIEncodingError) {
        guard value.count <= VICIWire.valueLimit else {
            throw .valueTooLong(name: element.nameText, octets: value.count)
        }
        octets.append(UInt8(value.count >> 8))
        octets.append(UInt8(value.count & 255))
        octets += value
    }
}
