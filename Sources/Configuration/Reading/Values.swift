// SPDX-License-Identifier: Apache-2.0
// How the text of a scalar becomes a value. Each function reports what it cannot take and then returns nil.

import NetworkTypes

extension Reading {
    /// Text that is not empty, quoted or not.
    func text(_ node: YAMLNode, _ what: String) -> String? {
        guard let text = node.text, !text.isEmpty else {
            mismatch(node, what, "text")
            return nil
        }
        return text
    }

    /// A value with one text form.
    func value<Value: LosslessStringConvertible>(
        _ node: YAMLNode,
        _ what: String,
        as type: Value.Type,
        form: String,
        hint: (String) -> String? = { _ in nil }
    ) -> Value? {
        guard let text = text(node, what) else { return nil }
        if let value = Value(text) { return value }
        error(node.mark, "\(what): '\(text)' is not \(form)", hint: hint(text))
        return nil
    }

    /// A whole number in a range; decimal, or hexadecimal behind `0x`.
    func integer(_ node: YAMLNode, _ what: String, in range: ClosedRange<Int>, hint: String? = nil) -> Int? {
        guard let text = text(node, what) else { return nil }
        let digits = text.hasPrefix("0x") ? text.dropFirst(2) : text[...]
        let radix = text.hasPrefix("0x") ? 16 : 10
        guard digits.first?.isHexDigit == true, let number = Int(digits, radix: radix) else {
            error(node.mark, "\(what) must be a whole number, not '\(text)'")
            return nil
        }
        guard case .scalar(_, isPlain: true) = node.content else {
            error(node.mark, "\(what) must be a whole number, not text", hint: "without quotes")
            return nil
        }
        guard range.contains(number) else {
            let message = "\(what) must be \(range.lowerBound) to \(range.upperBound), not \(text)"
            error(node.mark, message, hint: hint)
            return nil
        }
        return number
    }

    /// A duration in a range, which is said in the units that people write.
    func duration(
        _ node: YAMLNode,
        _ what: String,
        in range: ClosedRange<Duration>,
        saying rangeText: String
    ) -> Duration? {
        guard let text = text(node, what) else { return nil }
        guard let duration = Duration(text: text) else {
            let hint = "a number and a unit, as in 300ms, 1.5s, 2m, 1h, 7d"
            error(node.mark, "\(what): '\(text)' is not a duration", hint: hint)
            return nil
        }
        guard range.contains(duration) else {
            error(node.mark, "\(what) must be \(rangeText), not \(text)")
            return nil
        }
        return duration
    }

    /// `true` or `false`.
    func boolean(_ node: YAMLNode, _ what: String) -> Bool? {
        switch node.text {
        case "true": return true
        case "false": return false
        default:
            error(node.mark, "\(what) must be true or false")
            return nil
        }
    }

    /// One of a few words.
    func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ node: YAMLNode,
        _ what: String,
        of type: Choice.Type
    ) -> Choice? {
        guard let text = text(node, what) else { return nil }
        if let choice = Choice(rawValue: text) { return choice }
        let words = Choice.allCases.map(\.rawValue)
        let hint = Spelling.nearest(to: text, in: words).map { "did you mean '\($0)'?" }
        error(node.mark, "\(what) must be \(words.joined(separator: " or ")), not '\(text)'", hint: hint)
        return nil
    }

    /// The items of a list with at least one; anything else is reported.
    func list(_ node: YAMLNode, _ what: String, mayBeEmpty: Bool = false) -> [YAMLNode]? {
        guard case .sequence(let items) = node.content else {
            mismatch(node, what, "a list")
            return nil
        }
        if items.isEmpty, !mayBeEmpty {
            error(node.mark, "\(what) is empty")
            return nil
        }
        return items
    }

    /// An absolute path in the file system.
    func absolutePath(_ node: YAMLNode, _ what: String) -> String? {
        guard let text = text(node, what) else { return nil }
        guard text.hasPrefix("/") else {
            error(node.mark, "\(what) must be an absolute path, not '\(text)'")
            return nil
        }
        return text
    }
}
