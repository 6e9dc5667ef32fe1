// SPDX-License-Identifier: Apache-2.0

import CLinux

/// Requests that carry the port of their socket.
///
/// Elsewhere the kernel signs what it tells of a change with the port that the request came from. Of IPsec it repeats what
/// the request says of itself (`c.portid = nlh->nlmsg_pid`), and most say nothing.
final class SignedRequests: NetlinkTransport {
    private let transport: any NetlinkTransport
    private let signature: [UInt8]

    init(over transport: any NetlinkTransport, port: UInt32) {
        self.transport = transport
        signature = unsafe withUnsafeBytes(of: port) { unsafe Array($0) }
    }

    func send(_ bytes: ArraySlice<UInt8>) throws(NetlinkError) {
        var signed = Array(bytes)
        var start = 0
        // struct nlmsghdr: u32 length (header included), u16 type, u16 flags, u32 sequence, u32 port.
        while start + 16 <= signed.count {
            signed.replaceSubrange(start + 12..<start + 16, with: signature)
            start += max(16, (Int(UInt32(hostOrder: signed[start...])) + 3) & ~3)
        }
        try transport.send(signed[...])
    }

    func receive() throws(NetlinkError) -> [UInt8]? { try transport.receive() }
}
