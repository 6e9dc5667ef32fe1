// SPDX-License-Identifier: Apache-2.0

/// What is measured, by the words on the command line: `bench-outage [--rounds N] [--alone] [PART...]`.
struct Arguments {
    /// How often each fault strikes, but for a brownout: that takes a minute to know of, and strikes a sixth as often.
    /// Half as often the underlay is cut with a plain gateway at the far end. That is 200 cuts.
    private(set) var rounds = 30
    /// Whether nothing runs but pnetd.
    private(set) var isAlone = false
    /// Which parts; none: all of them.
    private var parts: Set<String> = []

    /// nil where the words make no sense.
    init?(_ words: some Collection<String>) {
        var rest = words[...]
        while let word = rest.popFirst() {
            if word == "--rounds" {
                guard let number = rest.popFirst().flatMap({ Int($0) }), number > 0 else { return nil }
                rounds = number
            } else if word == "--alone" {
                isAlone = true
            } else {
                guard Self.known.contains(word) else { return nil }
                parts.insert(word)
            }
        }
    }

    /// Faults with both ends, and those with one.
    static let known = Fault.allCases.map(\.rawValue) + [oneEnd, carrier]
    static let oneEnd = "silent-cut"
    static let carrier = "carrier-loss"

    func rounds(of fault: Fault) -> Int { fault == .brownout ? max(rounds / 6, 1) : rounds }
    var roundsOfOneEnd: Int { max(rounds / 2, 1) }
    var roundsOfCarrier: Int { max(rounds / 6, 1) }

    func includes(_ part: String) -> Bool { parts.isEmpty || parts.contains(part) }
}
