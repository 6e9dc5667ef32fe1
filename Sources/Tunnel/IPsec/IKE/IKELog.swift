// SPDX-License-Identifier: Apache-2.0

import PathHealth

/// Finds in what charon logs about one IKE_SA why it failed. It keeps the reason and one line, however long the log is.
struct IKELog {
    /// How much of a line is looked at, in octets. What charon cuts its own lines at is 8 KiB.
    static let lineLimit = 8 << 10

    private var cause: IKEFailure?
    private var effect: IKEFailure?
    private var last: IKEFailure?
    private var isChild = false
    private var hasCertificate = false
    /// Whether the request was sent for the last time, and charon begins again from the start, if at all.
    private(set) var hasGivenUp = false
    /// Whether the CHILD_SA was there before.
    private(set) var isPresent = false

    /// Takes a line.
    /// - Parameter group: charon's word for the part that says it: `IKE`, `CFG`, `ENC`, `NET` and others.
    mutating func read(_ octets: [UInt8], group: String) {
        let line = octets.prefix(Self.lineLimit).drop { $0 == UInt8(ascii: " ") }
        guard !line.isEmpty else { return }
        // Which messages went and came is no reason.
        if group != "ENC", group != "NET" { last = Self.saying(line) }
        guard let sentence = IKESentence.all.first(where: { $0.fits(line) }) else { return }
        take(sentence.meaning, of: line)
    }

    private mutating func take(_ meaning: IKESentence.Meaning, of line: ArraySlice<UInt8>) {
        switch meaning {
        case .cause(let failure): cause = cause ?? failure
        case .causeItself: cause = cause ?? Self.saying(line)
        case .effectItself: effect = effect ?? Self.saying(line)
        case .proposals: cause = cause ?? (isChild ? .childProposalMismatch : .proposalMismatch)
        case .childBegins: isChild = true
        case .certificateFound: hasCertificate = true
        case .certificateMissing: effect = effect ?? (hasCertificate ? .peerUntrusted : .peerIdentityUnknown)
        case .proven: (cause, effect) = (nil, nil)
        case .givenUp: hasGivenUp = true
        case .present: isPresent = true
        }
    }

    private static func saying(_ line: ArraySlice<UInt8>) -> IKEFailure {
        // A scalar has at most four octets.
        .saying(String(decoding: line.prefix(4 * IKEFailure.lineLimit), as: UTF8.self))
    }

    /// Why it failed.
    /// - Parameter reason: what charon answered to the command, for want of anything better.
    func failure(reason: String) -> IKEFailure {
        cause ?? effect ?? (hasGivenUp ? .noAnswer : last ?? .saying(reason))
    }

    /// Why it is not done in time.
    var failureInTime: IKEFailure {
        cause ?? effect ?? .noAnswer
    }
}
