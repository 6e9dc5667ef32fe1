// SPDX-License-Identifier: Apache-2.0

/// How a server is asked, and what its answer must repeat besides the id of the question, and what nobody knows who did not see it (RFC 5452
/// section 9): the case of the name's letters, and our cookie.
struct Challenge {
    /// The name as it goes out.
    let name: [UInt8]
    /// Whether its letters are in a case that was drawn (draft-vixie-dnsext-dns0x20).
    let isMixed: Bool
    /// Our cookie for the server (RFC 7873 section 4.1); nil where none goes out.
    let cookie: UInt64?
    /// The server's own, which it gave before; empty where it has given none.
    let serverCookie: [UInt8]
    /// Whether a cookie must come back.
    let expectsCookie: Bool
    /// Whether its word that data is authentic is asked for, and taken.
    let trustsAD: Bool

    /// Refuses an answer whose cookie is not ours (RFC 7873 section 5.3).
    func check(_ cookie: AnswerCookie?) throws(FormatError) {
        guard let own = self.cookie, let cookie else { return }
        guard cookie.client == own else { throw .notTheAnswer }
    }

    /// Why a checked answer may be somebody else's; nil where it repeats all that it can.
    /// - Parameter message: whose question is the one that was asked, whatever its case.
    func doubt(_ message: Span<UInt8>, _ cookie: AnswerCookie?) -> AnswerDoubt? {
        guard repeatsLetters(message) else { return .letters }
        return expectsCookie && cookie == nil ? .cookie : nil
    }

    private func repeatsLetters(_ message: Span<UInt8>) -> Bool {
        guard isMixed else { return true }
        // There is nothing before the question that its name could point to, so it stands there octet by octet.
        for (index, octet) in name.enumerated() where message[MessageSize.header + index] != octet { return false }
        return true
    }

    /// A name whose letters are in upper or lower case, as a random number has it.
    /// - Parameter name: uncompressed and lowered.
    static func mixed(_ name: [UInt8], using source: inout some RandomNumberGenerator) -> [UInt8] {
        var name = name
        var bits: UInt64 = 0
        var bitsLeft = 0
        for index in name.indices where (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(name[index]) {
            if bitsLeft == 0 { (bits, bitsLeft) = (source.next(), 64) }
            if bits & 1 == 1 { name[index] &= ~0x20 }
            bits >>= 1
            bitsLeft -= 1
        }
        return name
    }
}

/// Why an answer may not be the server's: it is asked again over TCP, where nobody can answer in its place unseen.
public enum AnswerDoubt: UInt8, Hashable, Sendable, CaseIterable {
    /// The name's letters came back in another case.
    case letters
    /// The server has given a cookie before, and there is none now (RFC 7873 section 5.3).
    case cookie

    /// The reason as a metric's label has it.
    public var text: String {
        switch self {
        case .letters: "case"
        case .cookie: "cookie"
        }
    }
}
