// SPDX-License-Identifier: Apache-2.0

/// What is said of an answer besides its records: an Extended DNS Error (RFC 8914).
enum AnswerRemark: UInt8, Sendable {
    /// No server has an answer of use.
    case noReachableAuthority
    /// No server of a private zone answers at all; through which path, and since when, is told besides.
    case networkError
    /// No server answers any more, and this is what one said last (RFC 8767).
    case stale
    /// A private name leads out of its network.
    case outsideOfNetwork
    /// A private name leads to where no path leads just now.
    case unrouted
    /// A public name leads to where no public name may lead.
    case rebinding
    /// A signature is not of what it is said to sign, or not by who is said to sign.
    case bogus
    case signatureExpired
    case signatureNotYetValid
    /// The keys that are to sign are not there, or not those that the zone above names.
    case keyMissing
    case signatureMissing
    /// That something is not there is not proven.
    case denialMissing

    /// The EDNS option, made once.
    var option: [UInt8] {
        switch self {
        case .noReachableAuthority: FixedOptions.noReachableAuthority
        case .networkError: FixedOptions.networkError
        case .stale: FixedOptions.stale
        case .outsideOfNetwork: FixedOptions.outsideOfNetwork
        case .unrouted: FixedOptions.unrouted
        case .rebinding: FixedOptions.rebinding
        case .bogus: FixedOptions.bogus
        case .signatureExpired: FixedOptions.signatureExpired
        case .signatureNotYetValid: FixedOptions.signatureNotYetValid
        case .keyMissing: FixedOptions.keyMissing
        case .signatureMissing: FixedOptions.signatureMissing
        case .denialMissing: FixedOptions.denialMissing
        }
    }
}
