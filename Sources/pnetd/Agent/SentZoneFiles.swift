// SPDX-License-Identifier: Apache-2.0

import Configuration

/// The numbers under which the resolver has zone files, so that each is sent to it once.
struct SentZoneFiles {
    // Not a dictionary: texts are compared faster than they are hashed, since they mostly are the same string.
    private var known: [(number: UInt64, text: String)] = []
    private var sent: Set<UInt64> = []
    private var last: UInt64 = 0

    /// The number of a text; a new one where it has none.
    mutating func number(of text: String) -> UInt64 {
        if let known = known.first(where: { $0.text == text }) { return known.number }
        last += 1
        known.append((last, text))
        return last
    }

    /// Forgets all other texts, as the resolver does with the next snapshot.
    mutating func keep(_ texts: [String]) {
        known = known.filter { texts.contains($0.text) }
        sent.formIntersection(known.map(\.number))
    }

    /// What the resolver does not have; it counts as sent from now on.
    mutating func takeUnsent() -> [(number: UInt64, text: String)] {
        let unsent = known.filter { !sent.contains($0.number) }
        sent.formUnion(unsent.map(\.number))
        return unsent
    }

    /// A resolver has connected that has nothing.
    mutating func forgetWhatWasSent() { sent = [] }
}

extension ZoneConfiguration.Source {
    /// The text of a zone file.
    var fileText: String? {
        guard case .file(let text) = self else { return nil }
        return text
    }
}
