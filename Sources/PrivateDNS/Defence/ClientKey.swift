// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// Gives clients and answers the numbers that they are counted under. They are keyed: nobody can choose two that clash.
struct ClientKey: Sendable {
    private let secret: SipHash.Key

    init(secret: SipHash.Key = .drawn()) { self.secret = secret }

    /// The number of a client: an IPv4 address, or an IPv6 prefix of 56 bits.
    func client(_ address: IPAddress) -> UInt64 {
        var hash = SipHash(secret)
        hash.add(Self.prefix(address, ipv4: 32))
        return hash.hash()
    }

    /// The number of an answer to a client's prefix. Of an error only the code counts; names that are not there count
    /// for the name above them, for anybody can think of any number of such.
    /// - Parameter name: the name that was asked for; not looked at where the answer is an error.
    func answer(_ code: ResponseCode, to address: IPAddress, _ name: borrowing LookupName, _ type: RecordType) -> UInt64
    {
        var hash = SipHash(secret)
        hash.add(Self.prefix(address, ipv4: 24))
        switch code {
        case .noError:
            hash.add(name.hash)
            hash.add(UInt64(type.rawValue))
        case .nxDomain:
            hash.add(name.hash(ofLast: max(name.labelCount - 1, 0)))
        default:
            break
        }
        return hash.hash(rest: UInt64(code.rawValue), count: 2)
    }

    /// 64 bits, of which the highest are those of the address; no IPv6 host is in ::/64.
    private static func prefix(_ address: IPAddress, ipv4 length: UInt32) -> UInt64 {
        let bits = address.bits
        let isIPv4 = address.family == .ipv4 || bits >> 32 == 0xffff
        guard isIPv4 else { return UInt64(truncatingIfNeeded: bits >> 64) & ~0xff }
        return UInt64(truncatingIfNeeded: bits & 0xffff_ffff) >> UInt64(32 - length)
    }
}
