// SPDX-License-Identifier: Apache-2.0
// The one file that touches libyaml. Its events carry line and column, which is what it was chosen for.

import CYaml

/// What libyaml reports, one step at a time.
enum YAMLEvent {
    case documentStart
    /// `properties` says which of anchor and tag stand before the value.
    case scalar(String, isPlain: Bool, properties: YAMLProperties)
    case sequenceStart(YAMLProperties)
    case sequenceEnd
    case mappingStart(YAMLProperties)
    case mappingEnd
    case alias
    case end
    /// The start of the stream or the end of a document: of no interest.
    case other
}

/// What may stand before a value in YAML and is refused here.
struct YAMLProperties: OptionSet {
    let rawValue: UInt8
    static let anchor = YAMLProperties(rawValue: 1)
    static let tag = YAMLProperties(rawValue: 2)
}

/// The events of a text. Owns libyaml's parser and the octets that it reads; neither leaves this file.
@safe
struct YAMLEventStream: ~Copyable {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeMutableBufferPointer<UInt8>

    /// Begins to read a text; nil where there is no memory for it.
    init?(_ text: [UInt8]) {
        let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
        guard unsafe yaml_parser_initialize(parser) == 1 else {
            unsafe parser.deallocate()
            return nil
        }
        let input = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(1, text.count))
        _ = unsafe input.initialize(from: text)
        unsafe yaml_parser_set_input_string(parser, input.baseAddress, text.count)
        unsafe self.parser = parser
        unsafe self.input = input
    }

    deinit {
        unsafe yaml_parser_delete(parser)
        unsafe parser.deallocate()
        unsafe input.deallocate()
    }

    /// The next event and where it begins. Not to be called again after an error or the end.
    mutating func next() throws(YAMLFault) -> (event: YAMLEvent, mark: Mark) {
        var event = unsafe yaml_event_t()
        guard unsafe yaml_parser_parse(parser, &event) == 1 else { throw fault() }
        defer { unsafe yaml_event_delete(&event) }
        return unsafe (translated(event), Mark(event.start_mark))
    }

    private func translated(_ event: yaml_event_t) -> YAMLEvent {
        switch unsafe event.type {
        case YAML_DOCUMENT_START_EVENT: return .documentStart
        case YAML_SCALAR_EVENT:
            let scalar = unsafe event.data.scalar
            let octets = unsafe UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            return unsafe .scalar(
                String(decoding: octets, as: UTF8.self),
                isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE,
                properties: properties(scalar.anchor, scalar.tag)
            )
        case YAML_SEQUENCE_START_EVENT:
            return unsafe .sequenceStart(properties(event.data.sequence_start.anchor, event.data.sequence_start.tag))
        case YAML_SEQUENCE_END_EVENT: return .sequenceEnd
        case YAML_MAPPING_START_EVENT:
            return unsafe .mappingStart(properties(event.data.mapping_start.anchor, event.data.mapping_start.tag))
        case YAML_MAPPING_END_EVENT: return .mappingEnd
        case YAML_ALIAS_EVENT: return .alias
        case YAML_STREAM_END_EVENT: return .end
        default: return .other
        }
    }

    private func properties(_ anchor: UnsafeMutablePointer<UInt8>?, _ tag: UnsafeMutablePointer<UInt8>?)
        -> YAMLProperties
    {
        var properties: YAMLProperties = []
        if unsafe anchor != nil { properties.insert(.anchor) }
        if unsafe tag != nil { properties.insert(.tag) }
        return properties
    }

    /// libyaml's own words for what is wrong, and where. Its reader knows only how many octets it got through.
    private func fault() -> YAMLFault {
        let problem = unsafe parser.pointee.problem.map { unsafe String(cString: $0) } ?? "not readable"
        if unsafe parser.pointee.error == YAML_READER_ERROR {
            let mark = unsafe Mark(atOctet: parser.pointee.problem_offset, of: Array(input))
            return YAMLFault(mark: mark, message: problem, hint: nil)
        }
        let context = unsafe parser.pointee.context.map { unsafe String(cString: $0) } ?? ""
        // What was opened and not closed is wrong where it was opened; libyaml notices it lines later.
        let isUnclosed = context.contains("flow") || context.contains("quoted")
        let place = unsafe isUnclosed ? parser.pointee.context_mark : parser.pointee.problem_mark
        return YAMLFault(
            mark: Mark(place),
            message: context.isEmpty ? problem : "\(problem) \(context)",
            hint: isUnclosed ? nil : hint()
        )
    }

    /// What to do about the character at which libyaml gave up.
    private func hint() -> String? {
        let index = unsafe Int(parser.pointee.problem_mark.index)
        guard unsafe input.indices.contains(index) else { return nil }
        switch unsafe input[index] {
        case UInt8(ascii: "\t"): return "indent with spaces, not tabs"
        case UInt8(ascii: ":"): return "quote a value that holds brackets and colons"
        default: return nil
        }
    }
}

extension Mark {
    fileprivate init(_ mark: yaml_mark_t) {
        self.init(line: Int(mark.line) + 1, column: Int(mark.column) + 1)
    }

    /// The place of an octet.
    init(atOctet offset: Int, of text: [UInt8]) {
        let before = text.prefix(offset)
        let start = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        let isFirstOfCharacter: (UInt8) -> Bool = { $0 & 0xc0 != 0x80 }
        self.init(
            line: before.count { $0 == UInt8(ascii: "\n") } + 1,
            column: before[start...].count(where: isFirstOfCharacter) + 1
        )
    }
}
