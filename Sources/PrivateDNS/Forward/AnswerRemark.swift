// SPDX-License-Identifier: Apache-2.0

/// What is said of an answer besides its records: an Extended DNS Error (RFC 8914).
enum AnswerRemark: UInt8, Sendable {
    /// No server answered.
    case noReachableAuthority
    /// A private name leads out of its network.
    case outsideOfNetwork
    /// A public name leads to where no public name may lead.
    case rebinding

    /// The EDNS option, made once.
    var option: [UInt8] {
        switch self {
        case .noReachableAuthority: FixedOptions.noReachableAuthority
        case .outsideOfNetwork: FixedOptions.outsideOfNetwork
        case .rebinding: FixedOptions.rebinding
        }
    }
}
