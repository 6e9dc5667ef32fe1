// SPDX-License-Identifier: Apache-2.0

/// Finds the word that was meant.
enum Spelling {
    /// The known word nearest to a misspelt one, if any is near enough: two slips, in short words one.
    static func nearest(to word: String, in known: some Sequence<String>) -> String? {
        let limit = word.utf8.count <= 4 ? 1 : 2
        // A distance is quadratic in the length; nobody misspells a word by a page.
        guard word.utf8.count <= 64 else { return nil }
        let ranked = known.map { (word: $0, distance: distance(Array(word.utf8), Array($0.utf8))) }
        guard let best = ranked.min(by: { $0.distance < $1.distance }), best.distance <= limit else { return nil }
        return best.word
    }

    /// Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours. Case and the choice
    /// between `-` and `_` count nothing.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        let left = left.map(folded)
        let right = right.map(folded)
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for row in 0..<left.count {
            var current = [row + 1]
            for column in 0..<right.count {
                let same = left[row] == right[column]
                var best = Swift.min(last[column + 1] + 1, current[column] + 1, last[column] + (same ? 0 : 1))
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    best = Swift.min(best, beforeLast[column - 1] + 1)
                }
                current.append(best)
            }
            (beforeLast, last) = (last, current)
        }
        return last[right.count]
    }

    private static func folded(_ octet: UInt8) -> UInt8 {
        switch octet {
        case UInt8(ascii: "_"): UInt8(ascii: "-")
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): octet | 0x20
        default: octet
        }
    }
}
