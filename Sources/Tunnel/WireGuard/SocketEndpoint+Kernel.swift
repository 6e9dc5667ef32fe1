// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes

extension SocketEndpoint {
    /// Reads struct sockaddr_in (16 octets) or sockaddr_in6 (28 octets).
    init?(kernelForm bytes: ArraySlice<UInt8>) {
        guard bytes.count >= 16 else { return nil }
        let port = UInt16(networkOrder: bytes.dropFirst(2))
        switch AddressFamily(kernelNumber: UInt8(truncatingIfNeeded: UInt16(hostOrder: bytes))) {
        case .ipv4:
            let bits = UInt32(networkOrder: bytes.dropFirst(4))
            self.init(address: .v4(IPv4Address(bits: bits)), port: port)
        case .ipv6 where bytes.count >= 28:
            let bits = UInt128(networkOrder: bytes.dropFirst(8))
            self.init(address: .v6(IPv6Address(bits: bits)), port: port)
        case .ipv6, nil: return nil
        }
    }

    /// struct sockaddr_in or sockaddr_in6.
    var kernelForm: [UInt8] {
        let family = unsafe withUnsafeBytes(of: UInt16(address.family.kernelNumber)) { unsafe Array($0) }
        let port = [UInt8(port >> 8), UInt8(truncatingIfNeeded: port)]
        switch address {
        case .v4(let address): return family + port + address.bytes + Array(repeating: 0, count: 8)
        case .v6(let address): return family + port + [0, 0, 0, 0] + address.bytes + [0, 0, 0, 0]
        }
    }
}
