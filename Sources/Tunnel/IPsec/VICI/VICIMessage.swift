// SPDX-License-Identifier: Apache-2.0

/// What VICI carries: an ordered tree of values, lists of values and sections, each with a name ("Message format" in the
/// vici plugin's README). Values are octets, since keys and certificates are binary; charon writes numbers as text.
///
/// It never prints a value: one may be a secret.
public struct VICIMessage: Hashable, Sendable {
    /// What stands behind a name.
    public enum Content: Hashable, Sendable {
        /// KEY_VALUE.
        case value([UInt8])
        /// LIST_START to LIST_END.
        case list([[UInt8]])
        /// SECTION_START to SECTION_END.
        case section(VICIMessage)
    }

    /// A name and what stands behind it.
    public struct Element: Hashable, Sendable {
        /// The name's octets: ASCII by the README, but whatever a file called its connection by charon.
        public let name: [UInt8]
        /// What stands behind the name.
        public let content: Content

        /// The name as text; what is no UTF-8 in it is replaced.
        public var nameText: String { String(decoding: name, as: UTF8.self) }
    }

    /// All elements, in their order.
    public private(set) var elements: [Element] = []

    /// An empty message.
    public init() {}

    init(elements: [Element]) {
        self.elements = elements
    }
}

extension VICIMessage {
    /// Appends a value; nothing where it is nil.
    public mutating func append(_ name: String, _ value: [UInt8]?) {
        guard let value else { return }
        elements.append(Element(name: Array(name.utf8), content: .value(value)))
    }

    /// Appends text; nothing where it is nil.
    public mutating func append(_ name: String, _ text: String?) {
        append(name, text.map { Array($0.utf8) })
    }

    /// Appends a number as charon reads it; nothing where it is nil.
    public mutating func append(_ name: String, _ number: (some FixedWidthInteger)?) {
        append(name, number.map { String($0) })
    }

    /// Appends `yes` or `no`.
    public mutating func append(_ name: String, _ flag: Bool) {
        append(name, flag ? "yes" : "no")
    }

    /// Appends a list of octets, which may be empty.
    public mutating func append(_ name: String, list items: [[UInt8]]) {
        elements.append(Element(name: Array(name.utf8), content: .list(items)))
    }

    /// Appends a list of texts; nothing where there are none, so that charon's default holds.
    public mutating func append(_ name: String, texts: [String]) {
        guard !texts.isEmpty else { return }
        append(name, list: texts.map { Array($0.utf8) })
    }

    /// Appends a section.
    public mutating func append(_ name: String, section: VICIMessage) {
        elements.append(Element(name: Array(name.utf8), content: .section(section)))
    }
}

extension VICIMessage {
    private func content(_ name: String) -> Content? {
        elements.first { $0.name.elementsEqual(name.utf8) }?.content
    }

    /// The first value of this name.
    public func octets(_ name: String) -> [UInt8]? {
        guard case .value(let value) = content(name) else { return nil }
        return value
    }

    /// The first value of this name as text; what is no UTF-8 in it is replaced.
    public func text(_ name: String) -> String? {
        octets(name).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The first value of this name as a decimal number.
    public func number<Number: FixedWidthInteger>(_ name: String, as type: Number.Type = Number.self) -> Number? {
        text(name).flatMap { Number($0) }
    }

    /// The first value of this name as a hexadecimal number, as charon writes SPIs and interface ids.
    public func hexadecimal<Number: FixedWidthInteger>(_ name: String, as type: Number.Type = Number.self) -> Number? {
        text(name).flatMap { Number($0, radix: 16) }
    }

    /// Whether the first value of this name is `yes`. What is `no` is left out by charon in most places.
    public func flag(_ name: String) -> Bool { text(name) == "yes" }

    /// The first list of this name; empty where there is none.
    public func list(_ name: String) -> [[UInt8]] {
        guard case .list(let items) = content(name) else { return [] }
        return items
    }

    /// The first list of this name as texts; empty where there is none.
    public func texts(_ name: String) -> [String] {
        list(name).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The first section of this name; empty where there is none.
    public func section(_ name: String) -> VICIMessage {
        guard case .section(let section) = content(name) else { return VICIMessage() }
        return section
    }

    /// All sections with their names, in their order.
    public var sections: [(name: String, section: VICIMessage)] {
        elements.compactMap { element in
            guard case .section(let section) = element.content else { return nil }
            return (element.nameText, section)
        }
    }
}

extension VICIMessage: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The names, without what stands behind them: `{version conn {local_addrs[1]}}`.
    public var description: String {
        let parts = elements.map { element in
            switch element.content {
            case .value: element.nameText
            case .list(let items): "\(element.nameText)[\(items.count)]"
            case .section(let section): "\(element.nameText) \(section)"
            }
        }
        return "{\(parts.joined(separator: " "))}"
    }
    /// The names, without what stands behind them.
    public var debugDescription: String { description }
    /// Nothing to reflect on: values may be secrets.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension VICIMessage.Element: CustomStringConvertible, CustomReflectable {
    /// The name alone.
    public var description: String { nameText }
    /// Nothing to reflect on: values may be secrets.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension VICIMessage.Content: CustomStringConvertible, CustomReflectable {
    /// What kind it is.
    public var description: String {
        switch self {
        case .value: "(value)"
        case .list(let items): "(list of \(items.count))"
        case .section(let section): "\(section)"
        }
    }
    /// Nothing to reflect on: values may be secrets.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
