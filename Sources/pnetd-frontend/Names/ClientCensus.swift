// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// How many connections clients have, in all and each.
final class ClientCensus {
    /// The most in all; a further one is closed at once.
    static let limit = 256
    /// The most of one client: an IPv4 address, or an IPv6 prefix of 64 bits.
    static let limitEach = 32

    private var count = 0
    private var each: [UInt128: Int] = [:]

    private func key(_ address: IPAddress) -> UInt128 {
        address.family == .ipv4 ? address.bits : address.bits >> 64 | 1 << 127
    }

    /// - Returns: whether one more is let in.
    func enter(_ address: IPAddress) -> Bool {
        guard count < Self.limit, each[key(address), default: 0] < Self.limitEach else { return false }
        count += 1
        each[key(address), default: 0] += 1
        return true
    }

    func left(_ address: IPAddress) {
        count -= 1
        let rest = each[key(address), default: 1] - 1
        each[key(address)] = rest > 0 ? rest : nil
    }
}
