// SPDX-License-Identifier: Apache-2.0
// Of YAML we take scalars, lists and mappings. Anchors, aliases and tags are refused: they let a short file grow
// without bound and let the same text mean different things to different readers.

/// Makes one tree of a text's events.
struct YAMLComposer: ~Copyable {
    /// The deepest nesting; the file's own needs half of it.
    static let depthLimit = 16
    /// The most values in one file.
    static let nodeLimit = 100_000

    private var events: YAMLEventStream
    private var nodes = 0
    /// What was refused on the way and did not stop it.
    private(set) var faults: [YAMLFault] = []

    private init(_ events: consuming YAMLEventStream) {
        self.events = events
    }

    /// The tree of a text, and what is wrong with it as YAML; no tree where it is empty or could not be read to its end.
    static func compose(_ text: [UInt8]) -> (root: YAMLNode?, faults: [YAMLFault]) {
        if let offset = text.firstInvalidUTF8 {
            let mark = Mark(atOctet: offset, of: text)
            return (nil, [YAMLFault(mark: mark, message: "the file is not UTF-8", hint: "save it as UTF-8")])
        }
        let start = Mark(line: 1, column: 1)
        guard let events = YAMLEventStream(text) else {
            return (nil, [YAMLFault(mark: start, message: "there is no memory to read the file", hint: nil)])
        }
        var composer = YAMLComposer(events)
        do {
            if let root = try composer.document() { return (root, composer.faults) }
            let hint = "a file begins with 'version: 1'"
            return (nil, [YAMLFault(mark: start, message: "the file is empty", hint: hint)])
        } catch {
            return (nil, composer.faults + [error])
        }
    }

    private mutating func document() throws(YAMLFault) -> YAMLNode? {
        var root: YAMLNode?
        while true {
            let (event, mark) = try events.next()
            switch event {
            case .end: return root
            case .documentStart where root != nil:
                throw YAMLFault(mark: mark, message: "a second document", hint: "one file is one document")
            case .documentStart, .other: continue
            default: root = try node(event, mark, depth: 0)
            }
        }
    }

    private mutating func node(_ event: YAMLEvent, _ mark: Mark, depth: Int) throws(YAMLFault) -> YAMLNode {
        nodes += 1
        guard depth < Self.depthLimit else {
            throw YAMLFault(mark: mark, message: "nested deeper than \(Self.depthLimit) levels", hint: nil)
        }
        guard nodes <= Self.nodeLimit else {
            throw YAMLFault(mark: mark, message: "more than \(Self.nodeLimit) values in one file", hint: nil)
        }
        switch event {
        case .scalar(let text, let isPlain, let properties):
            refuse(properties, at: mark)
            return YAMLNode(content: .scalar(text, isPlain: isPlain), mark: mark)
        case .sequenceStart(let properties):
            refuse(properties, at: mark)
            return YAMLNode(content: .sequence(try sequence(depth: depth + 1)), mark: mark)
        case .mappingStart(let properties):
            refuse(properties, at: mark)
            return YAMLNode(content: try mapping(depth: depth + 1), mark: mark)
        default:
            faults.append(YAMLFault(mark: mark, message: "aliases are not used here", hint: "write the value out"))
            return YAMLNode(content: .refused, mark: mark)
        }
    }

    private mutating func sequence(depth: Int) throws(YAMLFault) -> [YAMLNode] {
        var items: [YAMLNode] = []
        while true {
            let (event, mark) = try events.next()
            if case .sequenceEnd = event { return items }
            items.append(try node(event, mark, depth: depth))
        }
    }

    private mutating func mapping(depth: Int) throws(YAMLFault) -> YAMLNode.Content {
        var entries: [YAMLNode.Entry] = []
        var seen: [String: Int] = [:]
        var isComplete = true
        while true {
            let (event, mark) = try events.next()
            if case .mappingEnd = event { return .mapping(entries, isComplete: isComplete) }
            let key = try node(event, mark, depth: depth)
            let (valueEvent, valueMark) = try events.next()
            let value = try node(valueEvent, valueMark, depth: depth)
            guard case .scalar(let text, _) = key.content else {
                isComplete = false
                if case .refused = key.content { continue }
                faults.append(YAMLFault(mark: mark, message: "a key must be text, not \(key.kind)", hint: nil))
                continue
            }
            if let line = seen.updateValue(seen[text] ?? mark.line, forKey: text) {
                let hint = "the first is on line \(line)"
                faults.append(YAMLFault(mark: mark, message: "key '\(text)' appears twice", hint: hint))
                isComplete = false
                continue
            }
            entries.append(YAMLNode.Entry(key: text, mark: mark, value: value))
        }
    }

    private mutating func refuse(_ properties: YAMLProperties, at mark: Mark) {
        if properties.contains(.anchor) {
            faults.append(YAMLFault(mark: mark, message: "anchors are not used here", hint: "remove it"))
        }
        if properties.contains(.tag) {
            faults.append(YAMLFault(mark: mark, message: "tags are not used here", hint: "remove it"))
        }
    }
}

extension [UInt8] {
    /// The offset of the first octet that is no UTF-8 (RFC 3629).
    var firstInvalidUTF8: Int? {
        var parser = Unicode.UTF8.ForwardParser()
        var octets = makeIterator()
        var offset = 0
        while true {
            switch parser.parseScalar(from: &octets) {
            case .valid(let scalar): offset += scalar.count
            case .emptyInput: return nil
            case .error: return offset
            }
        }
    }
}
