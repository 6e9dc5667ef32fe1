// SPDX-License-Identifier: Apache-2.0
// A key that was pasted in the wrong place must not get into a log by way of the error about it.

extension String {
    /// The text without what may be a key: base64 of about 32 octets or more, or as much in hexadecimal. A slip more
    /// or less is allowed for, and so is what honest names look like.
    var withoutKeys: String {
        var text = ""
        var rest = utf8[...]
        while let first = rest.first {
            let word = rest.prefix { $0.isBase64 == first.isBase64 }
            rest = rest[word.endIndex...]
            text += first.isBase64 && Self.mayBeKey(word) ? "(what may be a key)" : String(Substring(word))
        }
        return text
    }

    private static func mayBeKey(_ word: Substring.UTF8View) -> Bool {
        guard word.count >= 40 else { return false }
        // Forty random digits of base64 without a capital or a small letter are as good as impossible; without a figure
        // they are rare, and then they have many capitals, as honest names have not.
        let (capitals, small) = (UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"))
        let figures = UInt8(ascii: "0")...UInt8(ascii: "9")
        let isMixed =
            word.contains { capitals.contains($0) } && word.contains { small.contains($0) }
            && (word.contains { figures.contains($0) } || word.count { capitals.contains($0) } >= 8)
        return isMixed || word.split { !$0.isHexadecimal }.contains { $0.count >= 60 }
    }
}

extension UInt8 {
    private static let signs = Set("+/=".utf8)

    fileprivate var isHexadecimal: Bool {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }

    fileprivate var isBase64: Bool {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"):
            true
        default: Self.signs.contains(self)
        }
    }
}
